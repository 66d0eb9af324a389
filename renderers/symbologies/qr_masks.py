"""The choice of a data mask for many QR Code symbols at once.

Symbols are bit-sliced: bit k of the word of a module belongs to symbol k. One operation on two words then processes 64
symbols, neighbours of a module are array slices, and the penalty points are counted by adders made of bitwise
operations.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Bit planes: 64 symbols to a word of the last axis.
Planes: TypeAlias = NDArray[np.uint64]

#: Points of table 11 of ISO/IEC 18004:2015.
_BLOCK_POINTS = 3
_FINDER_LIKE_POINTS = 40
_PROPORTION_POINTS = 10

_LIGHT_AREA = 4
_FINDER_LIKE = 7


def penalties(symbols: Planes) -> NDArray[np.int64]:
    """Return the penalty points of each symbol: planes (size, size, words) to (64 * words,).

    The whole symbol counts, with format and version information. The area around it is light, like the quiet zone, so a
    finder-like pattern at the edge counts. A pattern with a light area on both sides counts once. Source: ISO/IEC
    18004:2015, 7.8.3.1, table 11.
    """
    size, _, words = symbols.shape
    framed = np.zeros((size + 2 * _LIGHT_AREA, size + 2 * _LIGHT_AREA, words), np.uint64)
    framed[_LIGHT_AREA:-_LIGHT_AREA, _LIGHT_AREA:-_LIGHT_AREA] = symbols
    rows = _judge_lines(framed)
    # Transposed views do not move memory, and NumPy's results from them have the same layout.
    columns = _judge_lines(framed.swapaxes(0, 1))
    down = columns.differs.swapaxes(0, 1)
    block_differs = rows.differs[1:] | rows.differs[:-1] | down[:, 1:] | down[:, :-1]

    fives = 2 * size * (size - 4)
    points = fives - _counts(rows.not_five, columns.not_five)
    points += 2 * _counts(rows.run_ends, columns.run_ends, rows.last_runs, columns.last_runs)
    points += _BLOCK_POINTS * ((size - 1) ** 2 - _counts(block_differs))
    points += _FINDER_LIKE_POINTS * _counts(rows.finder_like, columns.finder_like)
    # Steps of 5 % away from 50 %: |dark / all - 1/2| / (1/20), in whole numbers.
    points += _PROPORTION_POINTS * (np.abs(20 * _counts(symbols) - 10 * size * size) // (size * size))
    return points


@dataclass(frozen=True, slots=True)
class _Lines:
    """Patterns along axis 1 of a symbol, each marked at its first module.

    A run of n ≥ 5 modules is worth n - 2 points: one for each of its n - 4 fives, two for its end.
    """

    differs: Planes
    not_five: Planes
    run_ends: Planes
    last_runs: Planes
    finder_like: Planes


def _judge_lines(framed: Planes) -> _Lines:
    lines = framed[_LIGHT_AREA:-_LIGHT_AREA]
    symbols = lines[:, _LIGHT_AREA:-_LIGHT_AREA]
    differs = symbols[:, 1:] ^ symbols[:, :-1]
    not_three = differs[:, 1:] | differs[:, :-1]
    not_five = not_three[:, 2:] | not_three[:, :-2]
    run_ends = (not_five[:, 1:] | not_five[:, :-1]) ^ not_five[:, :-1]

    # Dark, light, three dark, light, dark: four changes of colour around three alike.
    places = symbols.shape[1] - _FINDER_LIKE + 1
    changes = differs[:, 1:] & differs[:, :-1]
    finder_like = symbols[:, :places] & changes[:, :places]
    finder_like &= changes[:, 4:]
    middle = not_three[:, 2 : 2 + places]
    dark_of_two = lines[:, 1:] | lines[:, :-1]
    dark_of_four = dark_of_two[:, 2:] | dark_of_two[:, :-2]
    hemmed_in = dark_of_four[:, :places] & dark_of_four[:, _LIGHT_AREA + _FINDER_LIKE :]
    hemmed_in |= middle
    finder_like |= hemmed_in
    finder_like ^= hemmed_in
    return _Lines(differs, not_five, run_ends, ~not_five[:, -1:], finder_like)


def _counts(*found: Planes) -> NDArray[np.int64]:
    """Return how many planes are set for each symbol, (64 * words,), by carry-save addition.

    A full adder turns three planes of one weight into one of that weight and one of twice it.
    """
    # A transposed view is turned back, so that joining it reads memory in order.
    planes = np.concatenate(
        [
            (each if each.flags.c_contiguous else each.swapaxes(0, 1)).reshape(-1, each.shape[2])
            for each in found
        ]
    )
    total = np.zeros(64 * planes.shape[1], np.int64)
    weight = 1
    while len(planes):
        carries: list[Planes] = []
        while (third := len(planes) // 3) > 0:
            first, second = planes[:third], planes[third : 2 * third]
            incoming = planes[2 * third : 3 * third]
            carry = first & second
            first ^= second
            np.bitwise_and(first, incoming, out=second)
            carry |= second
            first ^= incoming
            rest = len(planes) - 3 * third
            planes[third : third + rest] = planes[3 * third :]
            planes = planes[: third + rest]
            carries.append(carry)
        if len(planes) == 2:
            carries.append(planes[:1] & planes[1:])
            planes[0] ^= planes[1]
        total += weight * np.unpackbits(planes[0].view(np.uint8), bitorder="little").astype(np.int64)
        planes = np.concatenate(carries) if carries else planes[:0]
        weight *= 2
    return total
