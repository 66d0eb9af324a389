"""When a request is sent once more, and after how long."""

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import httpx

from labels_client.answers import retry_after

#: Answers that say: not now. Nothing was done.
_NOT_NOW = frozenset({429, 503})

#: Answers of a proxy that lost the service: whether something was done is unknown.
_LOST = frozenset({502, 504})

#: Errors before the request left: nothing was done.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently: pauses double from `first_pause` to `longest_pause`, in seconds.

    A Retry-After is obeyed up to `longest_asked`; a service that asks for more (the limit of a day is
    reached) is not waited for. The defaults outlast a service that restarts. `sleep` waits.
    """

    attempts: int = 7
    first_pause: float = 0.25
    longest_pause: float = 8.0
    longest_asked: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    def pauses(self) -> Generator[float]:
        """Yield how long to wait after each attempt but the last, spread so that clients part."""
        pause = self.first_pause
        for _ in range(self.attempts - 1):
            yield pause * random.uniform(0.75, 1.25)
            pause = min(pause * 2, self.longest_pause)

    def send(self, request: Callable[[], httpx.Response], *, repeatable: bool) -> httpx.Response:
        """Return the answer of the first attempt that need not be repeated, or of the last.

        A request that is not `repeatable` is sent again only where nothing can have been done. Raises
        httpx.TransportError.
        """
        for pause in self.pauses():
            try:
                response = request()
            except httpx.TransportError as error:
                if not _worth_another(error, repeatable):
                    raise
                self.sleep(pause)
                continue
            asked = retry_after(response)
            if not _not_final(response, asked, repeatable) or (asked or 0) > self.longest_asked:
                return response
            self.sleep(pause if asked is None else asked)
        return request()


def _worth_another(error: httpx.TransportError, repeatable: bool) -> bool:
    if isinstance(error, httpx.UnsupportedProtocol):
        return False
    return repeatable or isinstance(error, _UNSENT)


def _not_final(response: httpx.Response, asked: float | None, repeatable: bool) -> bool:
    """Return whether a later answer can be another one.

    A conflict with a Retry-After is an attempt that met an earlier one still in flight.
    """
    status = response.status_code
    return status in _NOT_NOW or (repeatable and status in _LOST) or (status == 409 and asked is not None)
