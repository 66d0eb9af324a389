"""Costs of Dagster's storages: SQLite and PostgreSQL with our pools, and PostgreSQL as dagster-postgres does it.

Calls of the storages take turns, so that a busy machine slows all of them alike. Then processes write events at once,
while a reader asks for those after the last id that it saw, and the missed ones are counted. Exits 1 if ours misses one.

    LABELS_DAGSTER_URL=postgresql://… python benchmarks/service/dagster_storages.py

It creates a database of its own beside the one that the address names, and drops it.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import dagster as dg
import yaml
from sqlalchemy import Engine, create_engine

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipelines import tags
from pipelines.settings import DagsterSettings
from pipelines.storage import instance

SQLITE, STOCK, POOLED = "SQLite, pooled", "PostgreSQL, dagster-postgres", "PostgreSQL, pooled"
RUN = "3f0c7d6e-0000-4000-8000-000000000001"
EVENTS_BEFORE = 50


def main(rounds: int, writers: int, events: int) -> int:
    """Print both tables. Return the exit code."""
    with tempfile.TemporaryDirectory() as folder, database() as admin, ExitStack() as opened:
        homes = {
            name: made(Path(folder) / str(number), name)
            for number, name in enumerate((SQLITE, STOCK, POOLED))
        }
        instances = {name: opened.enter_context(load(home)) for name, home in homes.items()}
        print(f"| {rounds} rounds, wall / processor ms | {' | '.join(CALLS)} | connections opened |")
        costs = measured(instances, rounds, admin)
        for name, (calls, sessions) in costs.items():
            cells = " | ".join(f"{wall * 1e3:.2f} / {busy * 1e3:.2f}" for wall, busy in calls.values())
            print(f"| {name} | {cells} | {sessions if name != SQLITE else 0} |")
        print()
        written = {
            name: missed_events(homes[name], instances[name], writers, events) for name in (STOCK, POOLED)
        }
        for name, (missed, rate) in written.items():
            print(
                f"{name}: {missed} of {writers * events:,} events of {writers} writers missed; {rate:.0f} a second"
            )
    return 1 if written[POOLED][0] else 0


@contextmanager
def database() -> Iterator[Engine]:
    """Create a database, which LABELS_DAGSTER_URL names in the block. Yield the server."""
    url = DagsterSettings().dagster_url.get_secret_value()
    if not url:
        sys.exit("LABELS_DAGSTER_URL names no server")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"labels_benchmark_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        os.environ["LABELS_DAGSTER_URL"] = server.url.set(database=name).render_as_string(hide_password=False)
        try:
            yield server
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def made(home: Path, storage: str) -> Path:
    """Return a home for the storage, with a run that has some events."""
    url = os.environ["LABELS_DAGSTER_URL"]
    if storage == SQLITE:
        del os.environ["LABELS_DAGSTER_URL"]
    instance.prepare(home, "unused.sock")
    os.environ["LABELS_DAGSTER_URL"] = url
    if storage == STOCK:
        stock = {"storage": {"postgres": {"postgres_url": url}}, "telemetry": {"enabled": False}}
        (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(stock), encoding="utf-8")
    with load(home) as dagster:
        if not dagster.has_run(RUN):
            dagster.add_run(dg.DagsterRun("label_export", run_id=RUN, tags={tags.ORGANISATION: "acme"}))
            for _ in range(EVENTS_BEFORE):
                store(dagster, "before")
    return home


def load(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(home / "dagster"))


def store(dagster: dg.DagsterInstance, message: str) -> None:
    happened = dg.DagsterEvent(dg.DagsterEventType.STEP_RESTARTED.value, "label_export", message=message)
    dagster.event_log_storage.store_event(
        dg.EventLogEntry(None, 20, "", RUN, time.time(), dagster_event=happened)
    )


def poll(dagster: dg.DagsterInstance) -> None:
    """Read the run and its newest event."""
    dagster.get_run_by_id(RUN)
    dagster.get_records_for_run(RUN, limit=1, ascending=False)


CALLS: Mapping[str, Callable[[dg.DagsterInstance], object]] = {
    "poll": poll,
    "store_event": lambda dagster: store(dagster, "measured"),
    "add_run_tags": lambda dagster: dagster.add_run_tags(RUN, {"labels/measured": str(time.time())}),
}


def measured(
    instances: Mapping[str, dg.DagsterInstance], rounds: int, admin: Engine
) -> dict[str, tuple[dict[str, tuple[float, float]], int]]:
    """Return each storage's median seconds of each call, by wall and processor, and the connections it opened."""
    seconds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    sessions = dict.fromkeys(instances, 0)
    for name, dagster in instances.items():
        before = opened_sessions(admin)
        for call, function in CALLS.items():
            function(dagster)
            for _ in range(rounds // 10):
                timed(function, dagster)
            seconds[name, call] = []
        sessions[name] = opened_sessions(admin) - before
    for _ in range(rounds):
        for call, function in CALLS.items():
            for name, dagster in instances.items():
                seconds[name, call].append(timed(function, dagster))
    return {
        name: (
            {call: tuple(map(median, zip(*seconds[name, call], strict=True))) for call in CALLS},
            sessions[name],
        )
        for name in instances
    }


def timed(
    function: Callable[[dg.DagsterInstance], object], dagster: dg.DagsterInstance
) -> tuple[float, float]:
    wall, busy = time.perf_counter(), time.process_time()
    function(dagster)
    return time.perf_counter() - wall, time.process_time() - busy


def opened_sessions(admin: Engine) -> int:
    """Return how many connections of the measured database were ever opened."""
    name = os.environ["LABELS_DAGSTER_URL"].rpartition("/")[2]
    time.sleep(1.5)  # the server counts a connection some time after it has ended
    with admin.connect() as connection:
        counted = f"SELECT sessions FROM pg_stat_database WHERE datname = '{name}'"
        return int(connection.exec_driver_sql(counted).scalar_one())


def missed_events(home: Path, dagster: dg.DagsterInstance, writers: int, events: int) -> tuple[int, float]:
    """Let processes write events. Return how many a reader that keeps the last id has not seen, and how many it saw a second."""
    context = multiprocessing.get_context("spawn")
    marker = uuid.uuid4().hex
    cursor = dagster.get_records_for_run(RUN, limit=100_000).cursor
    together = context.Barrier(writers)
    processes = [context.Process(target=write, args=(home, marker, events, together)) for _ in range(writers)]
    for process in processes:
        process.start()
    seen = 0
    times: list[float] = []
    ended = False
    while not ended:
        ended = not any(process.is_alive() for process in processes)
        found = dagster.get_records_for_run(RUN, cursor, limit=10_000)
        cursor = found.cursor
        new = sum(marker in (record.event_log_entry.message or "") for record in found.records)
        times += [time.perf_counter()] * bool(new)
        seen += new
    if failed := [process.exitcode for process in processes if process.exitcode]:
        sys.exit(f"writers ended with {failed}")
    return writers * events - seen, seen / (times[-1] - times[0])


def write(home: Path, marker: str, events: int, together: "multiprocessing.synchronize.Barrier") -> None:
    with load(home) as dagster:
        store(dagster, "opens the connection")
        together.wait(120)
        for _ in range(events):
            store(dagster, marker)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--events", type=int, default=500, help="of each writer")
    sys.exit(main(**vars(parser.parse_args())))
