"""Give up a run whose processes die or stall again and again, with a reason for the client."""

import logging

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ExportError, WorkerDied
from exports.jobs.job_id import job_id_for
from pipelines import reasons, tags
from pipelines.export import steps

#: A step starts so many times in a job, and a run is resumed so many times, restarts of the service aside.
STARTS_AT_MOST = RESUMES_AT_MOST = 5

_LOG = logging.getLogger(__name__)


def at_work(instance: dg.DagsterInstance, run_id: str) -> dict[str, int]:
    """Return the steps that have begun and not ended, and how many times each has begun."""
    return {
        step.step_key: step.attempts or 0
        for step in instance.get_run_step_stats(run_id)
        if step.start_time is not None and step.end_time is None
    }


def starts_of(instance: dg.DagsterInstance, run_id: str, step_key: str) -> int:
    """Return how many times the step has begun in this run, whichever worker started it."""
    return sum(step.attempts or 0 for step in instance.get_run_step_stats(run_id, [step_key]))


def died_too_often(instance: dg.DagsterInstance, run: dg.DagsterRun, resumed: int) -> WorkerDied | None:
    """Return the error of a run that is not to be resumed another time, or None. `resumed` counts this time."""
    restarts = int(run.tags.get(tags.RESTARTS, 0))
    steps_at_work = at_work(instance, run.run_id)
    for step, starts in steps_at_work.items():
        if starts - restarts >= STARTS_AT_MOST:
            return WorkerDied(step, starts)
    if resumed - restarts > RESUMES_AT_MOST:
        return WorkerDied(next(iter(steps_at_work), "between two steps"), resumed)
    return None


def give_up(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    error: ExportError,
    artefacts: ArtefactStore,
    accounts: Accounts,
) -> None:
    """Fail the run with this reason, and release what its job holds."""
    instance.add_run_tags(run.run_id, reasons.tags_of(error))
    instance.report_run_failed(run, reasons.sentences(error))
    if tags.ORGANISATION in run.tags:
        steps.give_back(job_id_for(run.run_id), artefacts, accounts, _LOG)
