"""Fail a run whose processes die or stall repeatedly, with a reason for the client."""

import logging

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ExportError, WorkerDied
from exports.jobs.job_id import job_id_for
from pipelines import reasons, tags
from pipelines.export import steps

#: Most starts of a step in a job, and most resumptions of a run, not counting orderly restarts of the service.
STARTS_AT_MOST = RESUMES_AT_MOST = 5

_LOG = logging.getLogger(__name__)


def at_work(instance: dg.DagsterInstance, run_id: str) -> dict[str, int]:
    """Return the steps that have begun and not ended, with the number of starts of each."""
    return {
        step.step_key: step.attempts or 0
        for step in instance.get_run_step_stats(run_id)
        if step.start_time is not None and step.end_time is None
    }


def starts_of(instance: dg.DagsterInstance, run_id: str, step_key: str) -> int:
    """Return the number of starts of the step in this run, over all workers."""
    return sum(step.attempts or 0 for step in instance.get_run_step_stats(run_id, [step_key]))


def died_too_often(instance: dg.DagsterInstance, run: dg.DagsterRun, resumed: int) -> WorkerDied | None:
    """Return the error if the run must not be resumed again, else None. `resumed` includes this time."""
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
    """Fail the run with this error, release its job's lease and remove its parts."""
    instance.add_run_tags(run.run_id, reasons.tags_of(error))
    instance.report_run_failed(run, reasons.sentences(error))
    if tags.ORGANISATION in run.tags:
        steps.give_back(job_id_for(run.run_id), artefacts, accounts, _LOG)
