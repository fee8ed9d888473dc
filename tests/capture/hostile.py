"""Small objects made to cost much: used by the tests, and timed by `benchmarks/bounds.py`."""

import json

from tests.capture.captures import line, side

HOSTILE = {
    "quotes": lambda: line(side('"' * 1_000_000)),
    "quoted cells": lambda: line(side('"a""b",' * 140_000)),
    "odd quotes in every second request": lambda: b"".join(line(side(('1,"2', "1,2")[i % 2])) for i in range(6_000)),
    "ever wider rows": lambda: b"".join(line(side("1," * (i % 40))) for i in range(5_000)),
    "rows of one request that differ": lambda: line(side("\n".join("1," * (i % 30) for i in range(30_000)))),
    "blank rows": lambda: line(side("\n" * 500_000)),
    "commas": lambda: b"".join(line(side("," * 9_000)) for _ in range(100)),
    "long numbers": lambda: line(side("\n".join(["9" * 4_000] * 250))),
    "numbers but for the last": lambda: b"".join(
        line(side(f"{i},{i}.5" if i < 5_999 else "x,y")) for i in range(6_000)
    ),
    "exponents": lambda: line(side("1e5,2E-7\n" * 110_000)),
    "one list of numbers": lambda: line(side([0.1] * 250_000, "JSON")),
    "a column of numbers": lambda: line(side({"a": [0.1] * 250_000, "b": 1}, "JSON"), side("1")),
    "a wide tensor": lambda: line(
        side({"inputs": [{"name": "x", "shape": [1, 250_000], "data": [1] * 250_000}]}, "JSON")
    ),
    "ever longer lists": lambda: b"".join(
        line(side({"instances": [{"a": [{"b": i}] * (i % 300)}], "c": [i] * i}, "JSON")) for i in range(1_000)
    ),
    "brackets": lambda: line(side("[" * 1_000_000, "JSON")),
    "backslashes": lambda: line(side('[["' + "\\\\" * 400_000 + '"]]', "JSON")),
    "ever new keys": lambda: b"".join(line(side(json.dumps({f"k{i}": 1}), "JSON"), side("1")) for i in range(6_000)),
    "ever new shapes": lambda: b"".join(
        line(side({"instances": [{f"k{i // 10}": 1, "a": [1] * (i % 7 + 1)}]}, "JSON"), side({"b": i}, "JSON"))
        for i in range(5_000)
    ),
    "broken lines": lambda: b'{"captureData": {"endpointInput": {"data": "1\n' * 25_000,
}
