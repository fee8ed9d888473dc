"""Predictions whose labels come in several files: shuffled, repeated, corrected, and with lines that are no label."""

import json
import random

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.settings import ProblemType, QualitySettings
from tests.proof.stage import ENDPOINT, Stage

SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0")
FILES = 3


def an_endpoint_with_a_quality_table(stage: Stage) -> None:
    """In the fleet, and swept; with the secret made."""
    an_endpoint_without_a_secret(stage)
    stage_stores().id_secret.get()
    stage.run_schedule("sweep")  # the long look of the day is over


def an_endpoint_without_a_secret(stage: Stage) -> None:
    """In the fleet; the secret is made by the function that needs it first."""
    stage.change_entry(mode="observe", package_group="", golden_payload=None, quality=SETTINGS)


def captures_and_labels(predictions: int, objects: int = 1, copies: int = 1):
    """Captured objects, and four label files, as many copies of each event; the last file corrects some labels."""

    def act(stage: Stage) -> None:
        stage.cloud.bus.duplicate(copies)
        now = stage.cloud.clock.now()
        for number in range(objects):
            name = f"{now:%Y/%m/%d/%H/%M}-0{number}-000-11111111.jsonl"
            captured = b"\n".join(map(_record, range(number, predictions, objects)))
            stage.cloud.write(f"s3://{stage.bucket}/data-capture/{ENDPOINT}/AllTraffic/{name}", captured)
        stage.turn(1)
        for number, content in enumerate(_label_files(predictions)):
            stage.cloud.write(f"s3://{stage.bucket}/ground-truth/{ENDPOINT}/{number}.csv", content)
            stage.turn(1)
        stage.cloud.bus.clear_disturbances()

    return act


def a_few_captures_and_labels(stage: Stage) -> None:
    """One object and one file."""
    now = stage.cloud.clock.now()
    name = f"{now:%Y/%m/%d/%H/%M}-00-000-11111111.jsonl"
    stage.cloud.write(f"s3://{stage.bucket}/data-capture/{ENDPOINT}/AllTraffic/{name}", _record(0))
    stage.cloud.write(f"s3://{stage.bucket}/ground-truth/{ENDPOINT}/0.csv", b"e0,1\n")
    stage.turn(1)


def _record(number: int) -> bytes:
    sides = {
        "endpointInput": {"data": "1,2", "encoding": "CSV"},
        "endpointOutput": {"data": str(number % 100 / 100), "encoding": "CSV"},
    }
    return json.dumps({"captureData": sides, "eventMetadata": {"eventId": f"e{number}"}}).encode()


def _label_files(predictions: int) -> list[bytes]:
    """Every label, in any order, some in two files; lines that are no label in each."""
    lines = [f"e{number},{int(number % 100 > 40)}" for number in range(predictions)]
    random.Random(1).shuffle(lines)
    size, repeated = predictions // FILES + 1, predictions // 20
    files = [lines[start : start + size + repeated] for start in range(0, predictions, size)]
    corrected = [f"e{number},{int(number % 100 <= 40)}" for number in range(predictions // 40)]
    return ["\n".join([*file, "no label", "e1,maybe"]).encode() for file in [*files, corrected]]
