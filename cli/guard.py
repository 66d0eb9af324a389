"""The supervisor's last will: ends every process of a service whose supervisor was killed."""

import signal
import sys


def main() -> None:
    """Wait until standard input closes, then kill all that carry the mark given."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    from cli.supervisor import kill_marked

    kill_marked(sys.argv[1])


if __name__ == "__main__":
    main()
