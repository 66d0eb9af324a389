"""Create Dagster's tables, and migrate those of an earlier release of Dagster, in one process at a time."""

import fcntl
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import dagster as dg
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from accounts.errors import DatabaseTooNew
from pipelines.settings import DagsterSettings
from pipelines.storage import job_index
from pipelines.storage.dagster_storage import SqlEventLogStorage, SqlScheduleStorage


def prepare(dagster_home: Path) -> None:
    """Create or migrate the tables of the instance. Raises DatabaseTooNew if a newer Dagster has migrated them.

    Dagster's migrations only add tables, columns and indexes, so processes of the earlier release keep working.
    """
    with (
        _lock_of_home(dagster_home),
        dg.DagsterInstance.from_config(str(dagster_home)) as instance,
        _lock_of_server(),
    ):
        stored, head = _revisions(instance)
        if stored == {head}:
            return
        try:
            instance.upgrade()
        except CommandError as error:
            raise DatabaseTooNew(", ".join(sorted(map(str, stored))), head, database="Dagster") from error


def head() -> str:
    """Return the revision of the tables that this release of Dagster expects, without opening a database."""
    config = Config()
    config.set_main_option("script_location", str(Path(dg.__file__).parent / "_core/storage/alembic"))
    config.set_main_option("path_separator", "os")
    return str(ScriptDirectory.from_config(config).get_current_head())


def _revisions(instance: dg.DagsterInstance) -> tuple[set[str | None], str]:
    """Return the revisions of the tables in each storage, and the one that this release of Dagster expects."""
    runs, events, schedules = job_index.of(instance), instance.event_log_storage, instance.schedule_storage
    assert isinstance(events, SqlEventLogStorage)  # noqa: S101 - dagster.yaml is ours
    assert isinstance(schedules, SqlScheduleStorage)  # noqa: S101
    version = runs.alembic_version()
    assert version is not None  # noqa: S101 - of a SQL storage
    with runs.connect() as first, events.index_connection() as second, schedules.connect() as third:
        stored = {MigrationContext.configure(each).get_current_revision() for each in (first, second, third)}
    return stored, str(version[1])


@contextmanager
def _lock_of_home(dagster_home: Path) -> Generator[None]:
    """Lock out other processes of this home. Two processes that create a SQLite database at once corrupt it."""
    with (dagster_home / "schema.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_of_server() -> AbstractContextManager[None]:
    """Return a lock that prevents other machines from changing the tables."""
    if not DagsterSettings().dagster_url.get_secret_value():
        return nullcontext()
    from pipelines.storage.databases.postgres import schema_lock  # noqa: PLC0415 - the driver is optional

    return schema_lock(DagsterSettings().dagster_url.get_secret_value())
