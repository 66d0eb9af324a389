"""The shares of the warm workers: one organisation's small jobs never hold up another's."""

import threading
import time
from collections import Counter

#: Another organisation may want a worker so long after its latest small job.
_MAY_COME_SECONDS = 60.0


class Shares:
    """Lets an organisation use at most half of `size` workers, and at least one, while others may want some."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used: Counter[str] = Counter()
        self._asked: dict[str, float] = {}
        self._changed = threading.Condition()

    def take(self, organisation: str, wait_seconds: float) -> bool:
        """Return whether the organisation got one more worker's share within `wait_seconds`."""
        with self._changed:
            self._asked[organisation] = time.monotonic()
            taken = self._changed.wait_for(
                lambda: self._used[organisation] < self._share(organisation), wait_seconds
            )
            self._used[organisation] += taken
            return taken

    def give_back(self, organisation: str) -> None:
        with self._changed:
            self._used[organisation] -= 1
            self._changed.notify_all()

    def _share(self, organisation: str) -> int:
        begin = time.monotonic() - _MAY_COME_SECONDS
        others = any(asked >= begin for other, asked in self._asked.items() if other != organisation)
        return max(1, self._size // 2) if others else self._size
