"""The whole service under load, measured by its clients, and a bare Starlette endpoint in the same run.

First 300 polls and 5 small submissions a second. Then clients that submit the next job when the last is answered, as
many as keep the warm workers busy. Last, one organisation's small jobs alone, and beside 24 clients of another one
that flood the service with jobs whose stock is taken. Polls and single submissions are sent on a timetable that does
not wait for responses, and a latency counts from the time in the table: a service that stalls does not get less load.
Exits 1 unless every request was answered well and every export completed.

    python benchmarks/service/load.py --seconds 60
"""

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from _keep_alive import KeepAliveClient

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from accounts.store import Accounts
from gs1.check_digit import check_digit
from tests.service import (
    EXPORTS,
    create_organisation,
    free_ports,
    labels,
    processes_of,
    running_service,
)

POLLS_PER_SECOND = 300
FEW_SUBMISSIONS_PER_SECOND = 5

#: One for each of the two warm workers, and one whose job is being prepared.
SUBMITTING_CLIENTS = 3
EXPORTS_PER_SECOND = 12

LABELS_PER_EXPORT = 10

#: Number of newest jobs to poll: clients ask for the jobs they have just submitted.
POLLED_JOBS = 50

#: A submission may wait 20 s for a worker, after it waited for its turn.
TIMEOUT_SECONDS = 300

#: Clients of the organisation that floods the service. They wait as long as a 429 asks them to.
FLOODING_CLIENTS = 24
COMPLETION_SECONDS = 600
UNLIMITED = "1000000000"

GTINS = [f"0{digits}{check_digit(digits)}" for digits in (f"950600{n:06d}" for n in range(LABELS_PER_EXPORT))]
BODY = {
    "scope": "products",
    "export_type": "qr_codes",
    "file_format": "svg",
    "filters": {"gtins": GTINS},
    "asset_config": {"record_printed": False},
}

BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def poll(request):
    return JSONResponse({str(n): "x" * 30 for n in range(20)})

uvicorn.run(Starlette(routes=[Route("/", poll)]), port=int(sys.argv[1]), access_log=False, log_level="error")
"""


@dataclass(slots=True)
class Measured:
    """Latencies in seconds of the successful requests, and the faults of the others."""

    latencies: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter[str])

    @property
    def p95(self) -> float:
        """The 95th percentile in seconds."""
        times = sorted(self.latencies) or [0.0]
        return times[min(len(times) - 1, int(len(times) * 0.95))]

    def row(self, name: str) -> str:
        """Return a line of the table: count, faults, percentiles and the longest in milliseconds."""
        times = sorted(self.latencies) or [0.0]
        p50, p95, p99 = (
            1000 * times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.95, 0.99)
        )
        return (
            f"{name:38}{len(self.latencies):8}{self.faults.total():8}"
            f"{p50:10.1f}{p95:10.1f}{p99:10.1f}{1000 * times[-1]:10.1f}"
        )


async def timetable(
    per_second: float, seconds: float, send: Callable[[], Awaitable[None]], measured: Measured
) -> None:
    """Call `send` at this rate per second, however long each call takes, and wait for the last."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def one(due: float) -> None:
        try:
            await send()
        except (OSError, EOFError, ValueError) as error:
            measured.faults[f"{type(error).__name__}: {str(error)[:300]}"] += 1
        else:
            measured.latencies.append(loop.time() - due)

    async with asyncio.TaskGroup() as group:
        for number in range(int(per_second * seconds)):
            due = start + number / per_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(one(due))


async def one_after_another(seconds: float, send: Callable[[], Awaitable[None]], measured: Measured) -> None:
    """Call `send` again and again for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await timetable(1, 1, send, measured)


class Processors:
    """Who used the machine's cores since this object was created."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._start = time.monotonic()
        self._before = (self._of_service(), time.process_time(), _busy_seconds())

    def row(self) -> str:
        """Return a line: cores used by the service, by this client, and by everything else."""
        seconds = time.monotonic() - self._start
        after = (self._of_service(), time.process_time(), _busy_seconds())
        service, client, busy = (
            (now - then) / seconds for now, then in zip(after, self._before, strict=True)
        )
        return (
            f"  of {psutil.cpu_count()} cores: service {service:.2f}, this client {client:.2f}, "
            f"others {max(0.0, busy - service - client):.2f}"
        )

    def _of_service(self) -> float:
        total = 0.0
        for process in processes_of(self._home):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0)


