"""Kill what a test process started when it ends, however it ends."""

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


if __name__ == "__main__":
    # The pipe closes when the process that holds its other end closes it, or dies.
    sys.stdin.buffer.read()
    kill_marked(os.environ[_MARK], _MARK)
