"""Lazily made values: one at a time by any key, or many at a time by whole numbers."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class MadeOnce(dict[_Key, _Value]):
    """Values by key, each made by `make` once. Looking up an existing value costs no Python call."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: _Key) -> _Value:
        value = self[key] = self._make(key)
        return value


class TextTable:
    """Texts by whole numbers from 0 below `size`, each made by `make` once. Looks up a whole array at once.

    An array of Python objects is three times as fast as a mapping, because no look-up hashes or calls anything.
    """

    def __init__(self, size: int, make: Callable[[int], str]) -> None:
        self._texts = np.empty(size, np.object_)
        self._is_made = np.zeros(size, np.bool_)
        self._make = make

    def joined(self, keys: NDArray[np.integer]) -> list[str]:
        """Return the texts of each row of keys, concatenated."""
        made = self._is_made[keys]
        if not made.all():
            for key in np.unique(keys[~made]).tolist():
                self._texts[key] = self._make(key)
                self._is_made[key] = True
        return ["".join(row) for row in self._texts[keys].tolist()]
