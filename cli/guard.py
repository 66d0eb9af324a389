"""The supervisor's last will: ends every process of a service whose supervisor was killed."""

import os
import signal
import sys

import psutil

#: In the environment of every process of one service: what the guard looks for.
MARK = "LABELS_SERVE_ID"


def main() -> None:
    """Wait until standard input closes, then kill all that carry the mark given."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])


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


if __name__ == "__main__":
    main()
