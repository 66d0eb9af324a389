"""The daily job that removes runs and artefacts older than the retention time."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from exports.artefacts import ArtefactStore
from exports.jobs import housekeeping
from exports.jobs.job_id import job_id_for
from pipelines import tags
from pipelines.automation.run_statuses import ENDED
from pipelines.settings import PipelineSettings
from pipelines.storage import job_index

HOUSEKEEPING_JOB = "housekeeping"

_RUNS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Expired:
    """Counts of what was removed: runs with all their data, and folders without a run."""

    runs: int
    left_over: int


def expire(instance: dg.DagsterInstance, artefacts: ArtefactStore, before: datetime) -> Expired:
    """Remove every ended run that has not changed since `before`, with all its data.

    The run is removed first. From then on the job is unknown, and if a crash leaves files behind, the next call
    removes them. Runs that have not ended stay, however old. `before` is aware.
    """
    old = dg.RunsFilter(statuses=ENDED, updated_before=before.astimezone(UTC))
    runs = 0
    while found := instance.get_runs(old, limit=_RUNS_AT_ONCE):
        for run in found:
            instance.delete_run(run.run_id)
            # Dagster does not remove the outputs of a run's steps with the run.
            if (handed := Path(instance.storage_directory()) / run.run_id).exists():
                shutil.rmtree(handed)
            if tags.ORGANISATION in run.tags:
                housekeeping.remove(job_id_for(run.run_id), artefacts)
        runs += len(found)
    jobs = {job_id_for(run_id) for run_id in instance.get_run_ids()}
    orphans = list(housekeeping.left_over(artefacts, jobs, before))
    for job_id in orphans:
        housekeeping.remove(job_id, artefacts)
    return Expired(runs, len(orphans))


@dg.op(description="Remove runs and artefacts that have not changed for LABELS_RETENTION_DAYS.")
def remove_expired(context: dg.OpExecutionContext, artefacts: dg.ResourceParam[ArtefactStore]) -> None:
    days = PipelineSettings().retention_days
    expired = expire(context.instance, artefacts, datetime.now(UTC) - timedelta(days=days))
    context.log.info("removed %d runs and %d left-over folders", expired.runs, expired.left_over)
    context.add_output_metadata({"runs": expired.runs, "left_over": expired.left_over, "days": days})


@dg.op(
    ins={"after": dg.In(dg.Nothing)},
    description="Compare the index that lists and metrics read with the runs, and correct it.",
)
def repair_job_index(context: dg.OpExecutionContext) -> None:
    wrong = job_index.of(context.instance).repair_index()
    if wrong:
        context.log.warning("%d entries of the index of jobs were wrong", wrong)
    context.add_output_metadata({"wrong": wrong})


@dg.job(
    name=HOUSEKEEPING_JOB,
    executor_def=dg.in_process_executor,
    description="Runs, artefacts, parts and manifests expire together; what was printed stays known.",
)
def housekeeping_job() -> None:
    repair_job_index(remove_expired())


daily_housekeeping = dg.ScheduleDefinition(
    name="daily_housekeeping",
    job=housekeeping_job,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
