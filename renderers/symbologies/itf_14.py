"""ITF-14 in batches, with wide elements 2.5 times the narrow ones.

Source: GS1 General Specifications, 5.3 (ISO/IEC 16390, Interleaved 2 of 5).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import EncodedBatch
from renderers.symbologies import linear
from renderers.symbologies.linear import DigitSymbology

# In half X, so that 2.5X is whole.
_UNITS_PER_X = 2
_NARROW, _WIDE = 2, 5

# The five elements of digits 0–9, W for wide.
_DIGITS = ("nnWWn", "WnnnW", "nWnnW", "WWnnn", "nnWnW", "WnWnn", "nWWnn", "nnnWW", "WnnWn", "nWnWn")


def _widths(elements: str) -> list[int]:
    return [_WIDE if element == "W" else _NARROW for element in elements]


_START = np.array(_widths("nnnn"), np.uint8)
_STOP = np.array(_widths("Wnn"), np.uint8)

# Element widths of the pairs 00–99, shape (100, 10): bars for the first digit, spaces for the second.
_PAIRS = np.array(
    [[_widths(bars), _widths(spaces)] for bars in _DIGITS for spaces in _DIGITS], np.uint8
).transpose(0, 2, 1).reshape(100, 10)  # fmt: skip


def _draw(digits: NDArray[np.uint8], widths: NDArray[np.uint8]) -> None:
    pairs = 10 * digits[:, 0::2] + digits[:, 1::2]
    widths[:, :4] = _START
    widths[:, 4:74] = _PAIRS.take(pairs, axis=0).reshape(-1, 70)
    widths[:, 74:] = _STOP


ITF_14 = DigitSymbology("ITF-14", digits=14, elements=77, draw=_draw, units_per_x=_UNITS_PER_X)


def encode(payloads: Sequence[bytes]) -> EncodedBatch:
    """Return the ITF-14 symbols of GTIN-14s; refusals as in `linear.encode`.

    Widths are in X / 2 without bearer bars, which the drawing adds.

    >>> batch = encode([b"09506000134352"])
    >>> batch.groups[0].widths.shape, batch.groups[0].width_x
    ((1, 77), 120.5)
    """
    return linear.encode(payloads, ITF_14)
