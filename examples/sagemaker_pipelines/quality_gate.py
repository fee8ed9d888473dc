"""A step of a SageMaker pipeline that fails when data violates its baseline.

It takes the place of Model Monitor's QualityCheck step. SageMaker mounts the inputs, and uploads what is written to
`output`, also when the job fails.

| path in the container                | content                                                                 |
|--------------------------------------|-------------------------------------------------------------------------|
| /opt/ml/processing/input/data/       | CSV with a header or Parquet, or captured requests (.jsonl)             |
| /opt/ml/processing/input/baseline/   | statistics.json and constraints.json, of Vedette or of Model Monitor    |
| /opt/ml/processing/output/           | constraint_violations.json, report.html                                 |

Exit codes, of which only 0 lets the pipeline go on: 0 = no violations, 1 = violations, 2 = nothing could be evaluated.
"""

import argparse
import sys
from pathlib import Path

import vedette


def main() -> int:
    """Evaluate the data, write the results, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fail when data violates its baseline.")
    parser.add_argument("--fail-on", choices=["critical", "warning", "information"], default="warning")
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="The folder that SageMaker mounts.")
    arguments = parser.parse_args()
    folder = arguments.root / "processing"
    try:
        result = vedette.evaluate(folder / "input" / "data", folder / "input" / "baseline")
    except vedette.VedetteError as error:
        return _end(arguments.root, str(error), 2)
    output = folder / "output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "constraint_violations.json").write_bytes(result.violations_file())
    (output / "report.html").write_bytes(result.report())
    return _end(arguments.root, result.conclusion, result.exit_code(arguments.fail_on))


def _end(root: Path, conclusion: str, code: int) -> int:
    """Say how it ended: in the log, and in the job's ExitMessage, which holds one KB."""
    print(conclusion)
    message = root / "output" / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(conclusion[:1000])
    return code


if __name__ == "__main__":
    sys.exit(main())
