"""Kill what a test process started when it ends, however it ends."""

import os
import secrets
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

_MARK = "TEST_SESSION_ID"
_STOP_SECONDS = 30.0


@contextmanager
def guarded() -> Generator[None]:
    """Mark every process that is started in the block, and kill them at its end or when this process dies.

    A process inherits the mark in its environment. This process has it too, but not where the guard looks: /proc shows
    the environment that a process was started with.
    """
    os.environ[_MARK] = secrets.token_hex(16)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.distributed.guard"],
        cwd=root,
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        yield
        process.communicate(timeout=_STOP_SECONDS)
    del os.environ[_MARK]


def _kill_all(mark: str) -> None:
    while left := [process for process in psutil.process_iter() if _is_marked(process, mark)]:
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=1)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == mark
    except psutil.Error:
        return False


if __name__ == "__main__":
    # The pipe closes when the process that holds its other end closes it, or dies.
    sys.stdin.buffer.read()
    _kill_all(os.environ[_MARK])
