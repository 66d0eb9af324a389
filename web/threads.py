"""Threads for what takes long, of which no organisation has all."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


class Threads:
    """`at_once` threads, and `each` of them at most for one organisation: its own work waits for each other."""

    def __init__(self, at_once: int, each: int = 1) -> None:
        self._all = anyio.CapacityLimiter(at_once)
        self._of = defaultdict[str, anyio.CapacityLimiter](lambda: anyio.CapacityLimiter(each))

    async def run(self, organisation: str, work: Callable[[], T]) -> T:
        """Return what the work returns, once it has a thread."""
        async with self._of[organisation]:
            return await anyio.to_thread.run_sync(work, limiter=self._all)
