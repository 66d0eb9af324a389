"""Exports from outside: `labels serve` as a user starts it, small and large jobs over HTTP, peers in the same run.

    python benchmarks/label_exports.py 1000000
    python benchmarks/label_exports.py 100000 --only small --only cancel

The large job is N serials as QR Codes, SVG in a ZIP. Parts, in this order:

  small     jobs of 50 entities on the idle service: how long, how many a second; how soon a queued one is at work
  large     jobs of N/100, N/10 and N (10,000 at least): stages by Dagster's own event log, cost per label, the
            most memory of each kind of process, progress and polls meanwhile; beside them the loop a user would
            write with segno and with zint, timed on 5,000 labels
  fairness  another organisation's jobs, alone and while N labels render
  cancel    DELETE while N labels render, until no process of the run is left
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _export_jobs import Watched, job, jobs_per_second, rendering, seconds_until, watch
from _export_peers import labels_per_second, peers
from _figures import Aim, heading, median, p95, row
from _process_memory import ProcessMemory
from _run_log import RunLog, read

from gs1.check_digit import check_digit
from tests.pipelines.job_costs import costs
from tests.service import Exports, Service, create_organisation, labels, running_service

UNLIMITED = "1000000000"
SETTINGS = {"LABELS_RATE_PER_MINUTE": UNLIMITED, "LABELS_RATE_PER_DAY": UNLIMITED}

LARGE, OTHER = "large", "other"
SMALL_ROWS, QUEUED_ROWS, OTHER_ROWS = 50, 1_001, 10_000  # one is done while the client waits, two are queued
SMALL_JOBS, FAIR_JOBS, QUEUED_JOBS = 40, 20, 5
CLIENTS, RATE_SECONDS = 4, 20
LEAST_ROWS = 10_000
PEER_ROWS = 5_000


def gtin_of(rows: int) -> str:
    """Return the GTIN of the product with this many serials."""
    key = f"0950600{rows % 10**6:06d}"
    return f"{key}{check_digit(key)}"


SMALL, QUEUED, OTHER_LARGE = (job(gtin_of(rows)) for rows in (SMALL_ROWS, QUEUED_ROWS, OTHER_ROWS))


@dataclass(frozen=True, slots=True)
class Bench:
    """A running service with a catalogue of `rows` serials and smaller ones, and two organisations' clients."""

    service: Service
    rows: int
    large: Exports
    other: Exports
    other_key: str

    @property
    def sizes(self) -> list[int]:
        return sizes_of(self.rows)


