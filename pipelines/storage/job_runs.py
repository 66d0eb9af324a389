"""The columns and tags of a run from which its job's state follows, without the body that Dagster would unpack."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from sqlalchemy import ColumnElement, Connection, select

from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable


class JobRun(NamedTuple):
    """A run as the database has it. Times are aware."""

    run_id: str
    status: dg.DagsterRunStatus
    tags: dict[str, str]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def read(connection: Connection, wanted: ColumnElement[bool]) -> dict[str, JobRun]:
    """Return the wanted runs by id, in two statements, which must see one state: call it in a transaction.

    `wanted` is a condition on `RunsTable`.
    """
    runs = RunsTable.c
    columns = select(runs.run_id, runs.status, runs.create_timestamp, runs.start_time, runs.end_time)
    rows = connection.execute(columns.where(wanted)).all()
    tags_of: dict[str, dict[str, str]] = {row.run_id: {} for row in rows}
    tagged = select(RunTagsTable.c.run_id, RunTagsTable.c.key, RunTagsTable.c.value)
    for run_id, key, value in connection.execute(tagged.join(RunsTable).where(wanted)).all():
        tags_of[run_id][key] = value
    return {
        run_id: JobRun(
            run_id,
            dg.DagsterRunStatus(status),
            tags.of_this_release(tags_of[run_id]),
            created.replace(tzinfo=UTC),
            _time(started),
            _time(ended),
        )
        for run_id, status, created, started, ended in rows
    }


def find(connection: Connection, run_id: str) -> JobRun | None:
    """Return the run, or None if there is none."""
    return read(connection, RunsTable.c.run_id == run_id).get(run_id)


def of_ids(connection: Connection, run_ids: Sequence[str]) -> list[JobRun]:
    """Return the runs in the order of their ids, without those that have been removed."""
    found = read(connection, RunsTable.c.run_id.in_(run_ids))
    return [found[run_id] for run_id in run_ids if run_id in found]


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
