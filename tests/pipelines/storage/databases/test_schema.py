"""Dagster's tables of an earlier release are migrated when the service starts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from accounts.errors import DatabaseTooNew
from pipelines.storage import instance, job_index
from pipelines.storage.dagster_storage import SqlEventLogStorage, SqlScheduleStorage
from pipelines.storage.databases import postgres, schema, sqlite

#: Before runs had the column `backfill_id` and before several indexes, of which some are created concurrently.
EARLIER = "46b412388816"


def downgrade(connection: Connection) -> None:
    config = Config()
    # As Dagster names it.
    config.set_main_option("script_location", "dagster:_core/storage/alembic")
    config.attributes["connection"] = connection
    command.downgrade(config, EARLIER)


@pytest.fixture
def earlier(dagster: dg.DagsterInstance) -> dg.DagsterInstance:
    """An instance with a run, whose tables are those of an earlier Dagster without our index."""
    dagster.add_run(dg.DagsterRun("label_export"))
    runs, events, schedules = job_index.of(dagster), dagster.event_log_storage, dagster.schedule_storage
    assert isinstance(events, SqlEventLogStorage)
    assert isinstance(schedules, SqlScheduleStorage)
    with runs.connect() as connection:
        connection.exec_driver_sql("DROP TABLE export_jobs")
        connection.exec_driver_sql("DROP TABLE export_job_counts")
        downgrade(connection)
    if isinstance(runs, sqlite.PooledSqliteRunStorage):
        for opened in (events.index_connection(), schedules.connect()):
            with opened as connection:
                downgrade(connection)
    # Another release is another process.
    sqlite._checked.clear()
    postgres._checked.clear()
    return dagster


def has_backfill_id(dagster: dg.DagsterInstance) -> bool:
    with job_index.of(dagster).connect() as connection:
        return "backfill_id" in {column["name"] for column in inspect(connection).get_columns("runs")}


def test_tables_of_an_earlier_dagster_are_migrated_once(
    earlier: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_backfill_id(earlier)
    home = Path(earlier.root_directory).parent
    instance.prepare(home, "a.sock")
    with instance.load(home) as later:
        assert has_backfill_id(later)
        (old,) = later.get_runs()
        later.add_run(dg.DagsterRun("label_export", tags={"dagster/backfill": "a-backfill"}))
        assert [run.run_id for run in later.get_runs()][1:] == [old.run_id]
        assert later.get_runs_count(dg.RunsFilter(tags={"dagster/backfill": "a-backfill"})) == 1

    def refuse(_: dg.DagsterInstance) -> None:
        raise AssertionError("the tables are migrated again")

    monkeypatch.setattr(dg.DagsterInstance, "upgrade", refuse)
    instance.prepare(home, "a.sock")


def test_several_starts_at_once_migrate_once(
    earlier: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = dg.DagsterInstance.upgrade
    upgraded: list[str] = []

    def count(self: dg.DagsterInstance) -> None:
        upgraded.append(self.root_directory)
        upgrade(self)

    monkeypatch.setattr(dg.DagsterInstance, "upgrade", count)
    own = Path(earlier.root_directory).parent
    on_postgres = isinstance(earlier.run_storage, postgres.PooledPostgresRunStorage)
    homes = [own, own, *([tmp_path / "another", tmp_path / "a third"] if on_postgres else [])]
    with ThreadPoolExecutor(len(homes)) as pool:
        list(pool.map(lambda home: instance.prepare(home, "a.sock"), homes))
    assert len(upgraded) == 1
    assert has_backfill_id(earlier)


def test_an_index_is_created_while_another_machine_waits(postgres_url: str) -> None:
    """CREATE INDEX CONCURRENTLY waits for everybody who has a snapshot, as a statement that waits for a lock has."""
    asked: list[str] = []

    def wait() -> None:
        with postgres.schema_lock(postgres_url):
            asked.append("has it")

    engine = postgres.engine_of(postgres_url)
    with ThreadPoolExecutor(1) as pool, postgres.schema_lock(postgres_url):
        waiting = pool.submit(wait)
        with engine.connect() as connection:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE '%%advisory%%' AND pid <> pg_backend_pid()"
            )
            while connection.exec_driver_sql(others).scalar_one() < 2:
                assert not waiting.done()
            connection.exec_driver_sql("SET statement_timeout = 20000")
            connection.exec_driver_sql("CREATE INDEX CONCURRENTLY an_index ON runs (status)")
        assert not asked
    assert asked == ["has it"]


def test_tables_of_a_newer_dagster_are_refused(dagster: dg.DagsterInstance) -> None:
    with job_index.of(dagster).connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'fffffffffff0'")
    with pytest.raises(DatabaseTooNew, match=r"database of Dagster is at revision.*fffffffffff0"):
        schema.prepare(Path(dagster.root_directory))
