"""Totals over all kept runs, added up in SQL: Dagster's own reader would unpack every run."""

import dagster as dg
from sqlalchemy import BigInteger, cast, func, select

from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable, SqlRunStorage


def exported_items(instance: dg.DagsterInstance) -> int:
    """Return the entities of the exports that are kept and completed."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return 0
    total = (
        select(func.coalesce(func.sum(cast(RunTagsTable.c.value, BigInteger)), 0))
        .join(RunsTable, RunsTable.c.run_id == RunTagsTable.c.run_id)
        .where(RunTagsTable.c.key == tags.TOTAL_ITEMS)
        .where(RunsTable.c.status == dg.DagsterRunStatus.SUCCESS.value)
    )
    with storage.connect() as connection:
        return connection.execute(total).scalar_one()
