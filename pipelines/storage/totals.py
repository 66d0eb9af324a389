"""Totals over runs, added up in SQL: Dagster's own readers would unpack every run, or look at every tag."""

from collections.abc import Sequence

import dagster as dg
from sqlalchemy import BigInteger, cast, func, select

from exports.limits import Limits
from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable, SqlRunStorage


def stored_bytes(instance: dg.DagsterInstance, organisation: str) -> int:
    """Return the size of the artefacts of the organisation's exports that are kept and completed."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return 0
    owner = RunTagsTable.alias()
    total = (
        select(func.coalesce(func.sum(cast(RunTagsTable.c.value, BigInteger)), 0))
        .join(RunsTable, RunsTable.c.run_id == RunTagsTable.c.run_id)
        .join(owner, owner.c.run_id == RunTagsTable.c.run_id)
        .where(RunTagsTable.c.key.in_(tags.names_of(tags.STORED_BYTES)))
        .where(RunsTable.c.status == dg.DagsterRunStatus.SUCCESS.value)
        .where(owner.c.key == tags.ORGANISATION, owner.c.value == organisation)
    )
    with storage.connect() as connection:
        return connection.execute(total).scalar_one()


def require_room(instance: dg.DagsterInstance, organisation: str, limits: Limits) -> None:
    """Raise StorageIsFull if the organisation's artefacts take all the storage that it may have."""
    if limits.max_storage_bytes is not None:
        limits.require_room(stored_bytes(instance, organisation))


def runs_of_partition(
    instance: dg.DagsterInstance, partition: str, statuses: Sequence[dg.DagsterRunStatus], most: int
) -> int:
    """Count the partition's runs of these statuses, up to `most`. This reads no other run but those of these statuses.

    A filter by tag would look at every run of the partition, which takes 0.2 s among 100,000.
    """
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise TypeError(f"the runs are in no SQL database but in {type(storage).__name__}")
    found = (
        select(RunsTable.c.run_id)
        .where(RunsTable.c.status.in_([status.value for status in statuses]))
        .where(RunsTable.c.partition == partition)
        .limit(most)
    )
    with storage.connect() as connection:
        return len(connection.execute(found).all())
