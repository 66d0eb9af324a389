"""Checks with a time limit, for health endpoints that must answer even if a disk or a database hangs."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Generic, TypeVar

from structlog.typing import FilteringBoundLogger

#: Answers come within 5 s, so a check has a little less.
CHECK_SECONDS = 4.0

#: Anyone may ask for a façade's health. However often that happens, a check begins once a second at most.
_PAUSE_SECONDS = 1.0

T = TypeVar("T")


class Check(Generic[T]):
    """A function that may hang, called in threads of its own, one at a time.

    Calls that come while it runs, or just after, share its result. So a check that hangs holds one thread, however
    often it is asked for, and none of the threads that requests need.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._running: Future[T] | None = None
        self._began_at = 0.0

    async def result(self, seconds: float) -> T:
        """Return the function's result. Raises its exception, or TimeoutError after `seconds`."""
        return await asyncio.wait_for(asyncio.wrap_future(self._begun()), seconds)

    def _begun(self) -> Future[T]:
        with self._lock:
            now = time.monotonic()
            if self._running is None or (self._running.done() and now >= self._began_at + _PAUSE_SECONDS):
                self._began_at = now
                self._running = Future()
                self._running.set_running_or_notify_cancel()  # from here on, nobody can cancel it
                threading.Thread(target=self._run, args=(self._running,), daemon=True).start()
            return self._running

    def _run(self, running: Future[T]) -> None:
        try:
            running.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            running.set_exception(error)


class Health:
    """The named checks of a façade, none of which may fail. They are done at the same time."""

    def __init__(self, checks: Mapping[str, Callable[[], object]], log: FilteringBoundLogger) -> None:
        self._checks = {name: Check(function) for name, function in checks.items()}
        self._log = log

    async def results(self) -> dict[str, object]:
        """Return the result of each check by name: what it returned, or its exception."""
        results = await asyncio.gather(
            *(check.result(CHECK_SECONDS) for check in self._checks.values()), return_exceptions=True
        )
        found: dict[str, object] = dict(zip(self._checks, results, strict=True))
        for name, result in found.items():
            if isinstance(result, BaseException):
                self._log.warning("check failed", check=name, error=type(result).__name__)
        return found
