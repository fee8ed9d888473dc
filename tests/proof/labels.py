"""Predictions whose labels come in several files: shuffled, repeated, corrected, and with lines that are no label."""

import json
import random

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.settings import ProblemType, QualitySettings
from tests.proof.stage import ENDPOINT, Stage

SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0")
PREDICTIONS, OBJECTS, FILES, REPEATED = 2_000, 2, 3, 100
CORRECTED = 50  # by a file that comes last


def an_endpoint_with_a_quality_table(stage: Stage) -> None:
    """In the fleet, with the secret made: what is stored is then the same in every branch."""
    stage.change_entry(mode="observe", package_group="", golden_payload=None, quality=SETTINGS)
    stage_stores().id_secret.get()


def an_endpoint_without_a_secret(stage: Stage) -> None:
    """The secret is made in the branches, so that only what is joined can be compared."""
    stage.change_entry(mode="observe", package_group="", golden_payload=None, quality=SETTINGS)


def captures_and_labels(stage: Stage) -> None:
    """Two captured objects, and the label files, each event three times."""
    stage.cloud.bus.duplicate(2)
    now = stage.cloud.clock.now()
    for number in range(OBJECTS):
        name = f"{now:%Y/%m/%d/%H/%M}-0{number}-000-11111111.jsonl"
        stage.cloud.write(f"s3://{stage.bucket}/data-capture/{ENDPOINT}/AllTraffic/{name}", _captured(number))
    stage.turn(1)
    for number, content in enumerate(_label_files()):
        stage.cloud.write(f"s3://{stage.bucket}/ground-truth/{ENDPOINT}/{number}.csv", content)
        stage.turn(1)
    stage.cloud.bus.clear_disturbances()


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


def _captured(number: int) -> bytes:
    return b"\n".join(map(_record, range(number, PREDICTIONS, OBJECTS)))


def _label_files() -> list[bytes]:
    lines = [f"e{number},{int(number % 100 > 40)}" for number in range(PREDICTIONS)]
    random.Random(1).shuffle(lines)
    size = PREDICTIONS // FILES + 1
    files = [lines[start : start + size + REPEATED] for start in range(0, PREDICTIONS, size)]
    corrected = [f"e{number},{int(number % 100 <= 40)}" for number in range(CORRECTED)]
    return ["\n".join([*file, "no label", "e1,maybe"]).encode() for file in [*files, corrected]]
