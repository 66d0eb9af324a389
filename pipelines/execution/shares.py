"""Shares of the warm workers, so that one organisation's small jobs do not delay another's."""

import threading
import time
from collections import Counter

#: An organisation counts as active for this time after its latest small job.
_MAY_COME_SECONDS = 60.0


class Shares:
    """Lets an organisation use at most half of `size` workers, but at least one, while others are active."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used: Counter[str] = Counter()
        self._asked: dict[str, float] = {}
        self._changed = threading.Condition()

    def take(self, organisation: str, wait_seconds: float) -> bool:
        """Return whether the organisation got one more worker within `wait_seconds`."""
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
