"""One service, `labels serve`, on files and SQLite and then on Postgres, Redis and SeaweedFS of its own, all on this machine.

Small jobs of 50 labels one after the other, one large job, and polls of it once it has ended. Exits 1 unless both stores make
the same bytes.

    python benchmarks/distributed/stores.py --labels 200_000
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _figures import Aim, heading, median, row
from _stock import completed, gtin_of, servers, stocked

from tests.distributed.machines import machines
from tests.faults import digest, serials_of

SMALL_LABELS, SMALL_JOBS, POLLS = 50, 20, 200
SETTINGS = {"LABELS_RATE_PER_MINUTE": "1000000", "LABELS_RATE_PER_DAY": "1000000000"}


class Measured(NamedTuple):
    """Seconds of a small job (median), of the large one, and of a poll (median), and the large one's SHA-256."""

    small: float
    large: float
    poll: float
    digest: str


def measured(folder: Path, settings: Mapping[str, str], labels: int) -> Measured:
    """Start a service with these settings, fill its catalogue, and measure it."""
    with machines(folder, {**SETTINGS, **settings}, "one") as (machine,):
        key = stocked(machine, "acme", [SMALL_LABELS, labels])
        machine.serve()
        with machine.client(key, "serve") as client:

            def seconds_of(number: int) -> tuple[float, dict[str, object]]:
                began = time.perf_counter()
                status = completed(client, client.submit(serials_of(gtin_of(number))))
                return time.perf_counter() - began, status

            small = median([seconds_of(0)[0] for _ in range(SMALL_JOBS)])
            large, status = seconds_of(1)
            polls: list[float] = []
            for _ in range(POLLS):
                began = time.perf_counter()
                client.poll({"poll_url": f"/products/api/v1/labels/export/{status['job_id']}/"})
                polls.append(time.perf_counter() - began)
            return Measured(small, large, median(polls), digest(client, status))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=200_000)
    labels = parser.parse_args().labels
    with servers() as (shared, folder):
        on_files = measured(folder / "files", {}, labels)
        on_servers = measured(folder / "servers", shared.settings(), labels)
    heading("the same service", ["files", "servers", "ratio"])
    for name, one, other, aim in (
        (f"{SMALL_LABELS} labels, median of {SMALL_JOBS}, ms", on_files.small, on_servers.small, None),
        (
            f"{labels:,} labels, ms",
            on_files.large,
            on_servers.large,
            Aim.most(1.3, on_servers.large / on_files.large),
        ),
        (f"a poll, median of {POLLS}, ms", on_files.poll, on_servers.poll, None),
    ):
        row(name, [1000 * one, 1000 * other, other / one], 2, aim)
    if on_files.digest != on_servers.digest:
        sys.exit("the stores make different bytes")


if __name__ == "__main__":
    main()
