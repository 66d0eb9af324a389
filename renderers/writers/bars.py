"""A number for each bar, by which a vector format looks up the text of bars that it has written before."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import BarSymbols
from renderers.writers.made_once import TextTable

#: More than the width of any element in the symbol's units: at most 4 X of 3 units each.
_WIDTHS = 16


def bar_texts(units: int, make: Callable[[int, int, bool], str]) -> TextTable:
    """Return the text of a vector format for each bar of symbols `units` wide, by the keys of `bar_keys`.

    `make` gets the bar's start, in the symbol's units from the first bar, its width in these units, and whether it is a
    guard bar.
    """

    def text(key: int) -> str:
        rest, width = divmod(key, _WIDTHS)
        start, is_guard = divmod(rest, 2)
        return make(start, width, bool(is_guard))

    return TextTable(units * 2 * _WIDTHS, text)


def bar_keys(symbols: BarSymbols) -> NDArray[np.int64]:
    """Return a key for every bar, shape (n, bars), made of its start, whether it is a guard bar, and its width."""
    widths = symbols.widths.astype(np.int64)
    is_guard = np.zeros(widths.shape[1], np.int64)
    is_guard[list(symbols.guards)] = 1
    starts = np.cumsum(widths, axis=1) - widths
    return ((starts * 2 + is_guard) * _WIDTHS + widths)[:, ::2]
