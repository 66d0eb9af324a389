"""Totals over all kept runs, added up in SQL: Dagster's own reader would unpack every run."""

import dagster as dg
from sqlalchemy import BigInteger, cast, func, select

from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable, SqlRunStorage


def exported_items(instance: dg.DagsterInstance) -> int:
    """Return the entities of the exports that are kept and completed."""
    return _sum(instance, tags.TOTAL_ITEMS)


def stored_bytes(instance: dg.DagsterInstance, organisation: str) -> int:
    """Return the size of the artefacts of the organisation's exports that are kept and completed."""
    return _sum(instance, tags.STORED_BYTES, organisation)


def _sum(instance: dg.DagsterInstance, tag: str, organisation: str | None = None) -> int:
    """Return the sum of the tag's values over all completed runs, of one organisation if given."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return 0
    total = (
        select(func.coalesce(func.sum(cast(RunTagsTable.c.value, BigInteger)), 0))
        .join(RunsTable, RunsTable.c.run_id == RunTagsTable.c.run_id)
        .where(RunTagsTable.c.key == tag)
        .where(RunsTable.c.status == dg.DagsterRunStatus.SUCCESS.value)
    )
    if organisation is not None:
        owner = RunTagsTable.alias()
        total = total.join(owner, owner.c.run_id == RunTagsTable.c.run_id).where(
            owner.c.key == tags.ORGANISATION, owner.c.value == organisation
        )
    with storage.connect() as connection:
        return connection.execute(total).scalar_one()
