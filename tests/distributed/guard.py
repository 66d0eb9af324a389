"""Kill the processes that a test process started, when it ends in any way."""

import os
import secrets
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cli.service.guard import kill_marked

_MARK = "TEST_SESSION_ID"
_STOP_SECONDS = 30.0


@contextmanager
def guarded() -> Generator[None]:
    """Mark every process started in the block. Kill them at its end or when this process dies.

    A process inherits the mark in its environment. The guard does not find the mark of this process, because /proc
    shows the environment at the start of a process.
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


if __name__ == "__main__":
    # The pipe closes when the process at its other end closes it or dies.
    sys.stdin.buffer.read()
    kill_marked(os.environ[_MARK], _MARK)
