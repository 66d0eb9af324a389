"""Totals over runs, computed in SQL. Dagster's own functions would unpack every run or read every tag."""

from collections.abc import Sequence

import dagster as dg
from sqlalchemy import BigInteger, cast, func, select

from exports.limits import Limits
from pipelines import tags
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable, SqlRunStorage


def stored_bytes(instance: dg.DagsterInstance, organisation: str) -> int:
    """Return the total size in bytes of the stored artefacts of the organisation's completed exports."""
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
    """Raise StorageIsFull if the organisation's artefacts fill its storage limit."""
    if limits.max_storage_bytes is not None:
        limits.require_room(stored_bytes(instance, organisation))


def runs_of_partition(
    instance: dg.DagsterInstance, partition: str, statuses: Sequence[dg.DagsterRunStatus], most: int
) -> int:
    """Count the partition's runs of these statuses, up to `most`. It reads only runs of these statuses.

    A filter by tag would read every run of the partition, which takes 0.2 s for 100,000 runs.
    """
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise TypeError(f"expected runs in an SQL database, not in {type(storage).__name__}")
    found = (
        select(RunsTable.c.run_id)
        .where(RunsTable.c.status.in_([status.value for status in statuses]))
        .where(RunsTable.c.partition == partition)
        .limit(most)
    )
    with storage.connect() as connection:
        return len(connection.execute(found).all())
