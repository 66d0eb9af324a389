"""`labels serve`: start the service's processes, restart killed ones, stop all of them together."""

import fcntl
import hashlib
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

from cli.guard import MARK, kill_marked
from cli.settings import Settings, make_private
from pipelines.storage import instance

_STOP_SECONDS = 10.0

#: A process killed within this time after its start, so often in a row, is not started again.
_STABLE_SECONDS = 5.0
_MOST_EARLY_DEATHS = 3


class _Service:
    """One process that imports a module at its start and calls a function of it after `go`.

    `python -m` would not do: each process forked from it would import the main module again.
    """

    def __init__(
        self, name: str, function: str, *arguments: str, environment: dict[str, str], imports: str = "sys"
    ) -> None:
        self.name = name
        module, _, called = function.partition(":")
        code = f"import sys, {module}, {imports}; sys.stdin.read(); {module}.{called}()"
        self._command = [sys.executable, "-c", code, *arguments]
        self._environment = environment
        self._early_deaths = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, start_new_session=True
        )
        self._started = time.monotonic()

    def go(self) -> None:
        """Let the process call its function."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def restart_if_killed(self) -> bool:
        """Return whether the process runs; start it again if it was killed. One that exits by itself stays down."""
        status = self.process.poll()
        if status is None:
            return True
        early = time.monotonic() - self._started < _STABLE_SECONDS
        self._early_deaths = self._early_deaths + 1 if early else 0
        if status >= 0 or self._early_deaths >= _MOST_EARLY_DEATHS:
            return False
        print(f"{self.name} was killed: starts again", file=sys.stderr, flush=True)
        self.start()
        self.go()
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
    environment = settings.environment() | {MARK: secrets.token_hex(16)}
    guard = _start_guard(environment, lock)
    # All processes import at the same time. Each begins when what it needs exists.
    code_server = _Service(
        "code-server", "pipelines.execution.dagster_command:main",
        "api", "grpc", "--module-name", "pipelines.definitions",
        "--socket", str(socket), "--location-name", instance.LOCATION_NAME,
        environment=environment | settings.sending_environment(), imports="pipelines.definitions",
    )  # fmt: skip
    facade = _Service(
        "façade", "cli.facade:main",
        "--host", host, "--port", str(port), "--code-server-socket", str(socket),
        environment=environment | settings.signing_environment(),
    )  # fmt: skip
    instance.prepare(settings.home, str(socket))
    make_private(settings.home)
    facade.go()
    code_server.go()
    daemon = _Service(
        "daemon",
        "pipelines.execution.run_launcher:run_daemon",
        "run",
        "--workspace",
        workspace,
        environment=environment,
    )
    ui = _Service(
        "dagster-ui", "pipelines.ui.server:main",
        "--port", str(dagster_port), "--workspace", workspace,
        environment=environment,
    )  # fmt: skip
    services = [facade, code_server, daemon, ui]
    # The UI would show a location that cannot be loaded if it began before the code server.
    while not socket.exists() and not stopping.wait(0.1) and code_server.process.poll() is None:
        pass
    daemon.go()
    ui.go()
    print(f"labels: http://{host}:{port}  Dagster: http://127.0.0.1:{dagster_port}", flush=True)
    status = 0
    while not stopping.wait(0.2):
        if ended := next((service for service in services if not service.restart_if_killed()), None):
            print(f"error: {ended.name} ended with status {ended.process.returncode}", file=sys.stderr)
            status = 1
            break
    _stop(services, environment[MARK])
    if status == 0:
        instance.stopped_marker(settings.home).touch()
    guard.terminate()
    guard.wait()
    return status


def _socket_path(home: Path) -> str:
    """Return the path of the code server's Unix socket, which may have 107 bytes however deep the home is."""
    path = str(home / "code-server.sock")
    if len(path.encode()) <= 100:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:24]
    return f"/tmp/labels-{digest}.sock"  # noqa: S108 - the shortest folder there is


def _start_guard(environment: dict[str, str], lock: TextIO) -> "subprocess.Popen[bytes]":
    """Start the process that kills all others when the supervisor is killed.

    It reads a pipe whose other end only the supervisor holds. It shares the lock on the home, so that a new service
    cannot start before the old one's processes are gone.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "cli.guard", environment[MARK]],
        stdin=subprocess.PIPE,
        pass_fds=(lock.fileno(),),
        start_new_session=True,
    )


def _stop(services: Sequence[_Service], mark: str) -> None:
    # The façade first, so that no new jobs arrive; then the processes that execute them.
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
