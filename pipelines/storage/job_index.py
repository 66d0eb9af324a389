"""An index of the export jobs in the database of runs, for lists and totals. See decision 0013.

Every entry is derived from a run and its tags (`derived_status`), and is written in the transaction that changes them.
So the index can be dropped and is then rebuilt.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Index,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from exports.jobs.job_id import run_id_for
from exports.ports import JobPosition, JobStatus
from pipelines import tags
from pipelines.storage import job_runs
from pipelines.storage.dagster_storage import RunsTable
from pipelines.storage.job_runs import JobRun
from pipelines.storage.job_status import derived_status
from pipelines.storage.renamed_tags import RenamedTags

#: The status of a job that failed after publishing, until the catalogue has been asked.
UNSETTLED = "unsettled"

_METADATA = MetaData()

_JOBS = Table(
    "export_jobs",
    _METADATA,
    Column("run_id", String(255), primary_key=True),
    Column("organisation", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    # Entities of a completed job. Zero for others.
    Column("entities", BigInteger, nullable=False),
    Column("created", DateTime, nullable=False),
    Index("idx_export_jobs", "organisation", "created", "run_id"),
    Index("idx_export_jobs_by_status", "organisation", "status", "created", "run_id"),
    Index("idx_export_jobs_waiting", "status", "created", "organisation", "run_id"),
)

_COUNTS = Table(
    "export_job_counts",
    _METADATA,
    Column("organisation", String(255), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("jobs", BigInteger, nullable=False),
    Column("entities", BigInteger, nullable=False),
)

#: Insert statements with an `ON CONFLICT` clause.
_UPSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

#: Runs that a repair compares in one transaction.
_RUNS_AT_ONCE = 2_000


class _Entry(NamedTuple):
    """A row of `_JOBS`."""

    run_id: str
    organisation: str
    status: str
    entities: int
    created: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """The number of jobs by status, the entities of completed jobs, and when the oldest pending job was created."""

    jobs: dict[JobStatus, int]
    entities: int
    oldest_pending: datetime | None


class IndexedRuns(RenamedTags):
    """A run storage that maintains the index. A subclass provides the connections."""

    def transaction(self, *run_ids: str) -> AbstractContextManager[Connection]:
        """Begin a transaction that `connect` joins in this thread. Others cannot change these runs until it ends."""
        raise NotImplementedError

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Begin a read-only transaction that `connect` joins in this thread. All its reads see one state."""
        raise NotImplementedError

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        with self.transaction() as connection:
            added = super().add_run(dagster_run)
            _reindex(connection, [dagster_run.run_id])
        return added

    def add_historical_run(self, dagster_run: dg.DagsterRun, run_creation_time: datetime) -> dg.DagsterRun:
        with self.transaction() as connection:
            added = super().add_historical_run(dagster_run, run_creation_time)
            _reindex(connection, [dagster_run.run_id])
        return added

    def handle_run_event(
        self, run_id: str, event: dg.DagsterEvent, update_timestamp: datetime | None = None
    ) -> None:
        with self.transaction(run_id) as connection:
            super().handle_run_event(run_id, event, update_timestamp)
            _reindex(connection, [run_id])

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        with self.transaction(run_id) as connection:
            super().add_run_tags(run_id, new_tags)
            _reindex(connection, [run_id])

    def delete_run(self, run_id: str) -> None:
        with self.transaction(run_id) as connection:
            super().delete_run(run_id)
            _reindex(connection, [run_id])

    def wipe(self) -> None:
        with self.transaction() as connection:
            super().wipe()
            connection.execute(delete(_JOBS))
            connection.execute(delete(_COUNTS))

    def build_index(self) -> None:
        """Create and fill the index if the database has none, for example after an upgrade."""
        with self.connect() as connection:
            if inspect(connection).has_table(_COUNTS.name):
                return
        with self.transaction() as connection:
            # Another process may have built it meanwhile.
            _METADATA.create_all(connection)
            self.repair_index()

    def repair_index(self) -> int:
        """Compare every entry and count with the runs, and correct them. Return the number of wrong entries."""
        wrong = 0
        for first in self._windows():
            window = RunsTable.c.id.between(first, first + _RUNS_AT_ONCE - 1)
            with self.snapshot() as connection:
                suspects = _differing(connection, window)
            wrong += self._rewrite(suspects)
        with self.snapshot() as connection:
            known = select(RunsTable.c.run_id).where(RunsTable.c.run_id == _JOBS.c.run_id).exists()
            orphans = list(connection.scalars(select(_JOBS.c.run_id).where(~known)))
        for start in range(0, len(orphans), _RUNS_AT_ONCE):
            wrong += self._rewrite(orphans[start : start + _RUNS_AT_ONCE])
        with self.transaction() as connection:
            _recount(connection)
        return wrong

    def _windows(self) -> Iterator[int]:
        with self.snapshot() as connection:
            first, last = connection.execute(select(func.min(RunsTable.c.id), func.max(RunsTable.c.id))).one()
        yield from range(first, last + 1, _RUNS_AT_ONCE) if first is not None else ()

    def _rewrite(self, run_ids: Sequence[str]) -> int:
        """Rewrite the entries of these runs. Return their number."""
        if run_ids:
            with self.transaction(*run_ids) as connection:
                _reindex(connection, run_ids)
        return len(run_ids)


def of(instance: dg.DagsterInstance) -> IndexedRuns:
    """Return the instance's run storage. Raises TypeError if it has no index."""
    storage = instance.run_storage
    if not isinstance(storage, IndexedRuns):
        raise TypeError(f"the run storage {type(storage).__name__} has no index of export jobs")
    return storage


