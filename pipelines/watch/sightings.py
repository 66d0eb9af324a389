"""How long something has been so, by a clock that nobody sets."""

import time
from collections.abc import Collection, Hashable, Mapping
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Sightings(Generic[_Key]):
    """Remembers since when each key has been seen without a gap. A new process begins anew."""

    def __init__(self) -> None:
        self._since: Mapping[_Key, float] = {}

    def seconds(self, keys: Collection[_Key]) -> Mapping[_Key, float]:
        """Return for each key that is seen now how long it has been. Forget all others."""
        now = time.monotonic()
        self._since = {key: self._since.get(key, now) for key in keys}
        return {key: now - since for key, since in self._since.items()}
