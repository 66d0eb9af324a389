"""Whether disk, memory and answers of a running service stay as they are while it makes 20,000 small jobs.

Clients submit a mix of jobs and wait for each. After every tenth of the jobs the upkeep removes all but that tenth,
with the functions of the daily schedules, as if each tenth had taken longer than the retention. What is left is
measured: one line each. What was printed is kept for good, so its data files may grow.
Exits 1 if a job fails, or if the last line differs too much from the first.

    python benchmarks/service/growth.py --jobs 20_000
"""

import argparse
import contextlib
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import dagster as dg
import psutil
from deltalake import DeltaTable

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from accounts.store import Accounts
from catalogue import maintenance
from catalogue.delta_log import LOG_RETENTION
from catalogue.queries import selected
from catalogue.schema import TABLES
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from gs1.check_digit import check_digit
from pipelines.automation import housekeeping
from pipelines.automation.maintenance import lease
from pipelines.storage import instance, job_index
from tests.service import Exports, create_organisation, labels, processes_of, running_service

ORGANISATION = "load"
CLIENTS = 4
INTERVALS = 10
POLLS = 200
COUNTS = 9
UNLIMITED = "1000000000"
FEW_GTINS = 10

#: Each ten jobs: what is recorded as printed, and whether only what was never printed is selected.
_RECORDED, _NEVER_PRINTED = {1, 4, 7}, {7}

_KINDS = (("qr_codes", "svg"), ("datamatrix", "png"), ("barcodes_1d", "eps"), ("codes_combined", "svg"))

#: What the last line may be of the first. Times vary on a busy machine, and SQLite keeps a quarter of free pages.
_MOST_OF_BYTES, _MOST_OF_TIMES = 1.34, 1.5

#: Reported and not judged, like the time that a job takes on a machine that has other work: what was printed is kept,
#: and SQLite uses a write-ahead log again from 4 MB on.
_PRINTED, _WAL = "data", "wal"


@dataclass(frozen=True, slots=True)
class Home:
    """A service's home, opened beside the service."""

    path: Path
    dagster: dg.DagsterInstance
    catalogue: Catalogue
    artefacts: ArtefactStore
    accounts: Accounts

    def keep(self, since: datetime) -> None:
        """Do the work of the daily jobs. What ended before `since` has expired, and no reader is older."""
        housekeeping.remove(self.dagster, self.artefacts, self.accounts, since, logging.getLogger())
        job_index.of(self.dagster).repair_index()
        for _ in maintenance.compact(self.catalogue, lease(self.accounts, "growth")):
            pass
        expired = (datetime.now(UTC) - LOG_RETENTION - timedelta(hours=1)).timestamp()
        for file in self.path.glob("storage/catalogue/*/_delta_log/*"):
            os.utime(file, (expired, expired))
        maintenance.tidy_logs(self.catalogue, timedelta(0))
        for table in TABLES:
            # `Catalogue.vacuum` keeps a week, by times that stand in the log.
            handle = DeltaTable(self.catalogue.table_uri(table))
            handle.vacuum(0, dry_run=False, full=True, enforce_retention_duration=False)

    def bytes(self, scratch: Path) -> dict[str, int]:
        """Return the sizes of the databases, of their write-ahead logs, and of the folders."""
        storage, dagster = self.path / "storage", self.path / "dagster" / "storage"
        databases = {
            "runs": dagster / "runs.db",
            "events": dagster / "event_log.db",
            "schedules": dagster / "schedules.db",
            "accounts": self.path / "accounts.sqlite",
        }
        logs = sum(_bytes(folder) for folder in storage.glob("catalogue/*/_delta_log"))
        return {
            **{name: path.stat().st_size for name, path in databases.items()},
            _WAL: sum(
                wal.stat().st_size
                for path in databases.values()
                for wal in path.parent.glob(f"{path.name}-wal")
            ),
            "log": logs,
            _PRINTED: _bytes(storage / "catalogue") - logs,
            "artefacts": _bytes(storage / "exports"),
            "steps": sum(_bytes(folder) for folder in dagster.iterdir() if folder.is_dir()),
            "spill": _bytes(scratch),
        }


@contextlib.contextmanager
def opened(path: Path) -> Generator[Home]:
    with ExitStack() as stack:
        accounts = Accounts(f"sqlite:///{path / 'accounts.sqlite'}")
        stack.callback(accounts.close)
        storage = str(path / "storage")
        yield Home(
            path,
            stack.enter_context(instance.load(path)),
            Catalogue(catalogue_url(storage)),
            ArtefactStore(storage),
            accounts,
        )


def _bytes(folder: Path) -> int:
    total = 0
    for found, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += Path(found, name).stat().st_size
    return total


def _memory(home: Path) -> int:
    """Return the bytes that the service's processes have for themselves."""
    total = 0
    for process in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total


def _processor_seconds(home: Path) -> float:
    """Return the processor time that the service has taken, with that of its processes that have ended."""
    total = 0.0
    for process in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def gtin(number: int) -> str:
    digits = f"950600{number:06d}"
    return f"0{digits}{check_digit(digits)}"


