"""What is different on PostgreSQL: the order of events, the pool of a process, the password, and the time zone."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.exc import OperationalError

from pipelines.storage import instance, job_index
from pipelines.storage.databases import postgres
from pipelines.storage.databases.postgres import PooledPostgresEventLogStorage

RUN = "3f0c7d6e-0000-4000-8000-000000000001"
SLOW = "the slow writer"


@pytest.fixture
def dagster_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def home(dagster: dg.DagsterInstance) -> Path:
    return Path(dagster.root_directory).parent


def entry(name: str) -> dg.EventLogEntry:
    """Return an event of an asset, which may be stored alone or in a batch."""
    with dg.DagsterInstance.ephemeral() as made:
        made.report_runless_asset_event(dg.AssetMaterialization(name))
        (record,) = made.fetch_materializations(dg.AssetKey(name), limit=1).records
    return record.event_log_entry._replace(run_id=RUN)


STORE: dict[str, Callable[[PooledPostgresEventLogStorage, str], None]] = {
    "single": lambda storage, name: storage.store_event(entry(name)),
    "batched": lambda storage, name: storage.store_event_batch([entry(name), entry(f"{name}_too")]),
}


def unordered(storage: PooledPostgresEventLogStorage):
    """A transaction as it would be without the lock."""
    return storage._pool.begun("READ COMMITTED")


@pytest.mark.parametrize("ordered", [True, False], ids=["as it is", "without the lock"])
@pytest.mark.parametrize("how", STORE)
def test_who_keeps_the_last_id_misses_no_event(
    dagster: dg.DagsterInstance, home: Path, monkeypatch: pytest.MonkeyPatch, ordered: bool, how: str
) -> None:
    """The first writer has drawn its ids and waits before its commit, while the second one wants to commit."""
    if not ordered:
        monkeypatch.setattr(PooledPostgresEventLogStorage, "transaction", unordered)
    drawn, go_on = threading.Event(), threading.Event()
    engine = postgres.engine_of(dagster.event_log_storage.postgres_url)

    @event.listens_for(engine, "commit")
    def _(_: object) -> None:
        if threading.current_thread().name.startswith(SLOW):
            drawn.set()
            assert go_on.wait(60)

    cursor: str | None = None
    seen: list[str] = []

    def read() -> None:
        nonlocal cursor
        found = dagster.get_records_for_run(RUN, cursor)
        seen.extend(record.asset_key.to_user_string() for record in found.records)
        cursor = found.cursor

    with (
        instance.load(home) as another,
        ThreadPoolExecutor(1, SLOW) as slow,
        ThreadPoolExecutor(1, "the fast writer") as fast,
    ):
        first = slow.submit(STORE[how], dagster.event_log_storage, "first")
        assert drawn.wait(60)
        second = fast.submit(STORE[how], another.event_log_storage, "second")
        with engine.connect() as connection:
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not second.done() and not connection.exec_driver_sql(waiting).scalar_one():
                pass
        read()
        go_on.set()
        first.result()
        second.result()
    read()
    written = {
        "single": [["first"], ["second"]],
        "batched": [["first", "first_too"], ["second", "second_too"]],
    }
    wanted = written[how] if ordered else written[how][1:]
    assert seen == [name for names in wanted for name in names]


def test_the_password_is_in_no_file_no_reference_and_no_message(
    dagster: dg.DagsterInstance, home: Path, dagster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "not-for-others"
    monkeypatch.setenv(
        "LABELS_DAGSTER_URL", make_url(dagster_url).set(password=secret).render_as_string(False)
    )
    instance.prepare(home, "a.sock")
    for path in home.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    with instance.load(home) as opened:
        assert secret.encode() not in pickle.dumps(opened.get_ref())
        assert secret not in opened.info_str()
        assert opened.run_storage.postgres_url.count(secret) == 1, "it is what it connects with"
    nowhere = make_url(dagster_url).set(password=secret, port=1)
    monkeypatch.setattr(postgres, "_PAUSES_SECONDS", ())
    monkeypatch.setenv("LABELS_DAGSTER_URL", nowhere.render_as_string(False))
    with pytest.raises(OperationalError) as raised:
        instance.load(home)
    assert secret not in f"{raised.value!r} {raised.value}"


def test_times_are_in_utc_though_the_database_is_elsewhere(dagster: dg.DagsterInstance) -> None:
    dagster.add_run(dg.DagsterRun("label_export"))
    (record,) = dagster.get_run_records()
    assert abs(record.create_timestamp - datetime.now(UTC)) < timedelta(minutes=10)


def test_a_server_that_ended_all_connections_is_asked_again(
    dagster: dg.DagsterInstance, server: Engine
) -> None:
    dagster.add_run(dg.DagsterRun("label_export"))
    name = postgres.engine_of(dagster.run_storage.postgres_url).url.database
    with server.connect() as connection:
        ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        assert connection.execute(ended, {"name": name}).all()
    assert dagster.get_runs_count() == 1


def test_a_server_that_starts_again_is_waited_for(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = postgres.engine_of(dagster.run_storage.postgres_url)
    engine.dispose()
    refusals = 3
    pauses: list[float] = []

    @event.listens_for(engine, "do_connect")
    def _(*_: object) -> None:
        if len(pauses) < refusals:
            raise OperationalError("connect", {}, ConnectionRefusedError())

    monkeypatch.setattr(postgres.time, "sleep", pauses.append)
    assert dagster.get_runs_count() == 0
    assert pauses == [0.2, 0.4, 0.8]


def test_a_stopped_process_holds_up_no_events_of_others(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stopped between two statements: its transaction holds the lock, and says nothing more."""
    monkeypatch.setattr(postgres, "_STOPPED_SECONDS", 1)
    storage = dagster.event_log_storage
    assert isinstance(storage, PooledPostgresEventLogStorage)

    def stop_while_another_stores() -> None:
        with ThreadPoolExecutor(1) as another, storage.transaction() as stopped:
            another.submit(storage.store_event, entry("of_another")).result(timeout=60)
            stopped.execute(text("SELECT 1"))

    with pytest.raises(OperationalError, match="closed the connection"):
        stop_while_another_stores()


