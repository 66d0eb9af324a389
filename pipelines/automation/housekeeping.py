"""The daily job that removes data older than the retention time, and data that killed processes left."""

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import Logger
from pathlib import Path

import dagster as dg

from accounts.store import Accounts
from catalogue import scratch
from exports.artefacts import ArtefactStore
from exports.imports import upload as imported
from exports.jobs import housekeeping
from exports.jobs.job_id import job_id_for
from pipelines import tags
from pipelines.execution import liveness
from pipelines.settings import PipelineSettings
from pipelines.storage import check_results, job_index, sqlite_space, step_outputs
from pipelines.storage.run_statuses import ENDED

HOUSEKEEPING_JOB = "housekeeping"

_RUNS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Expired:
    """Numbers of removed runs (with all their data) and of removed folders without a run."""

    runs: int
    left_over: int


def expire(instance: dg.DagsterInstance, artefacts: ArtefactStore, before: datetime) -> Expired:
    """Remove every ended run that has not changed since `before`, with all its data. `before` is aware.

    The run is removed first. From then on the job is unknown. If a crash leaves files, the next call removes them.
    Unfinished runs stay, however old.
    """
    old = dg.RunsFilter(statuses=ENDED, updated_before=before.astimezone(UTC))
    runs = 0
    while found := instance.get_runs(old, limit=_RUNS_AT_ONCE):
        for run in found:
            instance.delete_run(run.run_id)
            # Dagster does not remove the outputs of a run's steps with the run.
            artefacts.delete_folder(step_outputs.folder_of(run.run_id))
            # The place where earlier releases stored them.
            if (handed := Path(instance.storage_directory()) / run.run_id).exists():
                shutil.rmtree(handed)
            if tags.ORGANISATION in run.tags:
                housekeeping.remove(job_id_for(run.run_id), artefacts)
            if tags.IMPORT_OF in run.tags:
                artefacts.delete_folder(imported.folder_of(job_id_for(run.run_id)))
        runs += len(found)
    run_ids = set(instance.get_run_ids())
    jobs = {job_id_for(run_id) for run_id in run_ids}
    orphans = list(housekeeping.left_over(artefacts, jobs, before))
    for job_id in orphans:
        housekeeping.remove(job_id, artefacts)
    uploads = list(housekeeping.left_over(artefacts, jobs, before, imported.folder_of))
    for job_id in uploads:
        artefacts.delete_folder(imported.folder_of(job_id))
    handed_on = list(housekeeping.left_over(artefacts, run_ids, before, step_outputs.folder_of))
    for run_id in handed_on:
        artefacts.delete_folder(step_outputs.folder_of(run_id))
    return Expired(runs, len(orphans) + len(uploads) + len(handed_on))


def shrink(instance: dg.DagsterInstance, accounts: Accounts, log: Logger) -> int:
    """Shrink our SQLite databases. Return the bytes freed. A locked database is shrunk the next day."""
    files = sorted(Path(instance.root_directory).rglob("*.db"))
    if accounts.sqlite_file is not None:
        files.append(accounts.sqlite_file)
    given_back = 0
    for file in files:
        try:
            given_back += sqlite_space.give_back(file)
        except sqlite3.OperationalError as error:
            log.warning("%s has not shrunk: %s", file.name, error)
    return given_back


def remove(
    instance: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    before: datetime,
    log: Logger,
) -> dict[str, int]:
    """Remove data that has not changed since `before`, and free its disk space. Return the counts by kind."""
    expired = expire(instance, artefacts, before)
    return {
        "runs": expired.runs,
        "left_over": expired.left_over,
        "uploads_given_up": artefacts.abort_uploads(before),
        "check_results": check_results.forget(instance, before),
        # After the runs, because a stored delivery prevents a second message about the same run.
        "deliveries": accounts.deliveries.forget(before),
        "expired_rows": accounts.forget_expired(before),
        "expired_leases": liveness.forget_dead(accounts),
        "abandoned_folders": scratch.remove_abandoned(),
        "bytes_given_back": shrink(instance, accounts, log),
    }


@dg.op(description="Remove data that has not changed for LABELS_RETENTION_DAYS, and free its disk space.")
def remove_expired(
    context: dg.OpExecutionContext,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> None:
    days = PipelineSettings().retention_days
    before = datetime.now(UTC) - timedelta(days=days)
    removed = remove(context.instance, artefacts, accounts, before, context.log)
    context.log.info("removed %s", removed)
    context.add_output_metadata({**removed, "days": days})


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
    tags={tags.KIND: tags.UPKEEP},
    executor_def=dg.in_process_executor,
    description="Removes runs, artefacts and manifests older than LABELS_RETENTION_DAYS. The print history stays.",
)
def housekeeping_job() -> None:
    repair_job_index(remove_expired())


daily_housekeeping = dg.ScheduleDefinition(
    name="daily_housekeeping",
    description="Starts the housekeeping every night, when few exports run.",
    job=housekeeping_job,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