class Client:
    """A customer's client: submits jobs, and polls those jobs."""

    def __init__(self, http: KeepAliveClient) -> None:
        self._http = http
        self.jobs: list[str] = []

    async def submit(self) -> None:
        """Submit a small export. Raises ValueError unless the answer is a 202."""
        receipt = await self._json("POST", EXPORTS, 202, BODY)
        self.jobs.append(receipt["job_id"])

    async def poll(self) -> None:
        """Poll one of the newest jobs. Raises ValueError unless the answer is a 200 and the job has not failed."""
        status = await self._json("GET", f"{EXPORTS}{random.choice(self.jobs[-POLLED_JOBS:])}/", 200)
        if status["status"] == "failed":
            raise ValueError(f"failed: {status['error']}")

    async def completion(self, seconds: float) -> Counter[str]:
        """Return the number of jobs by state when all have ended, or at the latest after this time."""
        states: Counter[str] = Counter()
        deadline = time.monotonic() + seconds
        for job in self.jobs:  # one after the other, so that polling does not slow the work
            while (state := await self._state(job)) not in {"completed", "failed"}:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.25)
            states[state] += 1
        return states

    async def _state(self, job: str) -> str:
        return (await self._json("GET", f"{EXPORTS}{job}/", 200))["status"]

    async def _json(self, method: str, path: str, expected: int, body: object = None) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status, answer = await self._http.request(method, path, body)
        if status != expected:
            raise ValueError(f"{status}: {answer}")
        return answer


@contextlib.contextmanager
def bare_endpoint() -> Generator[str]:
    """Run a Starlette application with one route under uvicorn: a lower bound for the façade."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


async def measure_bare(url: str, seconds: float) -> Measured:
    """Return the figures of a bare endpoint for as many polls."""
    measured = Measured()
    async with KeepAliveClient(url) as http:

        async def get() -> None:
            status, _ = await http.request("GET", "/")
            if status != 200:
                raise ValueError(str(status))

        await timetable(POLLS_PER_SECOND, seconds, get, measured)
    return measured


async def measure_service(url: str, key: str, home: Path, seconds: float) -> bool:
    """Print the service's figures, and return whether all requests succeeded."""
    async with KeepAliveClient(url, {"X-API-Key": key}) as http:
        client = Client(http)
        for _ in range(4):  # each warm worker has drawn once, and there is something to poll
            await client.submit()
        polls, few, cores = Measured(), Measured(), Processors(home)
        await asyncio.gather(
            timetable(POLLS_PER_SECOND, seconds, client.poll, polls),
            timetable(FEW_SUBMISSIONS_PER_SECOND, seconds, client.submit, few),
        )
        print(polls.row(f"{POLLS_PER_SECOND} polls/s"))
        print(few.row(f"  with {FEW_SUBMISSIONS_PER_SECOND} submissions/s"))
        print(cores.row())
        well = await _completed(client, 4 + int(FEW_SUBMISSIONS_PER_SECOND * seconds))
        client.jobs.clear()
        many, cores = Measured(), Processors(home)
        start = time.monotonic()
        await asyncio.gather(
            *(one_after_another(seconds, client.submit, many) for _ in range(SUBMITTING_CLIENTS))
        )
        print(many.row(f"{SUBMITTING_CLIENTS} clients submitting"))
        well &= await _completed(client, len(many.latencies))
        print(cores.row())
        print(
            f"  {len(many.latencies) / (time.monotonic() - start):.1f} exports/s, aim ≥ {EXPORTS_PER_SECOND}"
        )
    return _without_faults([polls, few, many]) and well


