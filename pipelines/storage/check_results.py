"""The results of asset checks. Dagster removes a run without them, so they are removed by age."""

from datetime import UTC, datetime

import dagster as dg
from sqlalchemy import delete, select

from pipelines.storage.dagster_storage import AssetCheckExecutionsTable, SqlEventLogStorage

#: Results removed in one transaction, between which runs get to write their events.
_AT_ONCE = 1_000


def forget(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the results of checks that were planned before this time. Return their number. `before` is aware.

    They are read from the oldest on, so what is kept costs nothing. A check that was planned so long ago and is
    executed later gets a new result.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the events are in no SQL database but in {type(storage).__name__}")
    results = AssetCheckExecutionsTable.c
    until = before.astimezone(UTC).replace(tzinfo=None)
    oldest = select(results.id, results.create_timestamp).order_by(results.id).limit(_AT_ONCE)
    removed = 0
    while True:
        with storage.index_connection() as connection:
            expired = [number for number, created in connection.execute(oldest) if created < until]
            connection.execute(delete(AssetCheckExecutionsTable).where(results.id.in_(expired)))
        removed += len(expired)
        if len(expired) < _AT_ONCE:
            return removed
