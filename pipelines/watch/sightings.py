"""Measure how long a condition has lasted, by a monotonic clock."""

import time
from collections.abc import Collection, Hashable, Mapping
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Sightings(Generic[_Key]):
    """Remembers since when each key has been seen without a gap. A new process starts from zero."""

    def __init__(self) -> None:
        self._since: Mapping[_Key, float] = {}

    def seconds(self, keys: Collection[_Key]) -> Mapping[_Key, float]:
        """Return for each key how many seconds it has been seen. Forget all other keys."""
        now = time.monotonic()
        self._since = {key: self._since.get(key, now) for key in keys}
        return {key: now - since for key, since in self._since.items()}
