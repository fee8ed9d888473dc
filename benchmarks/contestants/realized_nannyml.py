"""NannyML's realized performance on the data sets of its wheel: their rows into a folder, the metrics of chunks out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nannyml

CHUNKS = 10
BINARY = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
CLASSES = ("classification_binary", BINARY)
NUMBERS = ("regression", ["mae", "mse", "rmse"])
SETS = {  # name -> how to load it; label, prediction and score
    "work at home": (
        nannyml.load_synthetic_binary_classification_dataset,
        "work_home_actual",
        "y_pred",
        "y_pred_proba",
    ),
    "car loans": (nannyml.load_synthetic_car_loan_dataset, "repaid", "y_pred", "y_pred_proba"),
    "employment": (nannyml.load_us_census_ma_employment_data, "employed", "prediction", "predicted_probability"),
    "car prices": (nannyml.load_synthetic_car_price_dataset, "y_true", "y_pred", ""),
}


def main(folder: Path) -> None:
    found = {}
    for name, (load, label, prediction, score) in SETS.items():
        reference, analysis, labels = load()
        analysis = analysis.merge(labels, on="id")
        columns = {"y_true": label, "y_pred": prediction, **({"y_pred_proba": score} if score else {})}
        problem, metrics = CLASSES if score else NUMBERS
        calculator = nannyml.PerformanceCalculator(
            problem_type=problem, metrics=metrics, chunk_number=CHUNKS, **columns
        )
        result = calculator.fit(reference).calculate(analysis).filter(period="analysis").to_df()
        rows = analysis[list(columns.values())].set_axis(list(columns), axis=1)
        rows.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")
        chunks = zip(result["chunk"]["start_index"], result["chunk"]["end_index"], strict=True)
        found[name] = {
            "chunks": [[int(start), int(end) + 1] for start, end in chunks],
            "metrics": {metric: result[metric]["value"].tolist() for metric in metrics},
        }
    print(json.dumps({"version": f"nannyml {nannyml.__version__}", "sets": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