def test_all_storages_of_a_process_share_a_few_connections(dagster: dg.DagsterInstance, home: Path) -> None:
    for _ in range(5):
        with instance.load(home) as opened:
            opened.get_runs_count()
            opened.all_logs(RUN)
            opened.all_instigator_state()
    with job_index.of(dagster).connect() as connection:
        ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert connection.exec_driver_sql(ours).scalar_one() <= 4


def test_a_forked_child_has_connections_of_its_own(dagster: dg.DagsterInstance, dagster_url: str) -> None:
    """In a program of its own: to fork this one, which has threads, would be an error."""
    program = """
import os, sys
from pipelines.storage.databases import postgres
engine = postgres.engine_of(sys.argv[1])
def backend():
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
before = backend()
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    assert backend() == before
    print("well")
else:
    os._exit(backend() == before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, dagster_url],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.stdout == "well\n", done.stderr


def test_the_server_ends_statements_of_the_ui_that_take_long(dagster: dg.DagsterInstance) -> None:
    dagster.optimize_for_webserver(50, -1, 0)
    with (
        job_index.of(dagster).connect() as connection,
        pytest.raises(OperationalError, match="statement timeout"),
    ):
        connection.exec_driver_sql("SELECT pg_sleep(60)")


def close_the_connection_of(statement: str, engine: Engine) -> list[bool]:
    """Have the server end the connection that begins the next such statement. The list is empty once it has."""
    closing = [True]

    @event.listens_for(engine, "before_cursor_execute")
    def _(connection, cursor, executed: str, *_: object) -> None:
        if closing and executed.startswith(statement):
            closing.clear()
            pid = connection.connection.dbapi_connection.info.backend_pid
            with engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    return closing


@pytest.mark.parametrize("how", STORE)
def test_an_event_is_stored_although_the_server_closes_the_connection(
    dagster: dg.DagsterInstance, how: str
) -> None:
    """Dagster would take it for a failure of the step. Within a longer transaction it is one: the rest is lost too."""
    storage = dagster.event_log_storage
    closing = close_the_connection_of("INSERT INTO event_logs", postgres.engine_of(storage.postgres_url))
    STORE[how](storage, "lost")
    assert not closing
    assert len(storage.get_logs_for_run(RUN)) == {"single": 1, "batched": 2}[how]
    closing.append(True)
    with pytest.raises(OperationalError), storage.transaction():
        STORE[how](storage, "together")


CHANGE: dict[str, Callable[[dg.DagsterInstance, dg.DagsterRun], object]] = {
    "status": lambda dagster, run: dagster.report_run_canceled(run),
    "tags": lambda dagster, run: dagster.add_run_tags(run.run_id, {"labels/reason": "jam"}),
}


@pytest.mark.parametrize("what", CHANGE)
def test_a_run_is_changed_although_the_server_closes_the_connection(
    dagster: dg.DagsterInstance, what: str
) -> None:
    """A status that is not stored would leave the run as it was, and a tag that is not would fail its step."""
    run = dagster.add_run(dg.DagsterRun("label_export"))
    closing = close_the_connection_of("UPDATE runs", postgres.engine_of(dagster.run_storage.postgres_url))
    CHANGE[what](dagster, run)
    assert not closing
    changed = dagster.get_run_by_id(run.run_id)
    assert changed is not None
    assert (changed.status is dg.DagsterRunStatus.CANCELED) == (what == "status")
    assert ("labels/reason" in changed.tags) == (what == "tags")
