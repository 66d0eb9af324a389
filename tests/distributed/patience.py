"""A client that retries after 503 and fails at every other error."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.service import Exports

_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class PatientExports(Exports):
    """Repeats a request that is answered with 503, after its Retry-After. Counts the answers by status.

    A submission is repeated with its Idempotency-Key, so it makes one job.
    """

    answers: Counter[int] = field(default_factory=Counter[int])

    def send(self, method: str, url: str, **content: Any) -> httpx.Response:
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = self.http.request(method, url, **content)
            self.answers[answer.status_code] += 1
            if answer.status_code not in {429, 503}:
                return answer
            assert "Retry-After" in answer.headers, (answer.headers, answer.text)
            assert time.monotonic() < deadline, f"unavailable for {_SECONDS:.0f} s: {answer.text}"
            time.sleep(min(float(answer.headers["Retry-After"]), deadline - time.monotonic()))
