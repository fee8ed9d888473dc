"""Makes realistic capture objects, seeded, so that every machine measures the same bytes.

    python -m benchmarks.captures SHAPE EVENTS FILE

| shape  | a request                                                                        |
|--------|----------------------------------------------------------------------------------|
| two    | two integers, one row                                                            |
| wide   | 30 features: 8 integers, 14 fractions, 6 texts (quoted commas, quotes, emoji, a  |
|        | hexadecimal id that sometimes looks like a number), 2 with many missing cells    |
| rows50 | 50 such rows, 50 answers                                                         |
| base64 | `wide` as BASE64                                                                 |
| json   | the 30 features by name, absent ones left out half of the time                   |
| text   | one review of 5 to 60 words as JSON, one score                                   |

Half of the lines escape what is not ASCII, half hold it raw. Every answer is a random number with all its digits.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

SHAPES = ("two", "wide", "rows50", "base64", "json", "text")
COUNTRIES = [
    *("Germany", "France", "España", "Österreich", "Magyarország", "日本", "中国"),
    *("Türkiye", "Brasil", "Perú", "México", "Canada", "भारत", "Ελλάδα"),
]
JOBS = [f"Engineer, level {i}" if i % 4 == 0 else f'Clerk "{i}"' if i % 17 == 0 else f"Job-{i}" for i in range(200)]
CITIES = [f"Stadt-{i:04d}" if i % 3 else f"Grad-ž{i:04d}" for i in range(5000)]
COMMENTS = ["ok", "fine thanks", "late delivery", "see note: a, b", "naïve 🚀 user", "n/a-ish", "x" * 40]
NAMES = [
    *("n_small", "age", "n_items", "zip", "account", "delta", "n_visits", "hour"),
    *(f"f{i:02d}" for i in range(14)),
    *("flag", "country", "job", "city", "comment", "user", "optional_int", "optional_float"),
]
WORDS = [
    *("the", "a", "of", "delivery", "product", "was", "is", "not", "very", "good", "bad", "late"),
    *("again", "I", "would", "buy", "it", "naïve", "price", "quality", "👍", "box"),
]
BEGIN = datetime(2026, 11, 22, 9, 34, 30)  # noqa: DTZ001 (written with a Z below)


def features(rng: random.Random) -> list[Any]:
    """One row of 30 features."""
    r = rng.random
    row: list[Any] = [int(r() * 10), 18 + int(r() * 70), int(rng.expovariate(0.1)), 1000 + int(r() * 98999)]
    row += [int(r() * 1e12), int(r() * 2001) - 1000, int(rng.expovariate(0.5)), int(r() * 24)]
    for i in range(14):
        value = rng.gauss(10 * i, 1 + i)
        row.append((value, round(value, 2), round(value, 4), round(rng.expovariate(0.001), 3))[i % 4])
    row += ["true" if r() < 0.3 else "false", COUNTRIES[int(14 * r() * r())], JOBS[int(200 * r() * r())]]
    row += [CITIES[int(5000 * r() * r())], COMMENTS[int(7 * r() * r() * r())], f"{int(r() * 2**32):08x}"]
    row += [int(r() * 500) if r() > 0.1 else None, round(r() * 1000, 3) if r() > 0.3 else None]
    return [None if r() < 0.005 and i < 28 else value for i, value in enumerate(row)]


def as_csv(rows: list[list[Any]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()


def payloads(shape: str, rng: random.Random) -> tuple[str, str, str, str]:
    """Input, output, encoding, media type."""
    r = rng.random
    if shape == "two":
        return f"{int(r() * 10)},{int(r() * 100)}", f"{int(r() * 3)}\n", "CSV", "text/csv"
    if shape == "json":
        named = zip(NAMES, features(rng), strict=True)
        given = {name: value for name, value in named if value is not None or r() < 0.5}
        answer = {"score": [r(), r(), r()], "predicted_label": int(r() * 3)}
        return (
            json.dumps({"instances": [given]}, ensure_ascii=False),
            json.dumps({"predictions": [answer]}),
            "JSON",
            "application/json",
        )
    if shape == "text":
        review = " ".join(rng.choices(WORDS, k=5 + int(r() * 55)))
        return json.dumps({"review": review}), json.dumps({"score": r()}), "JSON", "application/json"
    count = 50 if shape == "rows50" else 1
    given_text = as_csv([features(rng) for _ in range(count)])
    if count == 1:
        given_text = given_text[:-1]
    answer_text = "".join(f"{r()!r}\n" for _ in range(count))
    if shape == "base64":
        return (
            base64.b64encode(given_text.encode()).decode(),
            base64.b64encode(answer_text.encode()).decode(),
            "BASE64",
            "text/csv",
        )
    return given_text, answer_text, "CSV", "text/csv"


def write(shape: str, events: int, path: Path, seed: int = 1) -> None:
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        for i in range(events):
            given, answer, encoding, kind = payloads(shape, rng)
            time = BEGIN + timedelta(milliseconds=3 * i)
            record = {
                "captureData": {
                    "endpointInput": {
                        "observedContentType": kind,
                        "mode": "INPUT",
                        "data": given,
                        "encoding": encoding,
                    },
                    "endpointOutput": {
                        "observedContentType": f"{kind}; charset=utf-8",
                        "mode": "OUTPUT",
                        "data": answer,
                        "encoding": encoding,
                    },
                },
                "eventMetadata": {
                    "eventId": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                    "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
                },
                "eventVersion": "0",
            }
            file.write(json.dumps(record, ensure_ascii=bool(i & 1), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
