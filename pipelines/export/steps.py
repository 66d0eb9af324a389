"""Retry and failure handling for export ops."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import dagster as dg

from accounts.store import Accounts
from exports import assemble, logs, trace
from exports.artefacts import ArtefactStore
from exports.jobs import decision, leases, plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from gs1.errors import LabelError
from pipelines import reasons, tags
from pipelines.export.progress import ProgressReader
from pipelines.retries import retries_after


class Stage(NamedTuple):
    """A stage of an export: its name in the log, and what it makes, for the client's message."""

    name: str
    makes: str


RESOLVE = Stage("resolve", "the list of entities")
DRAW = Stage("render_chunk", "the symbols")
JOIN = Stage("assemble_parts", "the artefact")
PUBLISH = Stage("publish", "the decision to publish")
RECORD = Stage("record_printed", "the record of what was printed")


class _JobFailed(LabelError):
    """Another step of the job has failed, without further retries."""

    code = "another_step_failed"


@contextmanager
def attempt(
    context: dg.OpExecutionContext,
    artefacts: ArtefactStore,
    accounts: Accounts,
    stage: Stage,
    export: ExportPlan | None = None,
) -> Generator[ExportPlan]:
    """Yield the job's plan for one attempt at a stage.

    The first stage of a step checks that the job goes on and loads the plan. The next stages get the plan.

    If the block raises, `retries_after` determines whether the step is retried or the job fails.
    """
    try:
        if export is None:
            require_going_on(context, artefacts)
            export = plan.load(job_id_for(context.run_id), artefacts)
        with _traced(context, export, stage):
            yield export
    except Exception as error:
        if context.retry_number < retries_after(error):
            raise
        final = reasons.final(error, stage.makes)
        _fail(context, final, artefacts, accounts)
        raise reasons.failure(final, job_id_for(context.run_id)) from error


@contextmanager
def _traced(context: dg.OpExecutionContext, export: ExportPlan, stage: Stage) -> Generator[None]:
    """Run the block in a span of the job's trace, and log its duration and error."""
    error: str | None = None
    start = time.perf_counter()
    with trace.span(stage.name, trace.parse(export.traceparent)):
        try:
            yield
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            logs.logger().info(
                "step",
                step=stage.name,
                attempt=context.retry_number + 1,
                organisation=export.organisation,
                job_id=export.job_id,
                error=error,
                duration_ms=round((time.perf_counter() - start) * 1000, 1),
            )
    trace.flush()


def require_going_on(context: dg.OpExecutionContext, artefacts: ArtefactStore) -> None:
    """Raise ExportCancelled if the job is cancelled, and another LabelError if it has failed."""
    decision.require_not_cancelled(job_id_for(context.run_id), artefacts)
    require_not_failed(context)


def require_not_failed(context: dg.OpExecutionContext) -> None:
    """Raise a LabelError if the job has failed in another step, or if run monitoring failed it."""
    if _has_failed(context):
        raise _JobFailed("Another step of the job failed.")


def release(
    context: dg.OpExecutionContext, export: ExportPlan, artefacts: ArtefactStore, accounts: Accounts
) -> None:
    """Release the lease and remove the parts of a published job. Errors are only logged."""
    with _logged(context.log):
        leases.release(export, accounts)
    with _logged(context.log):
        assemble.discard_parts(export, artefacts)
        artefacts.delete_unfinished(export.folder)


def give_back(job_id: str, artefacts: ArtefactStore, accounts: Accounts, log: logging.Logger) -> None:
    """Release the lease of a failed job, and remove its stored parts and artefact unless it is committed.

    Errors are only logged, so that the client sees the first failure. Housekeeping removes the rest.
    """
    with _logged(log):
        export = plan.load(job_id, artefacts)
        with _logged(log):
            leases.release(export, accounts)
        decided = decision.of(job_id, artefacts)
        if decided is None or decided.cancelled:
            assemble.discard(export, artefacts)
        artefacts.delete_unfinished(export.folder)


def _fail(
    context: dg.OpExecutionContext, error: Exception, artefacts: ArtefactStore, accounts: Accounts
) -> None:
    """Tag the run with the error and its progress, then release the lease and remove the parts.

    The tag is written first. A step that is still running checks it at its end and then removes its own part.
    """
    reason = reasons.tags_of(error)
    with _logged(context.log):
        processed, failed = ProgressReader(context.instance).of(context.run_id)
        reason |= {tags.PROCESSED_ITEMS: str(processed), tags.FAILED_ITEMS: str(failed)}
    with _logged(context.log):
        if not _has_failed(context):
            context.instance.add_run_tags(context.run_id, reason)
    give_back(job_id_for(context.run_id), artefacts, accounts, context.log)


def _has_failed(context: dg.OpExecutionContext) -> bool:
    run = context.instance.get_run_by_id(context.run_id)
    return run is not None and tags.ERROR_CODE in run.tags


@contextmanager
def _logged(log: logging.Logger) -> Generator[None]:
    try:
        yield
    except Exception:
        log.exception("clean-up at the end of the job failed")