def page(
    connection: Connection,
    organisation: str,
    status: JobStatus | None,
    *,
    after: JobPosition | None,
    offset: int,
    limit: int,
) -> list[str]:
    """Return run ids of the organisation's jobs, newest first, from behind the position, without the first `offset`."""
    found = select(_JOBS.c.run_id).where(_JOBS.c.organisation == organisation)
    if status is not None:
        found = found.where(_JOBS.c.status == status.value)
    if after is not None:
        created = after.created_at.astimezone(UTC).replace(tzinfo=None)
        place = tuple_(_JOBS.c.created, _JOBS.c.run_id)
        found = found.where(place < (created, run_id_for(after.job_id)))
    newest_first = found.order_by(_JOBS.c.created.desc(), _JOBS.c.run_id.desc())
    return list(connection.scalars(newest_first.offset(offset).limit(limit)))


def count(connection: Connection, organisation: str, status: JobStatus | None) -> int:
    """Return how many jobs the organisation has."""
    total = select(func.coalesce(func.sum(_COUNTS.c.jobs), 0)).where(_COUNTS.c.organisation == organisation)
    if status is not None:
        total = total.where(_COUNTS.c.status == status.value)
    return int(connection.execute(total).scalar_one())


def totals(connection: Connection) -> Totals:
    """Return the totals over all organisations."""
    counted = select(_COUNTS.c.status, func.sum(_COUNTS.c.jobs), func.sum(_COUNTS.c.entities))
    rows = connection.execute(counted.group_by(_COUNTS.c.status)).all()
    jobs = {status: int(number) for status, number, _ in rows}
    oldest = select(func.min(_JOBS.c.created)).where(_JOBS.c.status == JobStatus.PENDING.value)
    return Totals(
        {status: jobs.get(status.value, 0) for status in JobStatus},
        sum(int(entities) for _, _, entities in rows),
        connection.execute(oldest).scalar_one(),
    )


def unsettled(connection: Connection, organisation: str | None) -> list[str]:
    """Return the run ids of the jobs whose status only the catalogue knows, of one organisation or of all."""
    found = select(_JOBS.c.run_id).where(_JOBS.c.status == UNSETTLED)
    if organisation is not None:
        found = found.where(_JOBS.c.organisation == organisation)
    return list(connection.scalars(found))


def _reindex(connection: Connection, run_ids: Sequence[str]) -> None:
    """Rewrite the runs' entries and update the counts. Call it in the transaction that changed the runs."""
    old = _stored(connection, _JOBS.c.run_id.in_(run_ids))
    new = _derived(connection, RunsTable.c.run_id.in_(run_ids))
    gone = [entry for run_id, entry in old.items() if new.get(run_id) != entry]
    come = [entry for run_id, entry in new.items() if old.get(run_id) != entry]
    if gone:
        connection.execute(delete(_JOBS).where(_JOBS.c.run_id.in_([entry.run_id for entry in gone])))
    if come:
        connection.execute(insert(_JOBS), [entry._asdict() for entry in come])
    jobs: Counter[tuple[str, str]] = Counter()
    entities: Counter[tuple[str, str]] = Counter()
    for entries, sign in ((gone, -1), (come, 1)):
        for entry in entries:
            jobs[entry.organisation, entry.status] += sign
            entities[entry.organisation, entry.status] += sign * entry.entities
    # All transactions use the same order, so that they cannot deadlock.
    for organisation, status in sorted(jobs):
        key = organisation, status
        _add(connection, organisation, status, jobs[key], entities[key])


def _add(connection: Connection, organisation: str, status: str, jobs: int, entities: int) -> None:
    values = {"organisation": organisation, "status": status, "jobs": jobs, "entities": entities}
    statement = _UPSERT[connection.dialect.name](_COUNTS).values(values)
    change = {"jobs": _COUNTS.c.jobs + jobs, "entities": _COUNTS.c.entities + entities}
    keys = [column.name for column in _COUNTS.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=change))


def _recount(connection: Connection) -> None:
    """Recount the entries, while no other transaction can change a count."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {_COUNTS.name} IN EXCLUSIVE MODE")
    groups = _JOBS.c.organisation, _JOBS.c.status
    counted = select(*groups, func.count(), func.sum(_JOBS.c.entities)).group_by(*groups)
    connection.execute(delete(_COUNTS))
    connection.execute(insert(_COUNTS).from_select(_COUNTS.c.keys(), counted))


def _differing(connection: Connection, runs: ColumnElement[bool]) -> list[str]:
    derived = _derived(connection, runs)
    stored = _stored(connection, _JOBS.c.run_id.in_(select(RunsTable.c.run_id).where(runs)))
    return [run_id for run_id in derived.keys() | stored.keys() if derived.get(run_id) != stored.get(run_id)]


def _stored(connection: Connection, jobs: ColumnElement[bool]) -> dict[str, _Entry]:
    return {row.run_id: _Entry(*row) for row in connection.execute(select(_JOBS).where(jobs))}


def _derived(connection: Connection, runs: ColumnElement[bool]) -> dict[str, _Entry]:
    """Return the entries derived from the runs and their tags, by run id. Only exports have one."""
    return {
        run.run_id: _entry(run)
        for run in job_runs.read(connection, runs).values()
        if tags.ORGANISATION in run.tags
    }


def _entry(run: JobRun) -> _Entry:
    known = derived_status(run.status, run.tags)
    entities = int(run.tags.get(tags.TOTAL_ITEMS, 0)) if known is JobStatus.COMPLETED else 0
    created = run.created_at.replace(tzinfo=None)
    return _Entry(run.run_id, run.tags[tags.ORGANISATION], known or UNSETTLED, entities, created)
