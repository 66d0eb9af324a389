"""EAN-13, UPC-A, UPC-E and EAN-8 in batches.

Source: GS1 General Specifications, 5.2 (ISO/IEC 15420).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import EncodedBatch, HriZone
from renderers.symbologies import linear
from renderers.symbologies.linear import DigitSymbology

# Widths of the four elements of digits 0–9, in X, in number set A, which begins with a space. Set C has the same widths
# but begins with a bar. Set B has the widths of C from right to left.
_SET_A = (
    (3, 2, 1, 1), (2, 2, 2, 1), (2, 1, 2, 2), (1, 4, 1, 1), (1, 1, 3, 2),
    (1, 2, 3, 1), (1, 1, 1, 4), (1, 3, 1, 2), (1, 2, 1, 3), (3, 1, 1, 2),
)  # fmt: skip
_SET_B = tuple(widths[::-1] for widths in _SET_A)

# The number sets of the left half, by the first digit of an EAN-13. That digit has no bars of its own.
_LEFT_SETS = (
    "AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA",
)  # fmt: skip

# The number sets of UPC-E, by the check digit, which has no bars of its own. The number system is 0.
_UPC_E_SETS = (
    "BBBAAA", "BBABAA", "BBAABA", "BBAAAB", "BABBAA", "BAABBA", "BAAABB", "BABABA", "BABAAB", "BAABAB",
)  # fmt: skip

# The four ways to leave out zeros of a UPC-A (GS1 General Specifications, 5.2.2): the digits that remain in the symbol
# (12 and 13 mean the constants 3 and 4), and the digits that must also be zero, besides those that select the way.
_KEPT = np.array(
    [(1, 2, 8, 9, 10, 3), (1, 2, 3, 9, 10, 12), (1, 2, 3, 4, 10, 13), (1, 2, 3, 4, 5, 10)], np.intp
)
_LEFT_OUT = np.zeros((4, 12), np.bool_)
for _way, _zeros in enumerate(((0, 6, 7), (0, 6, 7, 8), (0, 6, 7, 8, 9), (0, 6, 7, 8, 9))):
    _LEFT_OUT[_way, _zeros] = True

# The four widths of a digit are looked up as one number: entries 0–9 are sets A and C, 10–19 are set B.
_DIGITS = np.array(_SET_A + _SET_B, np.uint8).view(np.uint32)[:, 0]
_LEFT_ENTRIES, _UPC_E_ENTRIES = (
    np.array([[10 * (each == "B") for each in sets] for sets in table], np.uint8)
    for table in (_LEFT_SETS, _UPC_E_SETS)
)


def _bars(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the widths, (n, 4 * digits), of entries (n, digits) of the table of digits."""
    return _DIGITS.take(digits).view(np.uint8)


def _draw_ean_13(digits: NDArray[np.uint8], widths: NDArray[np.uint8]) -> None:
    left = _LEFT_ENTRIES.take(digits[:, 0], axis=0)
    left += digits[:, 1:7]
    widths[:] = 1  # the guard bars
    widths[:, 3:27] = _bars(left)
    widths[:, 32:56] = _bars(digits[:, 7:])


def _draw_upc_a(digits: NDArray[np.uint8], widths: NDArray[np.uint8]) -> None:
    # The symbol of an EAN-13 that starts with 0: the whole left half is in set A.
    widths[:] = 1
    widths[:, 3:27] = _bars(digits[:, :6])
    widths[:, 32:56] = _bars(digits[:, 6:])


