"""Start the service's processes, restart killed ones, stop all of them together."""

import fcntl
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil

from cli.service import process
from cli.service.guard import MARK, kill_marked
from cli.service.services import Service, address_of_code
from cli.settings import SIGNING_VARIABLE, Settings, make_private
from pipelines.execution.forks import LOST, PRELOAD, is_alive
from pipelines.storage import instance

_STOP_SECONDS = 10.0

#: Longest time to count an orderly stop in the database, which may be unreachable.
_COUNT_SECONDS = 5.0

#: Longest time that a process waits for the code server.
_CODE_SECONDS = 60.0

#: A process that is killed within this time after its start, this many times in a row, is not restarted.
_STABLE_SECONDS = 5.0
_MOST_EARLY_DEATHS = 3

#: multiprocessing's exit status of a process that outlived its fork server. The real status is unknown.
_FORK_SERVER_DIED = 255


class _Process:
    """The process of a service, forked from the fork server that has the common imports."""

    def __init__(self, service: Service) -> None:
        self.name = service.name
        self._service = service
        self._early_deaths = 0
        self.start()

    def start(self) -> None:
        self._child = _forks().Process(target=process.run, args=tuple(self._service[:4]), name=self.name)
        self._child.start()
        self.process = psutil.Process(self._child.pid)
        self._started = time.monotonic()

    @property
    def status(self) -> int:
        """The exit status of the process, or the negative number of the signal that killed it."""
        return self._child.exitcode or 0

    def restart_if_killed(self) -> bool:
        """Return whether the process runs. Restart it if it was killed, but not if it exited by itself.

        A process that lost its lease is restarted without limit: it waits until it gets the lease.
        """
        if is_alive(self.process):
            return True
        self._child.join()
        early = time.monotonic() - self._started < _STABLE_SECONDS
        self._early_deaths = self._early_deaths + 1 if early else 0
        if self.status == LOST:
            self._early_deaths = 0
        elif self.status >= 0 and self.status != _FORK_SERVER_DIED:
            return False
        if self._early_deaths >= _MOST_EARLY_DEATHS:
            return False
        died = "has lost its lease" if self.status == LOST else "was killed"
        print(f"{self.name} {died}: starts again", file=sys.stderr, flush=True)
        self.start()
        return True


def supervise(settings: Settings, services: Sequence[Service], *, command: str, announcement: str) -> int:
    """Run the services of one command in the foreground until a signal or until one of their processes ends.

    They start and stop in the given order. A killed process is restarted. Returns the exit status: 0 after a signal, 1
    when a process ended by itself, 2 when the command already runs on this home.
    """
    lock = (settings.home / f"{command}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"error: another `labels {command}` already runs on {settings.home}", file=sys.stderr)
        return 2
    stopping = _stopping()
    code = address_of_code(settings)
    if "/" in code and any(service.name == "code-server" for service in services):
        Path(code).unlink(missing_ok=True)
    mark = secrets.token_hex(16)
    guard = _start_guard(mark, lock)
    # All processes started below inherit this environment.
    os.environ.update(settings.environment() | {MARK: mark})
    os.environ.pop(SIGNING_VARIABLE, None)
    if _called("pipelines.storage.instance:prepare", settings.home, code):
        print(f"error: the home {settings.home} cannot be prepared", file=sys.stderr)
        return _ended(guard, 1)
    make_private(settings.home)
    running: list[_Process] = []
    for service in services:
        if service.awaits_code:
            _await_code(code, running, stopping)
        running.append(_Process(service))
    print(announcement, flush=True)
    status = _watch(running, stopping)
    if status == 0:
        _called("pipelines.watch.restarts:count_stop", settings.home, seconds=_COUNT_SECONDS)
    _stop(running, mark)
    return _ended(guard, status)


def _stopping() -> threading.Event:
    """Return an event that is set when this process gets a signal to stop."""
    stopping = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stopping


def _watch(running: Sequence[_Process], stopping: threading.Event) -> int:
    """Keep the processes running. Return 0 after a signal, and 1 when a process ends by itself."""
    while not stopping.wait(0.2):
        if ended := next((process for process in running if not process.restart_if_killed()), None):
            print(f"error: {ended.name} ended with status {ended.status}", file=sys.stderr)
            return 1
    return 0


def _called(function: str, *arguments: object, seconds: float | None = None) -> int:
    """Call `module:name` in a new process, which is killed after `seconds`. Return its exit status."""
    called = _forks().Process(target=process.call, args=(function, *arguments))
    called.start()
    called.join(seconds)
    if called.exitcode is None:
        called.kill()
        called.join()
    return called.exitcode or 0


def _await_code(address: str, running: Sequence[_Process], stopping: threading.Event) -> None:
    """Wait until the code server answers. It may start later on another machine."""
    deadline = time.monotonic() + _CODE_SECONDS
    while not _answers(address) and not stopping.wait(0.1):
        if not all(is_alive(process.process) for process in running):
            return
        if time.monotonic() > deadline:
            print(f"the code server at {address} does not answer: going on without", file=sys.stderr)
            return


def _answers(address: str) -> bool:
    server = instance.server_at(address)
    if "socket" in server:
        return Path(address).exists()
    try:
        socket.create_connection((str(server["host"]), int(server["port"])), timeout=1).close()
    except OSError:
        return False
    return True


def _forks() -> ForkServerContext:
    """Return the context whose fork server imports Dagster and our definitions, once for all services.

    The fork server starts at the first use, with the environment of that moment.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    return context


def _start_guard(mark: str, lock: TextIO) -> "subprocess.Popen[bytes]":
    """Start the process that kills all others when the supervisor is killed.

    It reads a pipe whose other end only the supervisor holds. It shares the lock on the home, so that a new service
    cannot start before the processes of the old one are gone.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "cli.service.guard", mark],
        stdin=subprocess.PIPE,
        pass_fds=(lock.fileno(),),
        start_new_session=True,
    )


def _ended(guard: "subprocess.Popen[bytes]", status: int) -> int:
    """End the guard and return the exit status."""
    guard.terminate()
    guard.wait()
    return status


def _stop(services: Sequence[_Process], mark: str) -> None:
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
