"""Steps in processes forked from their run worker.

A forked step needs no imports and starts in some 10 ms. A run worker that forks executes no step itself, so it has no
threads that a fork would lose.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

import dagster as dg
from setproctitle import setproctitle

from pipelines import resources
from pipelines.execution import liveness
from pipelines.steps.alone import execute, execute_alone, lease_of
from pipelines.steps.dagster_steps import (
    CheckStepHealthResult,
    ExecuteStepArgs,
    StepHandler,
    StepHandlerContext,
)
from pipelines.steps.reports import given_up, has_ended, key_of

#: A step gets a tenth of the processor time of the service's processes when both compete for a core.
_NICENESS = 10


class ForkedSteps(StepHandler):
    """Starts a process for each step, and again if it is killed. A step reuses what it has already stored."""

    def __init__(self) -> None:
        self._processes: dict[str, BaseProcess] = {}
        self._starts: dict[str, int] = {}

    @property
    def name(self) -> str:
        return "ForkedSteps"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        self._starts[key_of(step_handler_context.execute_step_args)] = 0
        self._start(step_handler_context)
        return iter(())

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Return healthy if the step executes or has reported its end. Start a killed step again."""
        arguments = step_handler_context.execute_step_args
        key = key_of(arguments)
        process = self._processes.get(key)
        if process is not None and process.is_alive():
            return CheckStepHealthResult.healthy()
        # The order matters: a process reports the step's end before it releases the lease.
        if _is_elsewhere(arguments) or has_ended(step_handler_context.instance, arguments):
            self._starts.setdefault(key, 0)
            return CheckStepHealthResult.healthy()
        if key not in self._starts:
            return CheckStepHealthResult.unhealthy("its process ended with its run worker")
        code = process.exitcode if process else "unknown"
        end = given_up(step_handler_context, self._starts[key], f"now with exit code {code}")
        if end is not None:
            return end
        self._start(step_handler_context)
        return CheckStepHealthResult.healthy()

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        process = self._processes.get(key_of(step_handler_context.execute_step_args))
        if process is not None:
            process.kill()
        return iter(())

    def _start(self, context: StepHandlerContext) -> None:
        key = key_of(context.execute_step_args)
        process = multiprocessing.get_context("fork").Process(
            target=_execute, args=(context.execute_step_args,), name=f"labels-step-{key}"
        )
        process.start()
        self._processes[key] = process
        self._starts[key] += 1


def _execute(arguments: ExecuteStepArgs) -> None:
    """Execute the step. Exit at once if the run worker dies, because the next run worker starts the step again."""
    setproctitle(f"labels step {key_of(arguments)}")
    # API requests and small jobs have priority: they take milliseconds, this step takes seconds.
    os.nice(_NICENESS)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    assert arguments.instance_ref is not None  # noqa: S101 - the executor's own arguments
    with dg.DagsterInstance.from_ref(arguments.instance_ref) as instance:
        if liveness.is_distributed():
            execute_alone(arguments, instance)
        elif (run := instance.get_run_by_id(arguments.run_id)) is not None:
            execute(arguments, instance, run)


def _is_elsewhere(arguments: ExecuteStepArgs) -> bool:
    """Return whether a process of an earlier run worker executes the step, perhaps on another machine."""
    return liveness.is_distributed() and liveness.is_held(resources.accounts(), lease_of(arguments))


def _end_with(parent: BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)
