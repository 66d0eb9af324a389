"""The service at its start and when nobody asks for anything: seconds until it is ready, memory, and processor time.

Memory is proportional (PSS): a page that several processes share counts once in all. The first start makes the home;
the second is the one that is measured.

    python benchmarks/service/idle.py --seconds 60
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _figures import Aim, heading, row
from _process_memory import kind_of

from tests.service import Service, labels, processes_of, running_service

READY_SECONDS, MEGABYTES, CORE_PERCENT = 4, 800, 2

#: What the first minute does once: sensors, and the first run of every daemon's loop.
_SETTLING_SECONDS = 60


def memory(home: Path) -> list[tuple[str, float]]:
    """Return each process's name and its megabytes, the largest first."""
    found = [(kind_of(each), each.memory_full_info().pss / 1e6) for each in processes_of(home)]
    return sorted(found, key=lambda each: -each[1])


def busy_seconds(home: Path) -> float:
    """Return the processor time of all processes of the service since their start."""
    return sum(sum(each.cpu_times()[:2]) for each in processes_of(home))


def await_ready(service: Service) -> None:
    while httpx.get(f"{service.url}/readyz", timeout=10).status_code != 200:
        time.sleep(0.05)


def main() -> int:
    """Print the figures. Return 0, or 1 if one misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch (default: 60)")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        labels(home, "org", "create", "idle")
        with running_service(home) as service:
            await_ready(service)
        start = time.monotonic()
        with running_service(home) as service:
            await_ready(service)
            ready = time.monotonic() - start
            time.sleep(_SETTLING_SECONDS)
            before = busy_seconds(home)
            time.sleep(seconds)
            percent = 100 * (busy_seconds(home) - before) / seconds
            processes = memory(home)
    whole = sum(megabytes for _, megabytes in processes)
    aims = [
        Aim.most(READY_SECONDS, ready),
        Aim.most(MEGABYTES, whole),
        Aim.most(CORE_PERCENT, percent),
    ]
    heading(f"idle service, load {os.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
    row("seconds from start to /readyz", [ready], 1, aims[0])
    row("memory, MB PSS", [whole], 0, aims[1])
    for name, megabytes in processes:
        row(f"  {name}", [megabytes], 0)
    row("% of a core", [percent], 1, aims[2])
    return 0 if all(aim.met for aim in aims) else 1


if __name__ == "__main__":
    sys.exit(main())