def sizes_of(rows: int) -> list[int]:
    return sorted({max(LEAST_ROWS, rows // 100), max(LEAST_ROWS, rows // 10), rows})


def small(bench: Bench) -> None:
    heading(f"small jobs, {SMALL_ROWS} entities, service idle")
    taken = [seconds_until("completed", bench.other, SMALL) for _ in range(SMALL_JOBS)]
    middle = 1000 * median(taken)
    row(f"submitted → completed, median of {SMALL_JOBS}, ms", [middle], 0, Aim.most(120, middle))
    row("  p95, ms", [1000 * p95(taken)], 0)
    rate = jobs_per_second(bench.service, bench.other_key, SMALL, CLIENTS, RATE_SECONDS)
    row(f"completed a second, {CLIENTS} clients, {RATE_SECONDS} s", [rate], 1, Aim.least(12, rate))
    counted = costs(SMALL, *catalogue_texts([SMALL_ROWS]))
    row("events of a job", [counted.events], 0, Aim.most(15, counted.events))
    kilobytes = counted.event_bytes / 1024
    row("their size, kB of 1,024 bytes", [kilobytes], 1, Aim.most(15, kilobytes))
    row("database transactions of a job", [counted.transactions], 0)
    requests = counted.storage_requests
    row("requests of a job to an object store", [requests], 0, Aim.most(60, requests))
    begun = median(
        [seconds_until("processing", bench.other, QUEUED, to_the_end=True) for _ in range(QUEUED_JOBS)]
    )
    row(f"queued, {QUEUED_ROWS:,} entities → processing, s", [begun], 2, Aim.most(2, begun))


def large(bench: Bench) -> None:
    watched: list[Watched] = []
    logs: list[RunLog] = []
    memory: list[dict[str, int]] = []
    for rows in bench.sizes:
        with ProcessMemory(bench.service.home) as sampled:
            watched.append(watch(bench.large, job(gtin_of(rows))))
        logs.append(read(bench.service.home, watched[-1].job_id))
        memory.append(sampled.peaks(logs[-1].op_of))
    columns = [f"{rows:,}" for rows in bench.sizes]
    wholes = [log.ended - seen.submitted for log, seen in zip(logs, watched, strict=True)]
    print_stages(columns, bench.sizes, wholes, logs, watched)
    print_memory(columns, memory)
    print_progress(columns, logs, watched)
    print_peers(bench.rows, bench.rows / wholes[-1])


def print_stages(
    columns: list[str], sizes: list[int], wholes: list[float], logs: list[RunLog], watched: list[Watched]
) -> None:
    stages = [log.stages(seen.submitted) for log, seen in zip(logs, watched, strict=True)]
    heading("stages of a job, s, by labels", columns)
    for name in stages[-1]:
        row(name, [of_size.get(name) for of_size in stages])
    row("whole: submission → completed", wholes)
    tails = [log.ended - log.rendering.ended for log in logs]
    row("last part drawn → completed", tails, 2, Aim.most(3, tails[-1]))
    ratios = [whole / log.rendering.seconds for whole, log in zip(wholes, logs, strict=True)]
    row("whole / rendering", ratios, 2, Aim.most(1.5, ratios[-1]))
    row("labels a second", [rows / whole for rows, whole in zip(sizes, wholes, strict=True)], 0)
    costs = [1e6 * whole / rows for rows, whole in zip(sizes, wholes, strict=True)]
    # There is one job of each size, so some hundredths are chance.
    row("cost of a label, µs", costs, 1, Aim("falls or stays", costs[-1] <= 1.05 * costs[-2:][0]))


def print_memory(columns: list[str], memory: list[dict[str, int]]) -> None:
    heading("most resident memory of a process, MB", columns)
    kinds = {kind: peak for of_size in memory for kind, peak in of_size.items()}
    for kind in sorted(kinds, key=lambda kind: -kinds[kind]):
        row(kind, [of_size[kind] / 1e6 if kind in of_size else None for of_size in memory], 0)
    most = [max(of_size.values()) / 1e6 for of_size in memory]
    row("any", most, 0, Aim.most(400, max(most)))
    growth = most[-1] / most[-2:][0]
    row("any, the last size to the one before", [growth], 2, Aim("the same", growth <= 1.05))


def print_progress(columns: list[str], logs: list[RunLog], watched: list[Watched]) -> None:
    heading("meanwhile", columns)
    still = [seen.longest_still(log.rendering) for log, seen in zip(logs, watched, strict=True)]
    row("rendering, longest without progress, s", still, 2, Aim.most(5, still[-1]))
    row("poll, median, ms", [1000 * median(seen.polls) for seen in watched], 1)
    latest = [1000 * p95(seen.polls) for seen in watched]
    row("poll, p95, ms", latest, 1, Aim.most(8, latest[-1]))


def print_peers(rows: int, ours: float) -> None:
    heading(f"end to end, SVG in a ZIP, {rows:,} labels", ["labels/s", "hours", "ratio"])
    row("export", [ours, rows / ours / 3600], 2)
    links = [f"https://id.gs1.org/01/{gtin_of(rows)}/21/{number:08d}" for number in range(PEER_ROWS)]
    for name, make, aim in peers():
        speed = labels_per_second(make, links)
        row(name, [speed, rows / speed / 3600, ours / speed], 2, Aim.least(aim, ours / speed))


def fairness(bench: Bench) -> None:
    def one() -> float:
        return seconds_until("completed", bench.other, SMALL)

    alone = [one() for _ in range(FAIR_JOBS)]
    queued_alone = seconds_until("completed", bench.other, OTHER_LARGE)
    with rendering(bench.service, bench.large, job(gtin_of(bench.rows))) as at_work:
        beside: list[float] = []
        while len(beside) < FAIR_JOBS and at_work.renders:
            beside.append(one())
        queued_beside = seconds_until("completed", bench.other, OTHER_LARGE)
        rendered_on = at_work.renders
    heading("another organisation's jobs", ["idle", "beside", "ratio"])
    for name, ours, theirs in (
        (f"{SMALL_ROWS} entities, median, ms", 1000 * median(alone), 1000 * median(beside)),
        ("  p95, ms", 1000 * p95(alone), 1000 * p95(beside)),
        (f"{OTHER_ROWS:,} entities, queued, ms", 1000 * queued_alone, 1000 * queued_beside),
    ):
        row(name, [ours, theirs, theirs / ours], 1)
    print(f"  beside {bench.rows:,} labels that render: {len(beside)} small jobs, then the queued one")
    if not rendered_on:
        print("  the large job had rendered before they were done: only a larger N tells")


def cancel(bench: Bench) -> None:
    heading(f"DELETE of {bench.rows:,} labels while they render")
    with rendering(bench.service, bench.large, job(gtin_of(bench.rows))) as at_work:
        seconds = at_work.cancel()
    if seconds is None:
        print("  it had ended before: only a larger N tells")
    else:
        row("no process of the run is left after, s", [seconds], 2, Aim.most(5, seconds))


PARTS: dict[str, Callable[[Bench], None]] = {part.__name__: part for part in (small, large, fairness, cancel)}


def products_text(counts: list[int]) -> str:
    return "gtin,name\n" + "".join(f"{gtin_of(count)},Product\n" for count in counts)


def catalogue_texts(counts: list[int]) -> tuple[str, str]:
    """Return the CSV texts of a small catalogue's products and serials."""
    return products_text(counts), "".join(serial_lines(counts))


def serial_lines(counts: list[int]) -> Iterator[str]:
    yield "gtin,serial_number\n"
    for count in counts:
        gtin = gtin_of(count)
        yield from (f"{gtin},{number:08d}\n" for number in range(count))


def fill(home: Path, slug: str, counts: list[int]) -> str:
    """Create the organisation, its products and their serials; return its API key."""
    key = create_organisation(home, slug)
    products, serials = (home.with_name(f"{slug}-{table}.csv") for table in ("products", "serials"))
    products.write_text(products_text(counts))
    with serials.open("w") as stream:
        stream.writelines(serial_lines(counts))
    labels(home, "import", "--org", slug, "--products", str(products), "--serials", str(serials))
    return key


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="?", type=int, default=100_000, help="N (default: 100000)")
    parser.add_argument(
        "--only", action="append", choices=list(PARTS), help="run this part (may be repeated)"
    )
    arguments = parser.parse_args()
    rows = max(LEAST_ROWS, arguments.rows)
    others = psutil.cpu_percent(interval=2) / 100 * (psutil.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        began = time.perf_counter()
        large_key = fill(home, LARGE, sizes_of(rows))
        other_key = fill(home, OTHER, [SMALL_ROWS, QUEUED_ROWS, OTHER_ROWS])
        heading("before")
        row("cores that others take", [others], 1)
        row(f"import of {rows:,} serials and some, s", [time.perf_counter() - began], 1)
        began = time.perf_counter()
        with (
            running_service(home, SETTINGS) as service,
            service.client(large_key) as large_client,
            service.client(other_key) as other_client,
        ):
            row("start of the service, s", [time.perf_counter() - began], 1)
            bench = Bench(service, rows, large_client, other_client, other_key)
            for name, part in PARTS.items():
                if name in (arguments.only or PARTS):
                    part(bench)


if __name__ == "__main__":
    main()