async def _completed(client: Client, expected: int) -> bool:
    start = time.monotonic()
    states = await client.completion(COMPLETION_SECONDS)
    print(f"  {dict(states)} of {expected}, {time.monotonic() - start:.1f} s after the last answer")
    return states == Counter(completed=expected)


async def measure_fairness(url: str, key: str, flooding_key: str, seconds: float) -> bool:
    """Print how long small jobs wait, alone and during another's flood. Return whether all succeeded."""
    contended = {**BODY, "filters": {"never_printed": True}, "asset_config": {"record_printed": True}}
    answers: Counter[int] = Counter()

    async def flood() -> None:
        async with KeepAliveClient(url, {"X-API-Key": flooding_key}) as http:
            while True:
                status, answer = await http.request("POST", EXPORTS, contended)
                answers[status] += 1
                await asyncio.sleep(answer.get("retry_after_seconds", 0))

    async with KeepAliveClient(url, {"X-API-Key": key}) as http:
        client = Client(http)
        for _ in range(4):
            await client.submit()
        alone, beside = Measured(), Measured()
        await timetable(1, seconds, client.submit, alone)
        floods = [asyncio.create_task(flood()) for _ in range(FLOODING_CLIENTS)]
        await timetable(1, seconds, client.submit, beside)
        for task in floods:
            task.cancel()
        ended = await asyncio.gather(*floods, return_exceptions=True)
        print(alone.row("1 submission/s of one organisation"))
        print(beside.row(f"  beside {FLOODING_CLIENTS} flooding clients"))
        print(f"  p95 {beside.p95 / alone.p95:.1f} x; the flood's answers: {dict(answers)}")
    broken = [error for error in ended if not isinstance(error, asyncio.CancelledError)]
    print("".join(f"  flood: {error!r}\n" for error in broken[:3]), end="")
    return _without_faults([alone, beside]) and not broken


def _fairness(folder: Path, seconds: float) -> bool:
    """Run a service for two organisations, one of whose stock is taken."""
    home, products = folder / "fair", folder / "products.csv"
    key, flooding_key = (create_organisation(home, slug) for slug in ("quiet", "flood"))
    for slug in ("quiet", "flood"):
        labels(home, "import", "--org", slug, "--products", str(products))
    accounts = Accounts(f"sqlite:///{home / 'accounts.sqlite'}")
    assert accounts.acquire_lease("never-printed:flood", "2" * 22, 3600)
    accounts.close()
    limits = {"LABELS_RATE_PER_MINUTE": UNLIMITED, "LABELS_RATE_PER_DAY": UNLIMITED}
    with running_service(home, limits) as service:
        return asyncio.run(measure_fairness(service.url, key, flooding_key, seconds))


def _without_faults(all_measured: Sequence[Measured]) -> bool:
    faults = sum((measured.faults for measured in all_measured), Counter[str]())
    for fault, count in faults.most_common(10):
        print(f"  {count} x {fault}")
    return not faults


def main() -> int:
    """Run the windows and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="length of each window (default: 60)")
    seconds = parser.parse_args().seconds
    print(f"{'':38}{'answers':>8}{'faults':>8}{'p50 ms':>10}{'p95':>10}{'p99':>10}{'max':>10}")
    with bare_endpoint() as url:
        print(asyncio.run(measure_bare(url, seconds)).row(f"bare Starlette, {POLLS_PER_SECOND} GET/s"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        key = create_organisation(home, "load")
        products = Path(folder) / "products.csv"
        products.write_text("gtin,name\n" + "".join(f"{gtin},Product\n" for gtin in GTINS))
        labels(home, "import", "--org", "load", "--products", str(products))
        limits = {"LABELS_RATE_PER_MINUTE": UNLIMITED, "LABELS_RATE_PER_DAY": UNLIMITED}
        limits["LABELS_MAX_OPEN_JOBS"] = UNLIMITED
        with running_service(home, limits) as service:
            well = asyncio.run(measure_service(service.url, key, home, seconds))
            if not well:
                print(service.log_tail(2000))
        well &= _fairness(Path(folder), seconds)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
