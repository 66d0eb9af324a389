"""A mapping whose values are made when they are first asked for."""

from collections.abc import Callable
from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class MadeOnce(dict[_Key, _Value]):
    """Values by key, each made by `make` once; a look-up of one that is there costs no Python call."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: _Key) -> _Value:
        value = self[key] = self._make(key)
        return value
