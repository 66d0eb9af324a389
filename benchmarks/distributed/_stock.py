"""Servers of the benchmarks' own, organisations with products of given sizes on them, and jobs that must complete."""

import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gs1.check_digit import check_digit
from tests.distributed.guard import guarded
from tests.distributed.machines import Machine
from tests.distributed.stores import ObjectStore, Postgres, Redis, Shared
from tests.service import Exports

_SECONDS = 3600.0


@contextmanager
def servers() -> Generator[tuple[Shared, Path]]:
    """Yield Postgres, Redis and SeaweedFS, and a folder; all of it is gone after the block."""
    with guarded(), tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        shared = Shared(
            Postgres(folder / "postgres"), Redis(folder / "redis"), ObjectStore(folder / "objects")
        )
        for server in (shared.postgres, shared.redis, shared.object_store):
            stack.callback(server.kill)
        yield shared, folder


def gtin_of(number: int) -> str:
    digits = f"095060{number:07d}"
    return f"{digits}{check_digit(digits)}"


def stocked(machine: Machine, organisation: str, sizes: Sequence[int]) -> str:
    """Create the organisation with a product of each size, and return its key."""
    machine.labels("org", "create", organisation)
    key = machine.labels("keys", "create", "--org", organisation).splitlines()[-1]
    machine.folder.mkdir(parents=True, exist_ok=True)
    products, serials = machine.folder / "products.csv", machine.folder / "serials.csv"
    products.write_text(
        "gtin,name\n" + "".join(f"{gtin_of(number)},A product\n" for number in range(len(sizes)))
    )
    with serials.open("w", encoding="ascii") as stream:
        stream.write("gtin,serial_number\n")
        for number, size in enumerate(sizes):
            stream.writelines(f"{gtin_of(number)},{serial:08d}\n" for serial in range(size))
    machine.labels("import", "--org", organisation, "--products", str(products), "--serials", str(serials))
    return key


def completed(client: Exports, receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job's state once it is completed. Exits if it fails."""
    status = client.finish(receipt, _SECONDS)
    if status["status"] != "completed":
        sys.exit(f"a job did not complete: {status}")
    return status
