"""`labels serve`: start the service's processes, restart killed ones, stop all of them together."""

import fcntl
import hashlib
import multiprocessing
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil

from cli import service_process
from cli.guard import MARK, kill_marked
from cli.settings import SIGNING_VARIABLE, Settings, make_private
from pipelines.execution.forks import PRELOAD, is_alive
from pipelines.storage import instance

_STOP_SECONDS = 10.0

#: A process killed within this time after its start, so often in a row, is not started again.
_STABLE_SECONDS = 5.0
_MOST_EARLY_DEATHS = 3

#: What multiprocessing tells about a process that outlived its fork server. How it ended is not known then.
_FORK_SERVER_DIED = 255


class _Service:
    """One process that calls a function of a module, forked from the fork server that has imported what all need."""

    def __init__(
        self, name: str, function: str, *arguments: str, secrets: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._started_with = (name, function, arguments, dict(secrets or {}))
        self._early_deaths = 0
        self.start()

    def start(self) -> None:
        self._child = _forks().Process(target=service_process.run, args=self._started_with, name=self.name)
        self._child.start()
        self.process = psutil.Process(self._child.pid)
        self._started = time.monotonic()

    @property
    def status(self) -> int:
        """How the process ended: its exit status, or a signal's number below zero."""
        return self._child.exitcode or 0

    def restart_if_killed(self) -> bool:
        """Return whether the process runs; start it again if it was killed. One that exits by itself stays down."""
        if is_alive(self.process):
            return True
        self._child.join()
        early = time.monotonic() - self._started < _STABLE_SECONDS
        self._early_deaths = self._early_deaths + 1 if early else 0
        by_itself = self.status >= 0 and self.status != _FORK_SERVER_DIED
        if by_itself or self._early_deaths >= _MOST_EARLY_DEATHS:
            return False
        print(f"{self.name} was killed: starts again", file=sys.stderr, flush=True)
        self.start()
        return True


def supervise(settings: Settings, *, host: str, port: int, dagster_port: int) -> int:
    """Run the service in the foreground until a signal or until one of its processes ends.

    A process that is killed is started again. Returns the exit status: 0 after a signal, 1 when a
    process ended by itself, 2 when another service already runs on the home.
    """
    lock = (settings.home / "serve.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"error: another `labels serve` already runs on {settings.home}", file=sys.stderr)
        return 2
    stopping = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    socket = Path(_socket_path(settings.home))
    socket.unlink(missing_ok=True)
    workspace = str(instance.workspace_of(settings.home))
    mark = secrets.token_hex(16)
    guard = _start_guard(mark, lock)
    # The environment of all processes that follow.
    os.environ.update(settings.environment() | {MARK: mark})
    os.environ.pop(SIGNING_VARIABLE, None)
    preparation = _forks().Process(target=instance.prepare, args=(settings.home, str(socket)))
    preparation.start()
    preparation.join()
    if preparation.exitcode:
        print(f"error: the home {settings.home} cannot be prepared", file=sys.stderr)
        return _ended(guard, 1)
    make_private(settings.home)
    code_server = _Service(
        "code-server", "pipelines.execution.dagster_command:main",
        "api", "grpc", "--module-name", "pipelines.definitions",
        "--socket", str(socket), "--location-name", instance.LOCATION_NAME,
        secrets=settings.sending_environment(),
    )  # fmt: skip
    facade = _Service(
        "facade", "cli.facade:main",
        "--host", host, "--port", str(port), "--code-server-socket", str(socket),
        secrets=settings.signing_environment(),
    )  # fmt: skip
    services = [facade, code_server]
    # The UI would show a location that cannot be loaded if it began before the code server.
    while not socket.exists() and not stopping.wait(0.1) and is_alive(code_server.process):
        pass
    services += [
        _Service("daemon", "pipelines.execution.run_launcher:run_daemon", "run", "--workspace", workspace),
        _Service(
            "ui", "pipelines.ui.server:main", "--port", str(dagster_port), "--workspace", workspace,
        ),
    ]  # fmt: skip
    print(f"labels: http://{host}:{port}  Dagster: http://127.0.0.1:{dagster_port}", flush=True)
    status = 0
    while not stopping.wait(0.2):
        if ended := next((service for service in services if not service.restart_if_killed()), None):
            print(f"error: {ended.name} ended with status {ended.status}", file=sys.stderr)
            status = 1
            break
    _stop(services, mark)
    if status == 0:
        instance.stopped_marker(settings.home).touch()
    return _ended(guard, status)


def _forks() -> ForkServerContext:
    """Return the context whose fork server has imported Dagster and our definitions, once for all services.

    It is started at the first use, with the environment of that moment.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    return context


def _socket_path(home: Path) -> str:
    """Return the path of the code server's Unix socket, which may have 107 bytes however deep the home is."""
    path = str(home / "code-server.sock")
    if len(path.encode()) <= 100:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:24]
    return f"/tmp/labels-{digest}.sock"  # noqa: S108 - the shortest folder there is


def _start_guard(mark: str, lock: TextIO) -> "subprocess.Popen[bytes]":
    """Start the process that kills all others when the supervisor is killed.

    It reads a pipe whose other end only the supervisor holds. It shares the lock on the home, so that a new service
    cannot start before the old one's processes are gone.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "cli.guard", mark],
        stdin=subprocess.PIPE,
        pass_fds=(lock.fileno(),),
        start_new_session=True,
    )


def _ended(guard: "subprocess.Popen[bytes]", status: int) -> int:
    """End the guard and return the exit status."""
    guard.terminate()
    guard.wait()
    return status


def _stop(services: Sequence[_Service], mark: str) -> None:
    # The façade first, so that no new jobs arrive; then the processes that execute them.
    for service in services:
        with suppress(psutil.NoSuchProcess):
            service.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    while any(is_alive(service.process) for service in services) and time.monotonic() < deadline:
        time.sleep(0.05)
    for service in services:
        if is_alive(service.process):
            print(f"{service.name} does not stop: killed", file=sys.stderr)
    kill_marked(mark)
