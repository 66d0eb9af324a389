"""Dagster's tables of an earlier release are migrated when the service starts."""

import subprocess
import sys
from contextlib import ExitStack
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


PREPARE = """
import sys
from pathlib import Path
import dagster
from pipelines.storage import instance
upgrade = dagster.DagsterInstance.upgrade
dagster.DagsterInstance.upgrade = lambda self: (print("migrates"), upgrade(self))
instance.prepare(Path(sys.argv[1]), "a.sock")
"""


def test_several_starts_at_once_migrate_once(earlier: dg.DagsterInstance, tmp_path: Path) -> None:
    """On PostgreSQL they are on machines of their own."""
    own = Path(earlier.root_directory).parent
    on_postgres = isinstance(earlier.run_storage, postgres.PooledPostgresRunStorage)
    homes = [own, *([tmp_path / "another", tmp_path / "a third"] if on_postgres else [own, own])]
    starts = [
        subprocess.Popen([sys.executable, "-c", PREPARE, str(home)], stdout=subprocess.PIPE, text=True)
        for home in homes
    ]
    said = [start.communicate(timeout=120)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert sorted(said) == ["", "", "migrates\n"]
    assert has_backfill_id(earlier)


def test_an_index_is_created_while_another_machine_waits(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CREATE INDEX CONCURRENTLY waits for the end of a transaction that waits for a lock."""
    engine = postgres.engine_of(postgres_url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} SET statement_timeout = '20s'")
    engine.dispose()
    begun = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %%'"
    )
    holder = ExitStack()

    def meanwhile(_: float) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE INDEX CONCURRENTLY an_index ON runs (status)")
            assert connection.exec_driver_sql(begun).scalar_one() == 1, "only who holds the lock"
        holder.close()

    monkeypatch.setattr(postgres.time, "sleep", meanwhile)
    holder.enter_context(postgres.schema_lock(postgres_url))
    with postgres.schema_lock(postgres_url), engine.connect() as connection:
        assert connection.exec_driver_sql(begun).scalar_one() == 1


def test_tables_of_a_newer_dagster_are_refused(dagster: dg.DagsterInstance) -> None:
    with job_index.of(dagster).connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'fffffffffff0'")
    with pytest.raises(DatabaseTooNew, match=r"database of Dagster is at revision.*fffffffffff0"):
        schema.prepare(Path(dagster.root_directory))
