"""A large export from outside: `labels serve` as a user starts it, and one job of N serials over HTTP.

Tells the time from submission to completion, how soon the job is processing and its entities are counted, what a
poll costs meanwhile, and the most memory that any process took (resident, shared pages included, sampled ten
times a second). N is 100,000 unless given: `python benchmarks/pipeline.py 1000000`.
"""

import contextlib
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.service import Exports, create_organisation, labels, processes_of, running_service

GTIN = "09506000134352"
JOB = {"scope": "serials", "export_type": "qr_codes", "file_format": "svg"}
SETTINGS = {"LABELS_RATE_PER_MINUTE": "100000", "LABELS_RATE_PER_DAY": "10000000"}

#: A client in a hurry polls this often.
POLL_SECONDS = 0.25
SAMPLE_SECONDS = 0.1


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        key = create_organisation(home, "bench")
        began = time.perf_counter()
        _import(home, Path(folder), count)
        print(f"import of {count:,} serials        {time.perf_counter() - began:8.1f} s")
        began = time.perf_counter()
        with running_service(home, SETTINGS) as service:
            print(f"start of the service, idle   {time.perf_counter() - began:8.1f} s")
            with service.client(key) as client, _memory_of(home) as peaks:
                _export(client, count)
            print("peak resident memory, MB:")
            for name, peak in sorted(peaks.items(), key=lambda item: -item[1]):
                print(f"  {name:<26} {peak / 1e6:8.0f}")


def _import(home: Path, folder: Path, count: int) -> None:
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text(f"gtin,name\n{GTIN},Some product\n")
    with serials.open("w") as stream:
        stream.write("gtin,serial_number\n")
        stream.writelines(f"{GTIN},{number:08d}\n" for number in range(count))
    labels(home, "import", "--org", "bench", "--products", str(products), "--serials", str(serials))


def _export(client: Exports, count: int) -> None:
    began = time.perf_counter()
    receipt = client.submit(JOB)
    print(f"submitted                    {time.perf_counter() - began:8.2f} s")
    polls: list[float] = []
    reached: dict[str, float] = {}
    moved = [0.0]
    status: Mapping[str, Any] = {"status": "pending", "processed_items": 0}
    while status["status"] not in {"completed", "failed"}:
        asked = time.perf_counter()
        before, status = status, client.poll(receipt)
        polls.append(time.perf_counter() - asked)
        if status["processed_items"] != before["processed_items"]:
            moved.append(asked - began)
        for name, there in (
            ("processing", status["status"] != "pending"),
            ("entities counted", status["total_items"] > 0),
            ("all drawn", status["processed_items"] == count),
            ("completed", status["status"] == "completed"),
        ):
            if there:
                reached.setdefault(name, time.perf_counter() - began)
        time.sleep(POLL_SECONDS)
    if status["status"] == "failed":
        sys.exit(f"the job failed: {status['error']}")
    for name, seconds in reached.items():
        print(f"{name:<28} {seconds:8.2f} s")
    print(f"labels a second              {count / reached['completed']:8,.0f}")
    longest = max(later - earlier for earlier, later in itertools.pairwise(moved))
    print(f"longest without progress     {longest:8.2f} s")
    print(f"poll, p50 and p95 of {len(polls):<7} {1000 * statistics.median(polls):8.1f} ms", end="")
    print(f" {1000 * statistics.quantiles(polls, n=20)[-1]:8.1f} ms")


@contextlib.contextmanager
def _memory_of(home: Path) -> Iterator[dict[str, int]]:
    """Yield the highest resident size, in bytes, by kind of process, sampled until the block ends."""
    peaks: dict[str, int] = {}
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            for process in processes_of(home):
                with contextlib.suppress(psutil.Error):
                    name = _kind(process)
                    peaks[name] = max(peaks.get(name, 0), process.memory_info().rss)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield peaks
    finally:
        ended.set()
        sampler.join()


def _kind(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    for mark, name in (
        ("cli.facade", "façade"),
        ("run_daemon", "daemon"),
        ("dagster._cli", "code server"),
        ("dagster_webserver", "Dagster UI"),
        ("cli.guard", "guard"),
        ("resource_tracker", "resource tracker"),
        (" serve ", "supervisor"),
    ):
        if mark in command:
            return name
    # A forked process has its fork server's command line.
    parent = process.parent()
    if parent is None or "forkserver" not in " ".join(parent.cmdline()):
        return "fork server"
    return f"worker of the {_kind(parent.parent() or parent)}"


if __name__ == "__main__":
    main()
