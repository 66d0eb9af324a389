"""The sensor that turns the ticks of standing plans into export jobs, each tick into one job at most.

The job's id follows from plan and tick, so the database refuses a second one, and a tick is recorded as dealt with
only after its job is queued: a crash in between repeats the evaluation, not the export.
"""

from datetime import UTC, datetime
from typing import Protocol

import dagster as dg
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.storage.tags import SENSOR_NAME_TAG
from dagster._utils.schedules import get_latest_completed_cron_tick

from accounts.plans import Plan
from accounts.store import Accounts
from catalogue import selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import plan as export_plans
from exports.jobs.job_id import run_id_for
from exports.jobs.plan import ExportPlan
from exports.schedules import due_tick, export_of
from exports.symbols.links import require_links_possible
from gs1.errors import LabelError
from pipelines.settings import PipelineSettings
from renderers.engine import Engine

SENSOR = "standing_plans"

#: The run tag with the id of the plan whose tick it is.
PLAN_TAG = "labels/plan"

_INTERVAL_SECONDS = 30


class RunsPort(Protocol):
    """What this needs of `pipelines.runs.Runs`, which itself needs the definitions."""

    def create(self, export: ExportPlan, *, parallel: bool = False) -> bool: ...
    def queue(self, run: dg.DagsterRun) -> None: ...


def launch_due(
    instance: dg.DagsterInstance,
    runs: RunsPort,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    *,
    engine: Engine,
    parallel_from: int,
    now: datetime,
) -> list[str]:
    """Queue a job for every plan with a tick due, and return what became of each such tick, in words.

    From `parallel_from` entities on a job's run has processes of its own.

    Where a plan selects nothing the tick passes without a job. A plan that fails stops no other: a deliberate
    refusal is told, anything else is raised in a group at the end; either tick stays due.
    """
    told: list[str] = []
    failures: list[Exception] = []
    for plan in accounts.plans.active():
        try:
            tick = due_tick(plan, now, _latest_tick)
            if tick is None:
                continue
            export = export_of(plan, tick, accounts.organisation(plan.organisation), engine)
            require_links_possible(export)
            count = selection.count(catalogue, export.selection, limit=parallel_from)
            started = _launch(plan, export, count, instance, runs, artefacts, parallel=count >= parallel_from)
            accounts.plans.record_tick(plan.id, tick)
            outcome = f"job {export.job_id}" if started else "skipped, as nothing matches"
            told.append(f"{_named(plan)} at {tick.isoformat()}: {outcome}")
        except LabelError as error:
            told.append(f"{_named(plan)}: refused, {error}")
        except Exception as error:  # noqa: BLE001 - raised below, when the other plans have had their turn
            error.add_note(f"in {_named(plan)}")
            failures.append(error)
    if failures:
        raise ExceptionGroup("standing plans failed", failures)
    return told


def _launch(
    plan: Plan,
    export: ExportPlan,
    count: int,
    instance: dg.DagsterInstance,
    runs: RunsPort,
    artefacts: ArtefactStore,
    *,
    parallel: bool,
) -> bool:
    """Return whether the tick has its job, queued now or before; False where it would be an empty one."""
    run_id = run_id_for(export.job_id)
    if instance.get_run_by_id(run_id) is None:
        if count == 0:
            return False
        export_plans.save(export, artefacts)
        runs.create(export, parallel=parallel)
    # With the sensor's name Dagster's UI lists the run among the sensor's.
    instance.add_run_tags(run_id, {SENSOR_NAME_TAG: SENSOR, PLAN_TAG: str(plan.id)})
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status is dg.DagsterRunStatus.NOT_STARTED:
        runs.queue(run)
    return True


def _named(plan: Plan) -> str:
    return f"plan {plan.id} of {plan.organisation} ({plan.name})"


def _latest_tick(cron: str, time_zone: str, now: datetime) -> datetime:
    return get_latest_completed_cron_tick(cron, now, time_zone)


@dg.sensor(
    name=SENSOR,
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the exports of standing plans (labels plans list); an empty one is skipped.",
)
def standing_plans(
    context: dg.SensorEvaluationContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SkipReason:
    from pipelines.execution.runs import PARALLEL_FROM, Runs  # noqa: PLC0415 - it imports the definitions, which import this

    told = launch_due(
        context.instance,
        Runs(context.instance, _socket(context)),
        catalogue,
        artefacts,
        accounts,
        engine=PipelineSettings().engine,
        parallel_from=PARALLEL_FROM,
        now=datetime.now(UTC),
    )
    for line in told:
        context.log.info(line)
    return dg.SkipReason("; ".join(told) or "no tick is due")


def _socket(context: dg.SensorEvaluationContext) -> str:
    origin = context.code_location_origin
    if not isinstance(origin, GrpcServerCodeLocationOrigin) or origin.socket is None:
        msg = f"the code is not served at a Unix socket: {origin}"
        raise TypeError(msg)
    return origin.socket
