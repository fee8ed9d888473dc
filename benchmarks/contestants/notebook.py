"""What notebooks do: json.loads, flatten_dict, DataFrame, str.split, astype, describe.

str.split cuts quoted commas, so only the columns left of the first text can agree; it makes nothing that adds up.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import kit
import pandas as pd
from flatten_dict import flatten

DATA, ENCODING = "captureData.endpoint%s.data", "captureData.endpoint%s.encoding"


def work(path: str) -> tuple[int, kit.Figures]:
    with Path(path).open(encoding="utf-8") as file:
        requests = pd.DataFrame([flatten(json.loads(line), reducer="dot") for line in file])
    sides = []
    for side in ("Output", "Input"):
        payload = requests[DATA % side]
        encoding = requests[ENCODING % side].iloc[0]
        if encoding == "BASE64":
            payload = payload.map(lambda text: base64.b64decode(text).decode())
        sides.append(records(payload) if encoding == "JSON" else table(payload))
    frame = pd.concat(sides, axis=1, ignore_index=True)
    for name in frame.columns:
        try:
            frame[name] = frame[name].astype(float)
        except (ValueError, TypeError):
            continue
    described = frame.describe(include="all")
    return len(frame), kit.of_frame(frame, described)


def table(payload: Any) -> Any:
    lines = payload.str.strip().str.split("\n").explode(ignore_index=True)
    return lines.str.split(",", expand=True).replace("", None)


def records(payload: Any) -> Any:
    rows = []
    for text in payload:
        document = json.loads(text)
        for record in document.get("instances") or document.get("predictions") or [document]:
            rows.append(flatten(record, reducer="dot", enumerate_types=(list,)))
    return pd.DataFrame(rows)


if __name__ == "__main__":
    kit.contest(work)
