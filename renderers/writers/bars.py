"""Bars as one number each, so that a vector format writes each kind of bar once and looks it up after."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import BarSymbols


class BarTexts(dict[int, str]):
    """What a vector format writes for each bar, made when first asked for.

    A key holds where the bar begins, in the symbol's units from the first one, how wide it is, and whether
    it is a guard bar. The maker gets these three.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[int, int, bool], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: int) -> str:
        rest, width = divmod(key, 256)
        start, is_guard = divmod(rest, 2)
        text = self[key] = self._make(start, width, bool(is_guard))
        return text


def bar_keys(symbols: BarSymbols) -> NDArray[np.int64]:
    """Return the keys of `BarTexts` for every bar, (n, bars)."""
    widths = symbols.widths.astype(np.int64)
    is_guard = np.zeros(widths.shape[1], np.int64)
    is_guard[list(symbols.guards)] = 1
    starts = np.cumsum(widths, axis=1) - widths
    return ((starts * 2 + is_guard) * 256 + widths)[:, ::2]
