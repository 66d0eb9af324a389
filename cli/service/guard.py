"""Kill all service processes when the supervisor dies."""

import os
import signal
import sys

import psutil

#: The environment variable that all processes of one service have with the same value.
MARK = "LABELS_SERVE_ID"


def main() -> None:
    """Wait until standard input closes, then kill all processes with the mark in the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])


def kill_marked(mark: str, variable: str = MARK) -> None:
    """Kill every other process with the mark in this environment variable, until none is left."""
    while left := [process for process in psutil.process_iter() if _is_marked(process, mark, variable)]:
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=1)


def _is_marked(process: psutil.Process, mark: str, variable: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(variable) == mark
    except psutil.Error:
        return False


if __name__ == "__main__":
    main()
