"""The columns and tags of a run that determine its job's state, without the body that Dagster would unpack."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg
from sqlalchemy import ColumnElement, Connection, select

from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable


class JobRun(NamedTuple):
    """A run as stored in the database. Times are aware."""

    run_id: str
    status: dg.DagsterRunStatus
    tags: dict[str, str]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


#: The fields of a `JobRun` without its tags.
_COLUMNS = select(
    RunsTable.c.run_id,
    RunsTable.c.status,
    RunsTable.c.create_timestamp,
    RunsTable.c.start_time,
    RunsTable.c.end_time,
)
_TAG = RunTagsTable.c.key, RunTagsTable.c.value


def read(connection: Connection, wanted: ColumnElement[bool]) -> dict[str, JobRun]:
    """Return the wanted runs by id. Call it in a transaction, because its two statements must see one state.

    `wanted` is a condition on `RunsTable`.
    """
    rows = connection.execute(_COLUMNS.where(wanted)).all()
    tags_of: dict[str, dict[str, str]] = {row.run_id: {} for row in rows}
    tagged = select(RunTagsTable.c.run_id, *_TAG)
    for run_id, key, value in connection.execute(tagged.join(RunsTable).where(wanted)).all():
        tags_of[run_id][key] = value
    return {row.run_id: _run(row, tags_of[row.run_id]) for row in rows}


def find(connection: Connection, run_id: str) -> JobRun | None:
    """Return the run, or None. It is one statement, so it needs no transaction."""
    tagged = _COLUMNS.add_columns(*_TAG).outerjoin(RunTagsTable).where(RunsTable.c.run_id == run_id)
    rows = connection.execute(tagged).all()
    return _run(rows[0], {row.key: row.value for row in rows if row.key is not None}) if rows else None


def of_ids(connection: Connection, run_ids: Sequence[str]) -> list[JobRun]:
    """Return the runs in the order of the ids given. Removed runs are left out."""
    found = read(connection, RunsTable.c.run_id.in_(run_ids))
    return [found[run_id] for run_id in run_ids if run_id in found]


def _run(row: Any, run_tags: dict[str, str]) -> JobRun:
    return JobRun(
        row.run_id,
        dg.DagsterRunStatus(row.status),
        tags.of_this_release(run_tags),
        row.create_timestamp.replace(tzinfo=UTC),
        _time(row.start_time),
        _time(row.end_time),
    )


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
