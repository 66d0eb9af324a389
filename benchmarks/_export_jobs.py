"""Jobs of a running service, timed by the client."""

import contextlib
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psutil
from _run_log import Span, worker_of

from tests.service import EXPORTS, Exports, Service, ServiceError

#: Seconds between two polls, for a small and for a large job.
_SOON_SECONDS = 0.01
_POLL_SECONDS = 0.1

_TIMEOUT_SECONDS = 600


def job(gtin: str) -> dict[str, Any]:
    """Return the request for a QR Code of each of the product's serials."""
    return {
        "scope": "serials",
        "export_type": "qr_codes",
        "file_format": "svg",
        "filters": {"gtins": [gtin]},
    }


@dataclass(slots=True)
class Watched:
    """A job from its submission on: times in seconds since the epoch, durations of polls in seconds."""

    job_id: str
    submitted: float
    polls: list[float] = field(default_factory=list[float])
    moved: list[float] = field(default_factory=list[float])

    def longest_still(self, during: Span) -> float:
        """Return the longest time in seconds without a change of `processed_items`."""
        moves = [moment for moment in self.moved if during.began < moment < during.ended]
        return max(later - earlier for earlier, later in pairwise([during.began, *moves, during.ended]))


def watch(client: Exports, body: Mapping[str, Any]) -> Watched:
    """Submit a job and poll it to its end. Raises ServiceError unless it is completed."""
    submitted = time.time()
    receipt = client.submit(body)
    watched = Watched(receipt["job_id"], submitted)
    processed = 0
    while True:
        asked = time.perf_counter()
        status = client.poll(receipt)
        watched.polls.append(time.perf_counter() - asked)
        if status["processed_items"] != processed:
            processed = status["processed_items"]
            watched.moved.append(time.time())
        if _reached("completed", status, submitted):
            return watched
        time.sleep(_POLL_SECONDS)


def seconds_until(
    wanted: str, client: Exports, body: Mapping[str, Any], *, to_the_end: bool = False
) -> float:
    """Return the seconds from a submission until a poll returns the wanted status, or `completed`.

    If the next measurement needs an idle service, return only when the job is completed.
    """
    submitted, began = time.time(), time.perf_counter()
    receipt = client.submit(body)
    while not _reached(wanted, client.poll(receipt), submitted):
        time.sleep(_SOON_SECONDS)
    seconds = time.perf_counter() - began
    while to_the_end and not _reached("completed", client.poll(receipt), submitted):
        time.sleep(_SOON_SECONDS)
    return seconds


def jobs_per_second(
    service: Service, key: str, body: Mapping[str, Any], clients: int, seconds: float
) -> float:
    """Return the jobs completed per second, for clients that submit the next job when one is completed."""
    began = time.perf_counter()

    def work(_: int) -> int:
        done = 0
        with service.client(key) as client:
            while time.perf_counter() - began < seconds:
                seconds_until("completed", client, body)
                done += 1
        return done

    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(work, range(clients)))
    return done / (time.perf_counter() - began)


class Large:
    """A job that renders while other things are measured, and is cancelled afterwards."""

    def __init__(self, service: Service, client: Exports, receipt: Mapping[str, Any]) -> None:
        self._home = service.home
        self._client = client
        self._receipt = receipt

    @property
    def renders(self) -> bool:
        """Return whether some of its labels, but not all, are drawn."""
        status = self._client.poll(self._receipt)
        return 0 < status["processed_items"] < status["total_items"]

    def cancel(self) -> float | None:
        """Cancel it; return the seconds until no process of its run is left, or None if it had ended before."""
        pid = worker_of(self._home, self._receipt["job_id"])
        if pid is None:
            return None
        run = [psutil.Process(pid)]
        run += run[0].children(recursive=True)
        began = time.perf_counter()
        answer = self._client.send("DELETE", f"{EXPORTS}{self._receipt['job_id']}/")
        if answer.status_code != 202:
            return None
        # The parent reaps killed processes, and starts new ones while it lives.
        while left := [process for process in run if _lives(process)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                run = left + [child for child in run[0].children(recursive=True) if child not in left]
            if time.perf_counter() - began > _TIMEOUT_SECONDS:
                raise ServiceError(f"after its cancellation there are still {left}")
            time.sleep(_SOON_SECONDS)
        return time.perf_counter() - began


@contextlib.contextmanager
def rendering(service: Service, client: Exports, body: Mapping[str, Any]) -> Generator[Large]:
    """Submit a large job, run the block as soon as the job renders, and cancel it if the block did not."""
    submitted = time.time()
    receipt = client.submit(body)
    large = Large(service, client, receipt)
    while not large.renders and not _reached("completed", client.poll(receipt), submitted):
        time.sleep(_POLL_SECONDS)
    try:
        yield large
    finally:
        large.cancel()


def _reached(wanted: str, status: Mapping[str, Any], submitted: float) -> bool:
    if status["status"] == "failed":
        raise ServiceError(f"the job failed: {status['error']}")
    if time.time() - submitted > _TIMEOUT_SECONDS:
        raise ServiceError(f"not {wanted} within {_TIMEOUT_SECONDS} s: {status}")
    return status["status"] in {wanted, "completed"}


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
