"""Large exports on machines with Celery workers: how they scale, what Celery costs, and whether organisations share.

All on this machine, with Postgres, Redis and SeaweedFS of their own. First one large job with the local executor and
with one and two workers of one process each, and with one worker of as many processes as the local executor has. Then
jobs of five organisations at once, ten of each, from `--least` to `--most` labels in another order for each. Until the
first organisation has all its labels drawn, all are backlogged: their labels per second until then are compared.
Exits 1 unless every job completed, and all large ones with the same bytes.

    python benchmarks/distributed/steps.py --labels 1_000_000 --least 10_000 --most 100_000
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _figures import Aim, heading, row
from _stock import completed, gtin_of, servers, stocked

from tests.distributed.machines import machines
from tests.distributed.stores import Shared
from tests.faults import digest, serials_of, until
from tests.service import Exports

ORGANISATIONS = 5
JOBS_OF_EACH = 10

#: What is the same in all measurements: few connections, because each of many exports has a process.
SETTINGS = {
    "LABELS_RATE_PER_MINUTE": "1000000",
    "LABELS_RATE_PER_DAY": "1000000000",
    "LABELS_DAGSTER_POOL_SIZE": "1",
    "LABELS_DATABASE_POOL_SIZE": "1",
}
CELERY = {"LABELS_EXECUTOR": "celery"}

_SECONDS = 3600.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--least", type=int, default=10_000)
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--only", choices=("scaling", "sharing"))
    arguments = parser.parse_args()
    with servers() as (shared, folder):
        if arguments.only != "sharing":
            _scaling(shared, folder, arguments.labels)
        if arguments.only != "scaling":
            _sharing(shared, folder, arguments.least, arguments.most)


def _scaling(shared: Shared, folder: Path, labels: int) -> None:
    """Measure one large job in four settings, each with a service of its own on the same three servers."""
    cores = len(os.sched_getaffinity(0))
    cases: Mapping[str, tuple[Mapping[str, str], Sequence[int]]] = {
        "local executor": ({}, ()),
        "Celery, 1 worker of all cores": (CELERY, (cores,)),
        "Celery, 1 worker of 1 core": (CELERY, (1,)),
        "Celery, 2 workers of 1 core": (CELERY, (1, 1)),
    }
    heading(f"{labels:,} QR Codes, SVG", ("seconds", "labels/s"))
    seconds: dict[str, float] = {}
    digests: set[str] = set()
    for number, (name, (settings, workers)) in enumerate(cases.items()):
        with _service(shared, folder / f"case{number}", settings, workers, {"acme": [labels]}) as clients:
            client = clients["acme"]
            start = time.monotonic()
            status = completed(client, client.submit(serials_of(gtin_of(0))))
            seconds[name] = time.monotonic() - start
            digests.add(digest(client, status))
        row(name, [seconds[name], labels / seconds[name]], 1)
    heading("Ratios of the whole job", ("",))
    local, all_cores, one, two = seconds.values()
    row("speed of Celery to the local executor", [local / all_cores], 2, Aim.least(0.95, local / all_cores))
    row("speed of two workers to one", [one / two], 2, Aim.least(1.8, one / two))
    if len(digests) != 1:
        sys.exit(f"the settings make different bytes: {digests}")


def _sharing(shared: Shared, folder: Path, least: int, most: int) -> None:
    """Measure how fast the labels of each organisation are drawn while all have jobs left."""
    sizes = [least + (most - least) * number // (JOBS_OF_EACH - 1) for number in range(JOBS_OF_EACH)]
    names = [f"organisation-{number}" for number in range(ORGANISATIONS)]
    jobs = ORGANISATIONS * JOBS_OF_EACH
    settings = CELERY | {
        "LABELS_EXPORTS_AT_ONCE": str(jobs),
        "LABELS_EXPORTS_PER_ORGANISATION": str(JOBS_OF_EACH),
    }
    cores = len(os.sched_getaffinity(0))
    with _service(shared, folder / "sharing", settings, (cores,), dict.fromkeys(names, sizes)) as clients:
        start = time.monotonic()
        receipts = {
            name: [
                clients[name].submit(serials_of(gtin_of((size + number) % JOBS_OF_EACH)))
                for size in range(JOBS_OF_EACH)
            ]
            for number, name in enumerate(names)
        }
        states: dict[str, list[dict[str, Any]]] = {}

        def drawn_of(name: str) -> int:
            return sum(state["processed_items"] for state in states[name])

        def one_has_all_drawn() -> bool:
            time.sleep(1)
            states.update(
                {name: [clients[name].poll(each) for each in mine] for name, mine in receipts.items()}
            )
            return any(drawn_of(name) == sum(sizes) for name in names)

        until(one_has_all_drawn, "an organisation has all its labels drawn", _SECONDS)
        backlogged = time.monotonic() - start
        heading(f"{jobs} jobs of {least:,} to {most:,} labels at once, backlogged", ("labels", "labels/s"))
        rates: list[float] = []
        for name in names:
            rates.append(drawn_of(name) / backlogged)
            row(name, [drawn_of(name), rates[-1]], 0)
        row("largest over smallest", [max(rates) / min(rates)], 2, Aim.most(2, max(rates) / min(rates)))
        for name, mine in receipts.items():
            for receipt in mine:
                completed(clients[name], receipt)
        whole = time.monotonic() - start
        row("all", [ORGANISATIONS * sum(sizes), ORGANISATIONS * sum(sizes) / whole], 0)


@contextmanager
def _service(
    shared: Shared,
    folder: Path,
    settings: Mapping[str, str],
    workers: Sequence[int],
    stock: Mapping[str, Sequence[int]],
) -> Iterator[dict[str, Exports]]:
    """Yield a client of each organisation, whose products have so many serials, with all workers ready.

    Each organisation has made a small job, so that nothing is done for the first time.
    """
    names = [f"worker-{number}" for number in range(len(workers))]
    with (
        machines(folder, shared.settings() | SETTINGS | settings, "control", *names) as (control, *others),
        ExitStack() as clients,
    ):
        keys = {name: stocked(control, name, sizes) for name, sizes in stock.items()}
        control.serve()
        for machine, processes in zip(others, workers, strict=True):
            running = machine.start("worker", "--concurrency", str(processes))
            until(_says(running.log, "steps at once"), f"{machine.name} is ready", 120)
        made = {name: clients.enter_context(control.client(key, "serve")) for name, key in keys.items()}
        for client in made.values():
            completed(
                client, client.submit({"scope": "products", "export_type": "qr_codes", "file_format": "svg"})
            )
        yield made


def _says(log: Path, words: str) -> Callable[[], bool]:
    return lambda: words in log.read_text(errors="replace")


if __name__ == "__main__":
    main()
