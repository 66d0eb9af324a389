"""A process with everything imported and a single thread, from which workers are forked.

The façade and the daemon have threads, and a process with threads must not fork. So each forks this server at its
start, before its first thread, and asks it for workers later. The fork server of `multiprocessing` is a new program,
which would import everything again: two seconds of processor time and 130 MB.
"""

import importlib
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import Any

import psutil
from setproctitle import setproctitle

#: The module that a fork server imports before its first fork. `multiprocessing` silently ignores import errors.
PRELOAD = "pipelines.preload"

#: The exit status of a process that has lost its lease: EX_TEMPFAIL of sysexits.h.
LOST = 75


class ForkServer:
    """Forks processes that call a function. It must be made before the first thread of its own process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = _started()

    def fork(self, title: str, function: Callable[..., None], *arguments: Any) -> psutil.Process:
        """Return a new process that calls the function. The caller must close its copies of connections in `arguments`.

        If the server was killed, a new one is started.
        """
        with self._lock:
            try:
                return psutil.Process(self._ask(title, function, arguments))
            except (EOFError, OSError):
                self._connection.close()
                self._connection = _started()
                return psutil.Process(self._ask(title, function, arguments))

    def _ask(self, *request: object) -> int:
        self._connection.send(request)
        return int(self._connection.recv())


@cache
def server() -> ForkServer:
    """Return this process's fork server. The first call starts it."""
    return ForkServer()


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process is alive. A zombie counts as ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _started() -> Connection:
    """Start a server and return the connection to it.

    It is forked if this process has no other threads and has done the imports. Otherwise it is a new program.
    """
    can_fork = PRELOAD in sys.modules and threading.active_count() == 1
    context = multiprocessing.get_context("fork") if can_fork else multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    # Not daemonic, because a daemonic process cannot have children.
    process = context.Process(target=_serve, args=(theirs, ours), name="labels-fork-server", daemon=False)
    process.start()
    theirs.close()
    # At exit, close the connection before waiting for the server, because the server waits for its end.
    Finalize(None, ours.close, exitpriority=0)
    return ours


def _serve(requests: Connection, other_end: Connection) -> None:
    """Fork the requested processes until the other end closes. Exit when all children have ended."""
    # Otherwise this process would keep the connection open itself.
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    importlib.import_module(PRELOAD)
    setproctitle("labels fork-server")
    context = multiprocessing.get_context("fork")
    children: dict[Any, BaseProcess] = {}
    while True:
        ready = wait([requests, *children])
        for ended in children.keys() & set(ready):
            children.pop(ended).join()
        if requests not in ready:
            continue
        try:
            title, function, arguments = requests.recv()
        except EOFError:
            return
        child = context.Process(target=_call, args=(requests, title, function, arguments))
        child.start()
        for argument in arguments:
            if isinstance(argument, Connection):
                argument.close()
        children[child.sentinel] = child
        requests.send(child.pid)


def _call(
    requests: Connection, title: str, function: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    requests.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    setproctitle(f"labels {title}")
    function(*arguments)