def _ways(digits: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the way in which zeros of each UPC-A are left out, from its sixth, fifth and fourth digit."""
    return np.select([digits[:, 5] > 0, digits[:, 4] > 0, digits[:, 3] > 2], [3, 2, 1], 0)


def _is_suppressible(digits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    ways = _ways(digits)
    zeros = ~((digits > 0) & _LEFT_OUT[ways]).any(axis=1)
    return zeros & ((ways < 3) | (digits[:, 10] >= 5))


def _draw_upc_e(digits: NDArray[np.uint8], widths: NDArray[np.uint8]) -> None:
    endings = np.broadcast_to(np.array([3, 4], np.uint8), (len(digits), 2))
    entries = _UPC_E_ENTRIES.take(digits[:, 11], axis=0)
    entries += np.take_along_axis(np.hstack((digits, endings)), _KEPT[_ways(digits)], axis=1)
    widths[:] = 1
    widths[:, 3:27] = _bars(entries)


def _draw_ean_8(digits: NDArray[np.uint8], widths: NDArray[np.uint8]) -> None:
    widths[:] = 1
    widths[:, 3:19] = _bars(digits[:, :4])
    widths[:, 24:40] = _bars(digits[:, 4:])


EAN_13 = DigitSymbology(
    "EAN-13",
    digits=13,
    elements=59,
    draw=_draw_ean_13,
    guards=(0, 2, 28, 30, 56, 58),
    # The first digit stands in the quiet zone of 11X, the others each below their 7X.
    zones=(HriZone(0, 1, -10, 7), HriZone(1, 7, 3, 42), HriZone(7, 13, 50, 42)),
)

UPC_A = DigitSymbology(
    "UPC-A",
    digits=12,
    elements=59,
    draw=_draw_upc_a,
    # The bars of the first and the last digit are as long as the guard bars. These two digits are outside the
    # symbol instead of below their bars, reduced from 7X to 4X, and 5X away from the guard bars.
    guards=(0, 2, 4, 6, 28, 30, 52, 54, 56, 58),
    zones=(
        HriZone(0, 1, -9, 4, size=4 / 7),
        HriZone(1, 6, 10, 35),
        HriZone(6, 11, 50, 35),
        HriZone(11, 12, 100, 4, size=4 / 7),
    ),
)

UPC_E = DigitSymbology(
    "UPC-E",
    digits=12,
    elements=33,
    draw=_draw_upc_e,
    guards=(0, 2, 28, 30, 32),
    # The text is the UPC-E number. Number system and check digit are outside the symbol, as in UPC-A, the latter 3X away
    # from the guard bars, so that it ends with its quiet zone of 7X. No clause was confirmed for these 3X.
    zones=(HriZone(0, 1, -9, 4, size=4 / 7), HriZone(1, 7, 3, 42), HriZone(7, 8, 54, 4, size=4 / 7)),
    holds=_is_suppressible,
    held="a UPC-A of number system 0 whose zeros can be left out",
)

EAN_8 = DigitSymbology(
    "EAN-8",
    digits=8,
    elements=43,
    draw=_draw_ean_8,
    guards=(0, 2, 20, 22, 40, 42),
    zones=(HriZone(0, 4, 3, 28), HriZone(4, 8, 36, 28)),
)


def encode_ean_13(payloads: Sequence[bytes]) -> EncodedBatch:
    """Return the EAN-13 symbols of GTIN-13s, 95X wide; refusals as in `linear.encode`.

    >>> batch = encode_ean_13([b"9506000134352", b"9506000134353"])
    >>> batch.groups[0].width_x, batch.refused[1].expected
    (95.0, 'check digit 2')
    """
    return linear.encode(payloads, EAN_13)


def encode_upc_a(payloads: Sequence[bytes]) -> EncodedBatch:
    """Return the UPC-A symbols of GTIN-12s, 95X wide; refusals as in `linear.encode`.

    >>> encode_upc_a([b"614141000036"]).groups[0].width_x
    95.0
    """
    return linear.encode(payloads, UPC_A)


def encode_upc_e(payloads: Sequence[bytes]) -> EncodedBatch:
    """Return the UPC-E symbols of GTIN-12s, 51X wide; refusals as in `linear.encode`.

    >>> batch = encode_upc_e([b"012345000065", b"614141000036"])
    >>> batch.groups[0].width_x, batch.refused[1].expected
    (51.0, 'a UPC-A of number system 0 whose zeros can be left out')
    """
    return linear.encode(payloads, UPC_E)


def encode_ean_8(payloads: Sequence[bytes]) -> EncodedBatch:
    """Return the EAN-8 symbols of GTIN-8s, 67X wide; refusals as in `linear.encode`.

    >>> encode_ean_8([b"95050003"]).groups[0].width_x
    67.0
    """
    return linear.encode(payloads, EAN_8)
