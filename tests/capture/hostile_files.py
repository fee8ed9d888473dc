"""Random capture objects as nobody should send them: keys, values, encodings, shapes, and what broke on the way."""

import base64
import gzip
import json
import random
from typing import Any

from tests.capture.captures import line, record, side

KEYS = [
    *("a", "b", "", " ", ".", "a.b", "[]", "a[]", "#count", "features", "instances", "code", "message", "error", "_c0"),
    *(
        '6"',
        "C:\\temp",
        "\\",
        "a\x00b",
        "\n",
        "\r\n",
        "\t",
        "\x1b[31m",
        "\x7f",
        "\u2028",
        "\u202e",
        "\ud800",
        "é",
        "😀",
    ),
    *("=1+1", "<script>", "{{7*7}}", "../x", "x" * 5_000, "0", "-1", "name", "shape", "data", "columns", "index"),
]
VALUES = [
    *(0, -0.0, 1, 10**30, 1e308, 5e-324, True, None, "", " ", "NaN", "=1+1", "\ud83d", "\x00", "é" * 300, "1e999"),
    *([], {}, [[]], [{}], [None], [1, "x", {"a": [1]}], {"a": {"b": {"c": []}}}, [[1, 2], [3]], [[[["deep"]]]]),
]
ENCODINGS = ["CSV", "JSON", "BASE64", "base64", "XML", "", None]
KINDS = [
    "text/csv",
    "application/json",
    "application/jsonlines",
    "image/png",
    "text/event-stream",
    "",
    None,
    "\ud800/x",
]


def hostile_file(seed: int) -> bytes:
    """The bytes of one capture object, always the same for a seed."""
    draw = random.Random(seed)
    content = b"".join(_line(draw) for _ in range(draw.choice([1, 3, 30, 60])))
    broken = draw.randrange(8)
    if broken == 0:
        return content[: draw.randrange(len(content))]
    if broken == 1:
        at = draw.randrange(len(content))
        return content[:at] + draw.randbytes(draw.randrange(1, 9)) + content[at:]
    if broken == 2:
        return gzip.compress(content)[: draw.choice([None, -5])]
    return draw.randbytes(200) if broken == 3 and draw.random() < 0.2 else content


def _line(draw: random.Random) -> bytes:
    if draw.random() < 0.6:  # nothing is broken but what is in the payload
        sides = [side(_document(draw, 3), "JSON", "application/json"), None]
        draw.shuffle(sides)
    else:
        sides = [_side(draw) if draw.random() < 0.95 else None for _ in range(2)]
    if draw.random() < 0.05:
        return json.dumps({**record(*sides), draw.choice(KEYS): _document(draw, 2)}).encode() + b"\n"
    return line(*sides, inferenceTime=draw.choice(["2026-11-22T09:34:30Z", "never", 7, None]))


def _side(draw: random.Random) -> dict[str, Any]:
    document = _document(draw, 3)
    text = draw.choice(
        [
            json.dumps(document),
            json.dumps(document, ensure_ascii=False),
            json.dumps(document).replace("1", draw.choice(["NaN", "-Infinity", "1e999", "01", "1"])),
            "\n".join(json.dumps(_document(draw, 1)) for _ in range(3)),
            ",".join(map(str, draw.choices(VALUES, k=4))),
            "\ufeff" + json.dumps(document),
            '1,"2\n3",""\n' * draw.randrange(4),
            '1,"2',
            "",
        ]
    )
    if draw.random() < 0.1:
        text = text[: draw.randrange(len(text) + 1)]
    encoding = draw.choice(ENCODINGS if draw.random() < 0.3 else ["CSV", "JSON", "BASE64"])
    if encoding == "BASE64":
        text = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()[: draw.choice([None, None, None, -1])]
    return {"data": text, "encoding": encoding, "observedContentType": draw.choice(KINDS), "mode": draw.choice(KEYS)}


def _document(draw: random.Random, depth: int) -> Any:
    kind = draw.randrange(7) if depth else 0
    if kind == 0:
        return draw.choice(VALUES)
    inside = [_document(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind == 1:
        return inside
    if kind == 2:
        return {draw.choice(["instances", "predictions", "inputs", "outputs", "dataframe_split"]): inside, "x": 1}
    if kind == 3:
        tensor = {"name": draw.choice(KEYS), "shape": [draw.randrange(-1, 3), 1], "datatype": "FP32", "data": inside}
        return {"inputs": [tensor] * draw.randrange(1, 3)}
    if kind == 4:
        return {draw.choice(KEYS): draw.choices(VALUES, k=2) for _ in range(3)}
    return {draw.choice(KEYS): value for value in inside}