def request(number: int) -> dict[str, Any]:
    """Return the body of a job. One of never printed labels has a product of its own."""
    export_type, file_format = _KINDS[number % len(_KINDS)]
    never_printed = number % 10 in _NEVER_PRINTED
    gtins = [gtin(FEW_GTINS + number // 10)] if never_printed else [gtin(n) for n in range(FEW_GTINS)]
    return {
        "scope": "products",
        "export_type": export_type,
        "file_format": file_format,
        "filters": {"gtins": gtins, "never_printed": never_printed},
        "asset_config": {"record_printed": number % 10 in _RECORDED},
    }


def finish(client: Exports, number: int) -> tuple[str, float]:
    """Make one job. Return its poll URL, and the seconds from the request to the completed job."""
    began = time.perf_counter()
    receipt = client.submit(request(number))
    if receipt["status"] != "completed":
        done = client.finish(receipt)
        if done["status"] != "completed":
            raise RuntimeError(f"job {number}: {done}")
    return receipt["poll_url"], time.perf_counter() - began


def measure(client: Exports, home: Home, polled: list[str], scratch: Path) -> dict[str, float]:
    """Return bytes in MB and times in ms of the service, which has nothing else to do."""
    polls: list[float] = []
    for url in random.choices(polled, k=POLLS):
        began = time.perf_counter()
        client.poll({"poll_url": url})
        polls.append(time.perf_counter() - began)
    counts: list[float] = []
    for _ in range(COUNTS):
        began = time.perf_counter()
        selected.count(home.catalogue, Selection(ORGANISATION, Scope.PRODUCTS, never_printed=True))
        counts.append(time.perf_counter() - began)
    sizes = {**home.bytes(scratch), "memory": _memory(home.path)}
    times = {"poll p50": median(polls), "poll p95": quantiles(polls, n=20)[-1], "count": median(counts)}
    return {
        **{name: size / 1e6 for name, size in sizes.items()},
        **{name: seconds * 1000 for name, seconds in times.items()},
    }


def soak(client: Exports, home: Home, jobs: int, scratch: Path) -> bool:
    """Make the jobs in intervals, and print a line after each but the first. Return whether the last is like the first."""
    lines: list[dict[str, float]] = []
    each = max(1, jobs // INTERVALS)
    with ThreadPoolExecutor(CLIENTS) as clients:
        for begin in range(0, jobs, each):
            numbers = range(begin, min(begin + each, jobs))
            since, before = datetime.now(UTC), _processor_seconds(home.path)
            made = list(clients.map(partial(finish, client), numbers))
            processor = (_processor_seconds(home.path) - before) / len(numbers)
            home.keep(since)
            line = measure(client, home, [url for url, _ in made], scratch)
            line |= {"job": median(seconds for _, seconds in made) * 1000, "job CPU": processor * 1000}
            if begin == 0:
                # Warms up: nothing had expired yet.
                print(f"{'jobs':>8}" + "".join(f"{name:>10}" for name in line) + "  (MB, ms)", flush=True)
                continue
            lines.append(line)
            print(
                f"{numbers[-1] + 1:>8,}" + "".join(f"{figure:>10.2f}" for figure in line.values()), flush=True
            )
    return judge(lines[0], lines[-1])


def judge(first: dict[str, float], last: dict[str, float]) -> bool:
    """Print the last line's ratio to the first. Return whether disk, memory and times are flat."""
    times = ("poll p50", "poll p95", "count", "job CPU")
    kept = [name for name in first if name not in {*times, "job", "memory", _PRINTED, _WAL}]
    disk = sum(last[name] for name in kept) / sum(first[name] for name in kept)
    ratios = {name: last[name] / first[name] if first[name] else 1.0 for name in first}
    print(f"{'ratio':>8}" + "".join(f"{ratio:>10.2f}" for ratio in ratios.values()))
    bounds = {"disk": (disk, _MOST_OF_BYTES), "memory": (ratios["memory"], _MOST_OF_BYTES)}
    bounds |= {name: (ratios[name], _MOST_OF_TIMES) for name in times}
    for name, (ratio, most) in bounds.items():
        print(f"{name:>10}: {ratio:.2f} × the first, aim ≤ {most}: {'flat' if ratio <= most else 'GROWS'}")
    return all(ratio <= most for ratio, most in bounds.values())


def main() -> int:
    """Run the service and the jobs. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=20_000, help="at least 30 (default: 20,000)")
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        path, scratch, products = (Path(folder) / name for name in ("home", "scratch", "products.csv"))
        scratch.mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
        key = create_organisation(path, ORGANISATION)
        rows = "".join(f"{gtin(number)},Product\n" for number in range(FEW_GTINS + jobs // 10 + 1))
        products.write_text(f"gtin,name\n{rows}", encoding="utf-8")
        labels(path, "import", "--org", ORGANISATION, "--products", str(products))
        limits = ("LABELS_RATE_PER_MINUTE", "LABELS_RATE_PER_DAY", "LABELS_MAX_OPEN_JOBS")
        with (
            running_service(path, dict.fromkeys(limits, UNLIMITED)) as service,
            service.client(key) as client,
            opened(path) as home,
        ):
            return 0 if soak(client, home, jobs, scratch) else 1


if __name__ == "__main__":
    sys.exit(main())
