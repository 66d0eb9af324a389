"""The executor: a run's steps execute in the run worker, or each in a process forked from it.

A forked step needs no imports and starts in hundredths of a second. A run worker that forks executes no step itself,
so it has no threads that a fork would lose.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from multiprocessing.process import BaseProcess
from typing import Any, cast

import dagster as dg
from setproctitle import setproctitle

from exports.errors import WorkerDied
from exports.next_steps import next_step
from pipelines import tags
from pipelines.execution import failures
from pipelines.execution.dagster_steps import (
    CheckStepHealthResult,
    ExecuteStepArgs,
    InProcessExecutor,
    RetryMode,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)
from pipelines.export import reasons

#: Intervals at which the run worker reads what its steps report, and checks that their processes live.
_READ_SECONDS = 0.05
_HEALTH_SECONDS = 1

#: Ten times less processor time than a process of the service, where both want a core.
_NICENESS = 10

_CONFIG = dg.Field(
    dg.Selector({"in_process": dg.Field({}), "forked": {"max_concurrent": dg.Field(int)}}),
    default_value={"in_process": {}},
)


def _requirements(config: Mapping[str, Any]) -> list[dg.ExecutorRequirement]:
    # A forked step loads the job itself, and reports through the instance.
    if "forked" not in config:
        return []
    return [
        dg.ExecutorRequirement.RECONSTRUCTABLE_JOB,
        dg.ExecutorRequirement.NON_EPHEMERAL_INSTANCE,
        dg.ExecutorRequirement.PERSISTENT_OUTPUTS,
    ]


@dg.executor(name="in_process_or_forked", config_schema=_CONFIG, requirements=_requirements)
def in_process_or_forked(context: dg.InitExecutorContext) -> dg.Executor:
    """Execute all steps in one process, or each in a process of its own, `max_concurrent` at once."""
    config = cast("Mapping[str, dict[str, int]]", context.executor_config)
    if "forked" not in config:
        return InProcessExecutor(retries=RetryMode.ENABLED)
    return StepDelegatingExecutor(
        ForkedSteps(),
        retries=RetryMode.ENABLED,
        sleep_seconds=_READ_SECONDS,
        check_step_health_interval_seconds=_HEALTH_SECONDS,
        max_concurrent=config["forked"]["max_concurrent"],
    )


class ForkedSteps(StepHandler):
    """Starts a process for each step, and again if it is killed: steps find what they had stored."""

    def __init__(self) -> None:
        self._processes: dict[str, BaseProcess] = {}
        self._starts: dict[str, int] = {}

    @property
    def name(self) -> str:
        return "ForkedSteps"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        self._starts[_key(step_handler_context)] = 0
        self._start(step_handler_context)
        return iter(())

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Return whether the step is at work or has reported its end. Start a killed one again."""
        key = _key(step_handler_context)
        process = self._processes.get(key)
        if process is None:
            return CheckStepHealthResult.unhealthy("its process ended with its run worker")
        if process.is_alive() or _has_ended(step_handler_context, key):
            return CheckStepHealthResult.healthy()
        instance, run = step_handler_context.instance, step_handler_context.dagster_run
        # The database counts what earlier workers started; this count has what died before it told its start.
        starts = max(self._starts[key], failures.starts_of(instance, run.run_id, key))
        if starts - int(run.tags.get(tags.RESTARTS, 0)) < failures.STARTS_AT_MOST:
            self._start(step_handler_context)
            return CheckStepHealthResult.healthy()
        error = WorkerDied(key, starts)
        instance.add_run_tags(run.run_id, reasons.tags_of(error))
        return CheckStepHealthResult.unhealthy(
            f"its process ended {starts} times without a result, now with exit code {process.exitcode}."
            f" {next_step(error.code)}"
        )

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        self._processes[_key(step_handler_context)].kill()
        return iter(())

    def _start(self, context: StepHandlerContext) -> None:
        key = _key(context)
        process = multiprocessing.get_context("fork").Process(
            target=_execute, args=(context.execute_step_args,), name=f"labels-step-{key}"
        )
        process.start()
        self._processes[key] = process
        self._starts[key] += 1


def _key(context: StepHandlerContext) -> str:
    (key,) = context.execute_step_args.step_keys_to_execute or ("",)
    return key


def _has_ended(context: StepHandlerContext, key: str) -> bool:
    """Return whether this attempt reported its end. The process may be killed between that and its exit."""
    ends = {
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
    }
    arguments = context.execute_step_args
    records = context.instance.get_records_for_run(arguments.run_id, of_type=ends).records
    told = sum(record.event_log_entry.step_key == key for record in records)
    earlier = arguments.known_state.get_retry_state().get_attempt_count(key) if arguments.known_state else 0
    return told > earlier


def _execute(arguments: ExecuteStepArgs) -> None:
    """Execute the step. Exit at once if the run worker dies, because its successor starts the step again."""
    from pipelines.execution.dagster_workers import execute_step_body  # noqa: PLC0415

    setproctitle(f"labels step {' '.join(arguments.step_keys_to_execute or ())}")
    # Answers and small jobs go first: they take milliseconds, this step takes seconds.
    os.nice(_NICENESS)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    assert arguments.instance_ref is not None  # noqa: S101 - the executor's own arguments
    with dg.DagsterInstance.from_ref(arguments.instance_ref) as instance:
        run = instance.get_run_by_id(arguments.run_id)
        if run is not None:
            deque(execute_step_body(arguments, instance, run), maxlen=0)


def _end_with(parent: BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)
