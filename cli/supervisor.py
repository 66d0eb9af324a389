"""`labels serve`: the service's processes, started together, ended together."""

import fcntl
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil

from cli.settings import Settings
from pipelines import instance

#: In the environment of every process of one service: what the guard looks for.
MARK = "LABELS_SERVE_ID"

_STOP_SECONDS = 10.0


@dataclass(slots=True)
class _Service:
    name: str
    process: "subprocess.Popen[bytes]"


def supervise(settings: Settings, *, host: str, port: int, dagster_port: int) -> int:
    """Run the service in the foreground until a signal or until one of its processes ends.

    Returns the exit status: 0 after a signal, 1 when a process ended by itself, 2 when another
    service already runs on the home.
    """
    lock = (settings.home / "serve.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"error: another `labels serve` already runs on {settings.home}", file=sys.stderr)
        return 2
    socket = _socket_path(settings.home)
    Path(socket).unlink(missing_ok=True)
    workspace = str(instance.prepare(settings.home, socket))
    environment = {**os.environ, **settings.environment(), MARK: secrets.token_hex(16)}
    guard = _start_guard(environment, lock)
    stopping = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    python = [sys.executable, "-m"]
    services: list[_Service] = []

    def start(name: str, *command: str) -> None:
        process = subprocess.Popen([*python, *command], env=environment, start_new_session=True)
        services.append(_Service(name, process))

    start(
        "code-server", "dagster", "api", "grpc", "--module-name", "pipelines.definitions",
        "--socket", socket, "--location-name", instance.LOCATION_NAME,
    )  # fmt: skip
    start("façade", "cli.facade", "--host", host, "--port", str(port), "--code-server-socket", socket)
    # A daemon that dequeues a run while there is no code server yet fails the run, and the UI shows
    # a location that cannot be loaded.
    while not Path(socket).exists() and not stopping.wait(0.1):
        if services[0].process.poll() is not None:
            break
    start("daemon", "dagster._daemon", "run", "--workspace", workspace)
    start(
        "dagster-ui", "dagster_webserver", "--host", "127.0.0.1", "--port", str(dagster_port),
        "--workspace", workspace,
    )  # fmt: skip
    print(f"labels: http://{host}:{port}  Dagster: http://127.0.0.1:{dagster_port}", flush=True)
    status = 0
    while not stopping.wait(0.2):
        if ended := next((s for s in services if s.process.poll() is not None), None):
            print(f"error: {ended.name} ended with status {ended.process.returncode}", file=sys.stderr)
            status = 1
            break
    _stop(services, environment[MARK])
    guard.terminate()
    guard.wait()
    return status


def _socket_path(home: Path) -> str:
    """Return a Unix socket's path: a home of any depth, though a socket's path holds 107 bytes."""
    path = str(home / "code-server.sock")
    if len(path.encode()) <= 100:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:24]
    return f"/tmp/labels-{digest}.sock"  # noqa: S108 - a socket has nowhere shorter to be


def _start_guard(environment: dict[str, str], lock: TextIO) -> "subprocess.Popen[bytes]":
    """Start the process that outlives a killed supervisor just long enough to end all others.

    It reads a pipe whose other end only the supervisor holds, and it shares the home's lock, so that
    a new service cannot start before the old one's processes are gone.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "cli.guard", environment[MARK]],
        stdin=subprocess.PIPE,
        pass_fds=(lock.fileno(),),
        start_new_session=True,
    )


def _stop(services: Sequence[_Service], mark: str) -> None:
    # The façade first, that no new job comes in; then what executes them.
    for service in services:
        if service.process.poll() is None:
            service.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for service in services:
        try:
            service.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"{service.name} does not stop: killed", file=sys.stderr)
    kill_marked(mark)
    for service in services:
        service.process.wait()


def kill_marked(mark: str) -> None:
    """Kill every other process that carries the mark, until none is left."""
    while left := [process for process in psutil.process_iter() if _is_marked(process, mark)]:
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=1)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except psutil.Error:
        return False
