"""One service, `labels serve`, on files and SQLite and then on Postgres, Redis and SeaweedFS of its own, all on this machine.

Small jobs of 50 labels one after the other, one large job, and polls of it once it has ended. Exits 1 unless both stores make
the same bytes.

    python benchmarks/distributed/stores.py --labels 200_000
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _figures import Aim, heading, median, row

from gs1.check_digit import check_digit
from tests.distributed.guard import guarded
from tests.distributed.machines import machines
from tests.distributed.stores import ObjectStore, Postgres, Redis, Shared
from tests.faults import digest, serials_of

SMALL_LABELS, SMALL_JOBS, POLLS = 50, 20, 200
SETTINGS = {"LABELS_RATE_PER_MINUTE": "1000000", "LABELS_RATE_PER_DAY": "1000000000"}


class Measured(NamedTuple):
    """Seconds of a small job (median), of the large one, and of a poll (median), and the large one's SHA-256."""

    small: float
    large: float
    poll: float
    digest: str


def gtin_of(number: int) -> str:
    key = f"0950600{number:06d}"
    return f"{key}{check_digit(key)}"


def measured(folder: Path, settings: Mapping[str, str], labels: int) -> Measured:
    """Start a service with these settings, fill its catalogue, and measure it."""
    with machines(folder, {**SETTINGS, **settings}, "one") as (machine,):
        machine.labels("org", "create", "acme")
        key = machine.labels("keys", "create", "--org", "acme").splitlines()[-1]
        sizes = [SMALL_LABELS, labels]
        products, serials = folder / "products.csv", folder / "serials.csv"
        folder.mkdir(parents=True, exist_ok=True)
        products.write_text(
            "gtin,name\n" + "".join(f"{gtin_of(number)},A product\n" for number in range(len(sizes)))
        )
        with serials.open("w") as stream:
            stream.write("gtin,serial_number\n")
            for number, size in enumerate(sizes):
                stream.writelines(f"{gtin_of(number)},{serial:08d}\n" for serial in range(size))
        machine.labels("import", "--org", "acme", "--products", str(products), "--serials", str(serials))
        machine.serve()
        with machine.client(key, "serve") as client:

            def seconds_of(number: int) -> tuple[float, dict[str, object]]:
                began = time.perf_counter()
                status = client.finish(client.submit(serials_of(gtin_of(number))), 1800)
                assert status["status"] == "completed", status
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
    with guarded(), tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        shared = Shared(
            Postgres(Path(folder) / "postgres"),
            Redis(Path(folder) / "redis"),
            ObjectStore(Path(folder) / "objects"),
        )
        for server in (shared.postgres, shared.redis, shared.object_store):
            stack.callback(server.kill)
        files = measured(Path(folder) / "files", {}, labels)
        servers = measured(Path(folder) / "servers", shared.settings(), labels)
    heading("the same service", ["files", "servers", "ratio"])
    for name, one, other, aim in (
        (f"{SMALL_LABELS} labels, median of {SMALL_JOBS}, ms", files.small, servers.small, None),
        (f"{labels:,} labels, ms", files.large, servers.large, Aim.most(1.3, servers.large / files.large)),
        (f"a poll, median of {POLLS}, ms", files.poll, servers.poll, None),
    ):
        row(name, [1000 * one, 1000 * other, other / one], 2, aim)
    if files.digest != servers.digest:
        sys.exit("the stores make different bytes")


if __name__ == "__main__":
    main()
