"""The service, run as a user runs it: the `labels` command, a separate home, HTTP from outside.

Used by the end-to-end tests and by `demo/run_demo.py`; it imports nothing of the service, so what it
starts is exactly what is installed.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

LABELS = Path(sys.executable).with_name("labels")
EXPORTS = "/products/api/v1/labels/export/"

_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
# Process death is not instant after the supervisor is gone: children notice, then exit.
_LINGER_SECONDS = 10.0

#: Test processes side by side at most, as far as ports go.
_WORKERS = 16


class ServiceError(Exception):
    """The service, or a `labels` command, did not do what was asked within its time."""


def free_ports(count: int) -> list[int]:
    """Return this many different TCP ports of the loopback interface that were free a moment ago.

    They lie below the range that Linux gives to outgoing connections: the Dagster UI binds its port
    seconds later, and by then a port of that range may be some connection's own. Each of the test processes that run
    side by side has ports of its own: those of xdist by their number, one without a number the last ones.
    """
    found: list[int] = []
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{_WORKERS - 1}").removeprefix("gw")) % _WORKERS
    ports = range(20_000 + worker, 32_000, _WORKERS)
    for port in random.sample(ports, 200):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise ServiceError(f"fewer than {count} of 200 ports tried are free")


def settings_of_home(home: Path) -> Mapping[str, str]:
    """Return settings of the home besides those that a test gives it. `tests/distributed/on_servers.py` replaces this."""
    del home
    return {}


def environment(home: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment without any LABELS_* or DAGSTER_* of the caller's, for this home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABELS_", "DAGSTER_"))}
    home = home.resolve()
    return {**kept, "LABELS_HOME": str(home), **settings_of_home(home), **(settings or {})}


def labels(home: Path, *arguments: str, accept: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run one `labels` command to its end; ServiceError unless its exit code is an accepted one."""
    done = subprocess.run(
        [str(LABELS), *arguments],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode not in accept:
        raise ServiceError(
            f"labels {' '.join(arguments)} exited with {done.returncode}, not {accept}:\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
    return done


def create_organisation(home: Path, slug: str, *options: str) -> str:
    """Create the organisation and return a manager's API key for it."""
    labels(home, "org", "create", slug, *options)
    return labels(home, "keys", "create", "--org", slug).stdout.strip().splitlines()[-1]


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the living processes whose LABELS_HOME is this one, whoever their parent is now."""
    found: list[psutil.Process] = []
    name = str(home.resolve())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("LABELS_HOME") == name:
                found.append(process)
    return found


def survivors(home: Path, seconds: float = _LINGER_SECONDS) -> list[str]:
    """Return the command lines of the home's processes that are still there after at most this long."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines: list[str] = []
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(f"{process.pid}: {' '.join(process.cmdline())[:200]}")
    return lines


@dataclass(frozen=True, slots=True)
class Service:
    """A started service: its process, its home and where it answers."""

    home: Path
    url: str
    port: int
    dagster_port: int
    process: subprocess.Popen[bytes]
    log: Path

    def log_tail(self, characters: int = 6000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code; ServiceError if it takes longer than 30 s."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ServiceError(
                f"still running {_STOP_SECONDS:.0f} s after SIGTERM:\n{self.log_tail()}"
            ) from error

    @contextlib.contextmanager
    def operator(self, name: str) -> Generator[httpx.Client]:
        """Yield a client of the Dagster UI in which a new operator of that name is logged in."""
        key = labels(self.home, "operators", "add", name).stdout.splitlines()[-1]
        # The UI begins after the façade, which the service waits for.
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.dagster_port}",
            transport=httpx.HTTPTransport(retries=8),
            timeout=60,
        ) as ui:
            if (answer := ui.post("/labels/log-in", data={"key": key})).status_code != 303:
                raise ServiceError(f"the log-in answered {answer.status_code}: {answer.text}")
            yield ui

    def client(self, key: str) -> "Exports":
        return Exports(httpx.Client(base_url=self.url, headers={"X-API-Key": key}, timeout=60))


@dataclass(frozen=True, slots=True)
class Exports:
    """The four calls of an export over HTTP, for one API key."""

    http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def send(self, method: str, url: str, **content: Any) -> httpx.Response:
        """Return the answer; when the rate limit is reached, wait as long as it says and ask again."""
        while True:
            answer = self.http.request(method, url, **content)
            if answer.status_code != 429:
                return answer
            time.sleep(float(answer.headers["Retry-After"]))

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the receipt; ServiceError with the problem unless the answer is 202."""
        answer = self.send("POST", EXPORTS, json=body)
        if answer.status_code != 202:
            raise ServiceError(f"POST answered {answer.status_code}: {answer.text}")
        return answer.json()

    def poll(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """Return the job's state; ServiceError with the problem unless the answer is 200."""
        answer = self.send("GET", str(receipt["poll_url"]))
        if answer.status_code != 200:
            raise ServiceError(f"GET {receipt['poll_url']} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def wait(self, receipt: Mapping[str, Any], seconds: float = 90) -> Iterator[dict[str, Any]]:
        """Yield each poll until the job is completed or failed; ServiceError when the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.poll(receipt)
            yield status
            if status["status"] in {"completed", "failed"}:
                return
            if time.monotonic() > deadline:
                raise ServiceError(f"job {receipt['job_id']} not finished within {seconds:.0f} s: {status}")
            time.sleep(0.5)

    def finish(self, receipt: Mapping[str, Any], seconds: float = 90) -> dict[str, Any]:
        """Return the poll of the finished job, completed or failed."""
        *_, last = self.wait(receipt, seconds)
        return last

    def download(self, status: Mapping[str, Any]) -> bytes:
        """Return the artefact's bytes, fetched without the key: the signed URL alone must do."""
        if status["status"] != "completed":
            raise ServiceError(f"nothing to download: {status}")
        # From an object store the service hands out nothing itself: it sends clients there.
        answer = httpx.get(str(status["download_url"]), timeout=60, follow_redirects=True)
        if answer.status_code != 200:
            raise ServiceError(f"the download answered {answer.status_code}: {answer.text[:2000]}")
        return answer.content


@contextlib.contextmanager
def running_service(home: Path, settings: Mapping[str, str] | None = None) -> Generator[Service]:
    """Start `labels serve` on free ports, wait until /healthz is 200, and leave nothing running.

    Raises ServiceError, with the end of the log, when it exits early or is not up within 90 s. Whatever
    the block did to the service, no process of this home is alive afterwards; a block that wants to see
    who survives a signal asks `survivors` itself.
    """
    port, dagster_port = free_ports(2)
    home.parent.mkdir(parents=True, exist_ok=True)
    log = home.with_name(f"{home.name}-serve-{port}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(LABELS),
                "serve",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--dagster-port",
                str(dagster_port),
            ],
            env=environment(home, settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(home, f"http://127.0.0.1:{port}", port, dagster_port, process, log)
    try:
        _await_health(service)
        yield service
        if process.poll() is None:
            service.stop()
    finally:
        for left in processes_of(home):
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        # Reaped here so that no ResourceWarning follows from Popen.
        if process.poll() is None:
            process.kill()
        process.wait(_STOP_SECONDS)


def _await_health(service: Service) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (code := service.process.poll()) is not None:
            raise ServiceError(f"labels serve exited with {code} while starting:\n{service.log_tail()}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{service.url}/healthz", timeout=5).status_code == 200:
                return
        time.sleep(0.3)
    raise ServiceError(f"/healthz not 200 within {_START_SECONDS:.0f} s:\n{service.log_tail()}")
