"""Captured objects of an endpoint: few values and many, lines that cannot be read, minutes with many objects."""

from datetime import timedelta
from random import Random

import numpy as np

from tests.capture.captures import line, side

CROWDED = (timedelta(hours=5), timedelta(hours=4))  # ago; each of these minutes has enough objects for a roll-up


def few_values(seed: int, rows: int = 20) -> bytes:
    """Rows with so few different numbers that they are counted exactly."""
    draw = Random(seed)
    return b"".join(
        line(side(f"{draw.randrange(9)},{draw.choice(['a', 'b', ''])}"), side(f"{draw.randrange(10) / 10}"))
        for _ in range(rows)
    )


def many_numbers(seed: int, rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    """An input and an output with so many different numbers that they are sketched."""
    random = np.random.default_rng(seed)
    return random.normal(1e6, 3, rows), random.random(rows)


def rows_of_columns(columns: tuple[np.ndarray, np.ndarray]) -> bytes:
    """Captured requests of an input and an output."""
    return b"".join(
        line(side(repr(given)), side(repr(answered)))
        for given, answered in zip(*(c.tolist() for c in columns), strict=True)
    )


def unreadable_lines(seed: int) -> bytes:
    """Rows, and lines that are no rows."""
    return few_values(seed) + b'{"captureData": \n\xff\xfe\n[1]\n' + few_values(seed + 1)


def put_objects(stage, endpoint: str, crowded: int = 22, others: int = 6) -> list[str]:
    """Captured objects of few values; the keys."""
    found = [
        stage.put(endpoint, ago, f"crowded{number}", few_values(number)) for ago in CROWDED for number in range(crowded)
    ]
    return found + [
        stage.put(endpoint, timedelta(hours=6 + number), f"other{number}", unreadable_lines(number))
        for number in range(others)
    ]
