"""Remove old results of asset checks. Dagster keeps them when it removes a run."""

from datetime import UTC, datetime

import dagster as dg
from sqlalchemy import delete, select

from pipelines.storage.dagster_storage import AssetCheckExecutionsTable, SqlEventLogStorage

#: Results removed in one transaction. Runs can write their events between two transactions.
_AT_ONCE = 1_000


def forget(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the results of checks that were planned before this time. Return their number. `before` is aware.

    Results are read oldest first, so newer results cost nothing. A check that was planned before this time and is
    executed later gets a new result.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"expected events in an SQL database, not in {type(storage).__name__}")
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
