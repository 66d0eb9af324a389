"""Execute a step in this process while no other process does."""

from collections import deque
from contextlib import suppress

import dagster as dg

from pipelines import resources
from pipelines.execution import liveness
from pipelines.steps.dagster_steps import ExecuteStepArgs
from pipelines.steps.reports import has_ended, key_of


def lease_of(arguments: ExecuteStepArgs) -> str:
    """Return the name of the lease that the executor of the step holds."""
    return liveness.step_lease(arguments.run_id, key_of(arguments))


def execute_alone(arguments: ExecuteStepArgs, instance: dg.DagsterInstance) -> None:
    """Execute the step, unless another process executes it or its attempt or run has ended.

    This process exits at once if it loses the step's lease, because another process then starts the step again.
    """
    run = instance.get_run_by_id(arguments.run_id)
    if run is None or run.is_finished:
        return
    held = liveness.kept(resources.accounts(), lease_of(arguments), liveness.new_holder(), wait_seconds=0)
    with suppress(liveness.LeaseIsHeld), held:
        if not has_ended(instance, arguments):
            execute(arguments, instance, run)


def execute(arguments: ExecuteStepArgs, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Execute the step without a lease."""
    from pipelines.execution.dagster_workers import execute_step_body  # noqa: PLC0415 - run workers do without

    deque(execute_step_body(arguments, instance, run), maxlen=0)
