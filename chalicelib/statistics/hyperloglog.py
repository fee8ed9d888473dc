"""An estimate of how many different values there are, from 4,096 registers that add up (HyperLogLog).

The 12 high bits of a value's hash choose a register. The position of the first one in its 52 low bits is its rank. A
register keeps the highest rank of its values, so the registers of a union are the maximum of both sets' registers.
Standard error 1.04 / sqrt(4096) = 1.6 %.

| registers           | stored as                                                                                  |
|---------------------|--------------------------------------------------------------------------------------------|
| fewer than 512 used | 2 bytes for each: 16 times its number plus its rank, little-endian                         |
| more                | 2,048 bytes: register i in the low half of byte i, register i + 2,048 in its high half     |
| of earlier versions | 512 registers of one byte, deflated; standard error 4.6 %                                  |

The hash is stable: Python's own is salted per process, and sketches made with it do not merge. Numbers are hashed by
value, texts by the CRC-32 of their UTF-8 bytes and their length. With these 32 bits, and ranks up to 15, the estimate
holds for up to 50 million values.

References
----------
Flajolet et al. (2007), HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm.
Ertl (2017), New cardinality estimation algorithms for HyperLogLog sketches, arXiv:1702.01284, algorithm 6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zlib import DEFLATED, MAX_WBITS, Z_HUFFMAN_ONLY, compressobj, crc32, decompress, error

import numpy as np

from chalicelib.errors import UnreadableFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

REGISTERS = 4096
MAX_RANK = 15  # four bits
COARSE_REGISTERS = 512  # of earlier versions
COARSE_MAX_RANK = 53
_DENSE_BYTES = REGISTERS // 2
_MIN_DENSE = 512  # registers in use
_LOW_52_BITS = np.uint64((1 << 52) - 1)


def registers_of(numbers: NDArray[np.float64], texts: Iterable[str]) -> NDArray[np.uint8]:
    """The registers of different values: numbers, shape (n,), and texts. Shape (4096,)."""
    hashes = np.concatenate([_hashes_of_numbers(numbers), _hashes_of_texts(texts)])
    # 52 bits are exact in a double, whose exponent gives the position of the first one.
    rank = 53 - np.frexp((hashes & _LOW_52_BITS).astype(np.float64))[1]
    registers = np.zeros(REGISTERS, dtype=np.uint8)
    np.maximum.at(registers, (hashes >> np.uint64(52)).astype(np.intp), np.minimum(rank, MAX_RANK).astype(np.uint8))
    return registers


def stored(registers: NDArray[np.uint8]) -> bytes:
    """The registers in their stored form."""
    if np.count_nonzero(registers) < _MIN_DENSE:
        used = np.flatnonzero(registers)
        return ((used << 4) | registers[used]).astype("<u2").tobytes()
    return (registers[:_DENSE_BYTES] | (registers[_DENSE_BYTES:] << 4)).tobytes()


def union(sketches: Sequence[bytes]) -> NDArray[np.uint8]:
    """The registers of all stored sketches together. Shape (4096,).

    Raises
    ------
    UnreadableFile
        When one of them is damaged.

    Examples
    --------
    >>> some, others = registers_of(np.arange(0.0, 300.0), []), registers_of(np.arange(200.0, 3000.0), ["x"])
    >>> together = union([stored(some), stored(others)])
    >>> bool((together == registers_of(np.arange(0.0, 3000.0), ["x"])).all())
    True
    """
    registers = np.zeros(REGISTERS, dtype=np.uint8)
    if any(len(one) % 2 or len(one) > _DENSE_BYTES for one in sketches):
        raise UnreadableFile("a stored count of distinct values is damaged")
    dense = b"".join(one for one in sketches if len(one) == _DENSE_BYTES)
    if dense:
        packed = np.frombuffer(dense, dtype=np.uint8).reshape(-1, _DENSE_BYTES)
        registers[:_DENSE_BYTES] = (packed & 15).max(axis=0)
        registers[_DENSE_BYTES:] = (packed >> 4).max(axis=0)
    sparse = b"".join(one for one in sketches if len(one) < _DENSE_BYTES)
    if sparse:
        entries = np.frombuffer(sparse, dtype="<u2")
        np.maximum.at(registers, entries >> 4, (entries & 15).astype(np.uint8))
    return registers


def estimate(registers: NDArray[np.uint8], max_rank: int = MAX_RANK) -> float:
    """How many different values there were: Ertl's improved estimator, without bias at any number of values.

    Examples
    --------
    >>> estimate(np.zeros(REGISTERS, dtype=np.uint8))
    0.0
    >>> round(estimate(registers_of(np.arange(20_000.0), [])) / 20_000, 1)
    1.0
    """
    m = len(registers)
    counts = np.bincount(registers, minlength=max_rank + 1).tolist()
    if counts[0] == m:
        return 0.0
    z = m * _tau(1 - counts[max_rank] / m)
    for rank in range(max_rank - 1, 0, -1):
        z = (z + counts[rank]) / 2
    z += m * _sigma(counts[0] / m)
    return m * m / (2 * math.log(2) * z)


def _sigma(x: float) -> float:
    """The sum of x and, over k >= 1, of x^(2^k) 2^(k - 1), for 0 <= x < 1: the share of empty registers."""
    total, weight = x, 1.0
    while True:
        x *= x
        before, total = total, total + x * weight
        weight *= 2
        if total == before:
            return total


def _tau(x: float) -> float:
    """(1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3, for 0 <= x <= 1: the share below the highest rank."""
    if x in (0.0, 1.0):
        return 0.0
    total, weight = 1 - x, 1.0
    while True:
        x = math.sqrt(x)
        weight /= 2
        before, total = total, total - (1 - x) ** 2 * weight
        if total == before:
            return total / 3


def _hashes_of_numbers(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Hashes of the bits; + 0.0 makes one of the two zeros."""
    return _mixed((numbers + 0.0).view(np.uint64))


def _hashes_of_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.fromiter(map(len, encoded), np.uint64, len(encoded))
    return _mixed(np.fromiter(map(crc32, encoded), np.uint64, len(encoded)) ^ (lengths << np.uint64(32)))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64: every bit of the result depends on every bit of the input (Steele, Lea, Flood 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed


# --- the 512 registers of earlier versions ----------------------------------------------------------------------------


def coarse_union(sketches: Iterable[bytes], registers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 512 registers of an earlier version's sketches and of 4,096 registers, of which eight make one of those.

    Raises
    ------
    UnreadableFile
        When one of them is damaged.
    """
    coarse: NDArray[np.uint8] = registers.reshape(COARSE_REGISTERS, -1).max(axis=1)
    for sketch in sketches:
        try:
            found = np.frombuffer(decompress(sketch, -MAX_WBITS, COARSE_REGISTERS), dtype=np.uint8)
        except error:
            found = np.zeros(0, dtype=np.uint8)
        if len(found) != COARSE_REGISTERS:
            raise UnreadableFile(f"a stored count of distinct values of {len(sketch)} bytes is damaged")
        np.maximum(coarse, found, out=coarse)
    return coarse


def stored_coarse(registers: NDArray[np.uint8]) -> bytes:
    """512 registers in their stored form."""
    deflate = compressobj(1, DEFLATED, -9, 4, Z_HUFFMAN_ONLY)  # no text repeats in registers: no window
    return deflate.compress(registers.tobytes()) + deflate.flush()
