"""What the processes of a step have reported to the database."""

import dagster as dg

from exports.errors import WorkerDied
from exports.next_steps import next_step
from pipelines import reasons, tags
from pipelines.execution import failures
from pipelines.steps.dagster_steps import (
    CheckStepHealthResult,
    ExecuteStepArgs,
    StepEventStatus,
    StepHandlerContext,
)

_ENDED = frozenset({StepEventStatus.SUCCESS, StepEventStatus.FAILURE, StepEventStatus.SKIPPED})


def key_of(arguments: ExecuteStepArgs) -> str:
    """Return the key of the step to execute."""
    (key,) = arguments.step_keys_to_execute or ("",)
    return key


def has_ended(instance: dg.DagsterInstance, arguments: ExecuteStepArgs) -> bool:
    """Return whether this attempt has reported its end. Its process may be killed after that."""
    key = key_of(arguments)
    earlier = arguments.known_state.get_retry_state().get_attempt_count(key) if arguments.known_state else 0
    return any(
        step.status in _ENDED or len(step.attempts_list) > earlier
        for step in instance.get_run_step_stats(arguments.run_id, [key])
    )


def given_up(context: StepHandlerContext, starts: int, how: str) -> CheckStepHealthResult | None:
    """Return the failure of a step whose processes died too often. None if the step may start again.

    The database counts the reported starts. `starts` also counts processes that died before they reported.
    """
    instance, run, key = context.instance, context.dagster_run, key_of(context.execute_step_args)
    starts = max(starts, failures.starts_of(instance, run.run_id, key))
    if starts - int(run.tags.get(tags.RESTARTS, 0)) < failures.STARTS_AT_MOST:
        return None
    error = WorkerDied(key, starts)
    instance.add_run_tags(run.run_id, reasons.tags_of(error))
    return CheckStepHealthResult.unhealthy(
        f"its process ended {starts} times without a result, {how}. {next_step(error.code)}"
    )
