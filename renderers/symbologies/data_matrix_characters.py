"""The characters of GS1 messages in the encodation schemes of Data Matrix, as tables by byte value.

Source: ISO/IEC 16022:2006, 5.2 and Annex C.
"""

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies.element_strings import FNC1_BYTE

ASCII, C40, TEXT, X12, EDIFACT = range(5)

#: Filler of the short rows of a padded matrix of messages. It takes no codeword, and no message has this byte.
ABSENT = 0x80

_FNC1_CODEWORD = 232

#: Marks bytes that are not in a table.
NO_VALUE = 0xFF
_UPPER = range(ord("A"), ord("Z") + 1)
_LOWER = range(ord("a"), ord("z") + 1)
_DIGITS = range(ord("0"), ord("9") + 1)


def _table(values: dict[int, int], default: int) -> NDArray[np.uint8]:
    table = np.full(256, default, dtype=np.uint8)
    for byte, value in values.items():
        table[byte] = value
    return table


def _c40_tables(basic: range, other: range) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the shift (or none) and the value of every character. `basic` are the unshifted letters.

    Source: ISO/IEC 16022:2006, Annex C.1 (C40) and C.2 (Text). Byte 0x1D is FNC1, not GS.
    """
    shifts: dict[int, int] = {}
    values = {0x20: 3}
    values |= {byte: 4 + i for i, byte in enumerate(_DIGITS)}
    values |= {byte: 14 + i for i, byte in enumerate(basic)}
    sets = {
        0: list(range(0x20)),
        1: [*range(0x21, 0x30), *range(0x3A, 0x41), *range(0x5B, 0x60)],
        2: [0x60, *other, *range(0x7B, 0x80)],
    }
    for shift, members in sets.items():
        shifts |= dict.fromkeys(members, shift)
        values |= {byte: i for i, byte in enumerate(members)}
    shifts[FNC1_BYTE], values[FNC1_BYTE] = 1, 27
    return _table(shifts, NO_VALUE), _table(values, NO_VALUE)


def _values_taken(shifts: NDArray[np.uint8], values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the number of values of each character: 1, 2 with a shift, or 0 if the scheme does not have it."""
    taken = 1 + (shifts != NO_VALUE).astype(np.uint8)
    taken[values == NO_VALUE] = 0
    return taken


IS_DIGIT: NDArray[np.bool_] = _table(dict.fromkeys(_DIGITS, 1), 0).astype(np.bool_)
ASCII_CODEWORD = _table({byte: byte + 1 for byte in range(128)} | {FNC1_BYTE: _FNC1_CODEWORD}, 0)
_C40_SHIFT, _C40_VALUE = _c40_tables(_UPPER, _LOWER)
_TEXT_SHIFT, _TEXT_VALUE = _c40_tables(_LOWER, _UPPER)
C40_TAKES = _values_taken(_C40_SHIFT, _C40_VALUE)
TEXT_TAKES = _values_taken(_TEXT_SHIFT, _TEXT_VALUE)
#: ISO/IEC 16022:2006, 5.2.7.
X12_VALUE = _table(
    {0x0D: 0, ord("*"): 1, ord(">"): 2, ord(" "): 3}
    | {byte: 4 + i for i, byte in enumerate(_DIGITS)}
    | {byte: 14 + i for i, byte in enumerate(_UPPER)},
    NO_VALUE,
)
C40_FAMILY = (
    (C40, _C40_SHIFT, _C40_VALUE),
    (TEXT, _TEXT_SHIFT, _TEXT_VALUE),
    (X12, _table({}, NO_VALUE), X12_VALUE),
)
#: The least twelfths of a codeword that a character takes: half a codeword for a digit in ASCII, two thirds for one
#: value of the C40 family, three quarters in EDIFACT, otherwise a whole one.
LEAST_TWELFTHS = _table(
    dict.fromkeys(range(128), 12)
    | dict.fromkeys(range(0x20, 0x5F), 9)
    | dict.fromkeys([0x0D, *b" *>", *_UPPER, *_LOWER], 8)
    | dict.fromkeys(_DIGITS, 6),
    0,
)
