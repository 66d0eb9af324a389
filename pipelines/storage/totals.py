"""What all runs together have made, added up by the database: Dagster's own reader unpacks every run."""

import dagster as dg
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from sqlalchemy import BigInteger, cast, func, select

from pipelines.export import tags


def exported_items(instance: dg.DagsterInstance) -> int:
    """Return the entities of the exports that are kept and completed."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return 0
    total = (
        select(func.coalesce(func.sum(cast(RunTagsTable.c.value, BigInteger)), 0))
        .join(RunsTable, RunsTable.c.run_id == RunTagsTable.c.run_id)
        .where(RunTagsTable.c.key == tags.TOTAL_ITEMS)
        .where(RunsTable.c.status == DagsterRunStatus.SUCCESS.value)
    )
    with storage.connect() as connection:
        return connection.execute(total).scalar_one()
