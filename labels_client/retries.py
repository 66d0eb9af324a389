"""Retry requests: which ones, how often, and after which pause."""

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import httpx

from labels_client.answers import retry_after

#: The service refused the request for now, or a proxy lost its connection to the service.
_TEMPORARY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """Number of attempts, and pauses between them in seconds, which double from `first_pause` to `longest_pause`.

    A Retry-After of up to `longest_asked` replaces the pause. If the service asks for more (at a daily limit), the
    request is not retried. With the defaults, a restart of the service causes no error. `sleep` waits for a number of
    seconds.
    """

    attempts: int = 7
    first_pause: float = 0.25
    longest_pause: float = 8.0
    longest_asked: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    def pauses(self) -> Generator[float]:
        """Yield the pause after each attempt but the last, varied at random so that clients do not retry in step."""
        pause = self.first_pause
        for _ in range(self.attempts - 1):
            yield pause * random.uniform(0.75, 1.25)
            pause = min(pause * 2, self.longest_pause)

    def send(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        """Send the request, which must take effect only once, and return the first answer that needs no retry.

        Return the last answer if all attempts need a retry. Raises httpx.TransportError.
        """
        for pause in self.pauses():
            try:
                response = request()
            except httpx.TransportError as error:
                if isinstance(error, httpx.UnsupportedProtocol):
                    raise
                self.sleep(pause)
                continue
            asked = retry_after(response)
            if not _not_final(response, asked) or (asked or 0) > self.longest_asked:
                return response
            self.sleep(pause if asked is None else asked)
        return request()


def _not_final(response: httpx.Response, asked: float | None) -> bool:
    """Return whether retrying may help.

    A conflict (409) with a Retry-After means that an earlier attempt is still being processed.
    """
    status = response.status_code
    return status in _TEMPORARY or (status == 409 and asked is not None)
