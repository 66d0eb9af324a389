"""The job that merges the catalogue's small data files and removes unneeded ones, daily or more often."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg

from accounts.store import Accounts
from catalogue import maintenance
from catalogue.maintenance import LEAST_RETENTION, Lock
from catalogue.tables import Catalogue
from pipelines import tags
from pipelines.storage.run_statuses import UNFINISHED

CATALOGUE_MAINTENANCE_JOB = "catalogue_maintenance"

# Longer than merging one organisation's small files takes. A dead worker's lease delays the next merge this long.
_LEASE_SECONDS = 900.0

_LOOK_SECONDS = 60


def lease(accounts: Accounts, holder: str) -> Lock:
    """Return a lock that is a lease in the accounts database, which all machines share."""

    @contextmanager
    def held(name: str) -> Generator[bool]:
        taken = accounts.acquire_lease(name, holder, _LEASE_SECONDS)
        try:
            yield taken
        finally:
            if taken:
                accounts.release_lease(name, holder)

    return held


def retention(instance: dg.DagsterInstance, now: datetime) -> timedelta:
    """Return how long data files are kept: a day longer than the age of the oldest unfinished run.

    At least LEAST_RETENTION. `now` is aware.
    """
    return max(LEAST_RETENTION, oldest_reader(instance, now) + timedelta(days=1))


def oldest_reader(instance: dg.DagsterInstance, now: datetime) -> timedelta:
    """Return the age of the oldest unfinished run. It reads no catalogue version older than itself. `now` is aware."""
    unfinished = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1, ascending=True)
    ages = [now - record.create_timestamp.replace(tzinfo=UTC) for record in unfinished]
    return max([timedelta(0), *ages])


@dg.op(description="Merge small data files, then remove files and commits that no reader needs.")
def maintain_catalogue(
    context: dg.OpExecutionContext,
    catalogue: dg.ResourceParam[Catalogue],
    accounts: dg.ResourceParam[Accounts],
) -> None:
    compacted = [asdict(done) for done in maintenance.compact(catalogue, lease(accounts, context.run_id))]
    now = datetime.now(UTC)
    tidied = maintenance.tidy_logs(catalogue, oldest_reader(context.instance, now))
    kept = retention(context.instance, now)
    removed = maintenance.vacuum(catalogue, kept)
    context.log.info("merged small files of %d tables, removed %s", len(compacted), removed)
    context.add_output_metadata(
        {
            "compacted": dg.MetadataValue.json(compacted),
            "removed_files": dg.MetadataValue.json(removed),
            "logs_shortened": tidied,
            "retention_days": kept / timedelta(days=1),
        }
    )


@dg.job(
    name=CATALOGUE_MAINTENANCE_JOB,
    tags={tags.KIND: tags.UPKEEP},
    executor_def=dg.in_process_executor,
    description="Merges small data files of the catalogue and removes those that no reader needs. It never removes an entity.",
)
def catalogue_maintenance_job() -> None:
    maintain_catalogue()


@dg.sensor(
    name="small_files",
    job_name=CATALOGUE_MAINTENANCE_JOB,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the upkeep as soon as an organisation has many small files, one upkeep at a time.",
)
def small_files_sensor(
    context: dg.SensorEvaluationContext, catalogue: dg.ResourceParam[Catalogue]
) -> dg.RunRequest | dg.SkipReason:
    running = dg.RunsFilter(job_name=CATALOGUE_MAINTENANCE_JOB, statuses=UNFINISHED)
    if context.instance.get_run_ids(running, limit=1):
        return dg.SkipReason("another upkeep has not ended")
    crowded = [
        name for _, names in maintenance.small_files(catalogue, maintenance.MANY_FILES) for name in names
    ]
    if not crowded:
        return dg.SkipReason(f"nobody has {maintenance.MANY_FILES} small files")
    return dg.RunRequest()


daily_catalogue_maintenance = dg.ScheduleDefinition(
    name="daily_catalogue_maintenance",
    description="Starts the upkeep of the catalogue every night, before the housekeeping.",
    job=catalogue_maintenance_job,
    cron_schedule="47 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
