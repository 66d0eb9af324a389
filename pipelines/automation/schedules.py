"""The sensor that starts export jobs for due ticks of schedules, at most one job for each tick.

The job's id is derived from schedule and tick, so the database refuses a second one. A tick is recorded as done after
its job is queued, so a crash in between repeats the evaluation but not the export.
"""

from datetime import UTC, datetime

import dagster as dg

from accounts.schedules import Schedule
from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.admission import size_of_allowed
from exports.artefacts import ArtefactStore
from exports.errors import InvalidRequest, TooManyOpenJobs
from exports.jobs import plan as export_plans
from exports.jobs.job_id import run_id_for
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.printers.trays import Trays
from exports.schedules import Cron, due_tick, export_of
from gs1.errors import LabelError
from pipelines import tags
from pipelines.execution.dagster_cron import (
    get_latest_completed_cron_tick,
    get_next_cron_tick,
    is_valid_cron_schedule,
)
from pipelines.execution.dagster_runs import SENSOR_NAME_TAG, RemoteRepositoryOrigin
from pipelines.execution.runs import Runs, parallel_from
from pipelines.export.progress import ProgressReader
from pipelines.settings import PipelineSettings
from pipelines.storage.totals import require_room
from pipelines.submission.open_jobs import require_few_open
from pipelines.submission.submissions import Submissions
from renderers.engine import Engine

SENSOR = "export_schedules"

_INTERVAL_SECONDS = 30


def launch_due(
    instance: dg.DagsterInstance,
    runs: Runs,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    *,
    engine: Engine,
    limits: Limits,
    parallel_from: int,
    now: datetime,
) -> list[str]:
    """Queue a job for every schedule with a due tick. Return one line of text for each of these ticks.

    A tick is recorded as done without a job if its schedule selects nothing or if its organisation has too many open
    jobs. From `parallel_from` entities on, each step of the run has its own process. A schedule that fails does not
    stop the others, and its tick stays due, also while another job has the tray of its printer. A LabelError becomes the
    tick's line; other errors are raised together at the end as an ExceptionGroup.
    """
    progress = ProgressReader(instance)
    trays = Submissions(instance, catalogue, artefacts, accounts, limits, engine, progress).trays
    told: list[str] = []
    failures: list[Exception] = []
    for schedule in accounts.schedules.active():
        try:
            tick = due_tick(schedule, now, _latest_tick)
            if tick is None:
                continue
            organisation = accounts.organisation(schedule.organisation)
            export = export_of(schedule, tick, organisation, engine, accounts.designs, trays)
            count = size_of_allowed(export, catalogue, artefacts, limits).entities
            if count:
                require_room(instance, export.organisation, limits)
            try:
                started = _launch(
                    schedule,
                    export,
                    count,
                    instance,
                    runs,
                    artefacts,
                    trays,
                    parallel=count >= parallel_from,
                    limits=limits,
                )
                outcome = f"job {export.job_id}" if started else "skipped because nothing matches"
            except TooManyOpenJobs as error:
                outcome = f"skipped. {error}"
            accounts.schedules.record_tick(schedule.id, tick)
            told.append(f"{_named(schedule)} at {tick.isoformat()}: {outcome}")
        except LabelError as error:
            told.append(f"{_named(schedule)}: refused, {_reason(error)}")
        except Exception as error:  # noqa: BLE001 - raised below, after the other schedules
            error.add_note(f"in {_named(schedule)}")
            failures.append(error)
    if failures:
        raise ExceptionGroup("schedules failed", failures)
    return told


def _launch(
    schedule: Schedule,
    export: ExportPlan,
    count: int,
    instance: dg.DagsterInstance,
    runs: Runs,
    artefacts: ArtefactStore,
    trays: Trays,
    *,
    parallel: bool,
    limits: Limits,
) -> bool:
    """Queue the tick's job unless it is already queued. Return False if the job would be empty.

    Raises TooManyOpenJobs, TrayTaken, TrayChanged.
    """
    run_id = run_id_for(export.job_id)
    if instance.get_run_by_id(run_id) is None:
        if count == 0:
            return False
        require_few_open(instance, export.organisation, limits.max_open_jobs)
        # An evaluation that was killed may have stored the plan.
        export = export_plans.find(export.job_id, artefacts) or export
        trays.take(export)
        export_plans.save(export, artefacts)
        runs.create(export, parallel=parallel)
    # Dagster's UI lists a run with the sensor's name among the sensor's runs.
    instance.add_run_tags(run_id, {SENSOR_NAME_TAG: SENSOR, tags.SCHEDULE: str(schedule.id)})
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status is dg.DagsterRunStatus.NOT_STARTED:
        trays.hold(export_plans.load(export.job_id, artefacts))
        runs.queue(run)
    return True


def _reason(error: LabelError) -> str:
    if isinstance(error, InvalidRequest):
        return "; ".join(detail["msg"] for detail in error.details)
    return str(error)


def _named(schedule: Schedule) -> str:
    return f"schedule {schedule.id} of {schedule.organisation} ({schedule.name})"


def _next_tick(cron: str, time_zone: str, now: datetime) -> datetime:
    return get_next_cron_tick(cron, now, time_zone)


CRON = Cron(is_valid_cron_schedule, _next_tick)


def _latest_tick(cron: str, time_zone: str, now: datetime) -> datetime:
    return get_latest_completed_cron_tick(cron, now, time_zone)


@dg.sensor(
    name=SENSOR,
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the exports that are due (see labels schedules list). One that selects nothing is skipped.",
)
def export_schedules(
    context: dg.SensorEvaluationContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SkipReason:
    settings = PipelineSettings()
    told = launch_due(
        context.instance,
        _runs(context),
        catalogue,
        artefacts,
        accounts,
        engine=settings.engine,
        limits=settings.limits,
        parallel_from=parallel_from(),
        now=datetime.now(UTC),
    )
    for line in told:
        context.log.info(line)
    return dg.SkipReason("; ".join(told) or "no tick is due")


def _runs(context: dg.SensorEvaluationContext) -> Runs:
    """Return the `Runs` for the code that evaluates this sensor."""
    repository, location = context.repository_def, context.code_location_origin
    if repository is None or location is None:
        msg = "the sensor is evaluated outside a code server"
        raise TypeError(msg)
    return Runs(context.instance, repository, RemoteRepositoryOrigin(location, repository.name))
