"""The executor: a run's steps execute in the run worker, or each in its own process.

The run's config chooses one of the two. `LABELS_EXECUTOR` chooses where the processes are: forked from the run worker,
or on the machines that run `labels worker`. It is read when a run worker starts, so a run can be resumed under another
setting.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import dagster as dg

from pipelines.settings import Executor, ExecutorSettings
from pipelines.steps.dagster_steps import InProcessExecutor, RetryMode, StepDelegatingExecutor
from pipelines.steps.forked_steps import ForkedSteps

#: Intervals at which the run worker reads the reports of its steps and checks their health. On Celery they are longer,
#: because a read of Postgres takes 2 ms of CPU and one machine has many run workers.
_READ_SECONDS = {Executor.LOCAL: 0.05, Executor.CELERY: 0.2}
_HEALTH_SECONDS = {Executor.LOCAL: 1, Executor.CELERY: 5}

#: `forked` is also used for Celery, because stored runs of earlier releases have it. `max_concurrent` must stay as
#: stored with the run: Dagster cannot rebuild a run from its events with a smaller value.
_CONFIG = dg.Field(
    dg.Selector({"in_process": dg.Field({}), "forked": {"max_concurrent": dg.Field(int)}}),
    default_value={"in_process": {}},
)


def _requirements(config: Mapping[str, Any]) -> list[dg.ExecutorRequirement]:
    # The step's process loads the job itself and reports through the instance.
    if "forked" not in config:
        return []
    return [
        dg.ExecutorRequirement.RECONSTRUCTABLE_JOB,
        dg.ExecutorRequirement.NON_EPHEMERAL_INSTANCE,
        dg.ExecutorRequirement.PERSISTENT_OUTPUTS,
    ]


@dg.executor(name="in_process_or_delegated", config_schema=_CONFIG, requirements=_requirements)
def in_process_or_delegated(context: dg.InitExecutorContext) -> dg.Executor:
    """Return the executor: all steps in one process, or each in its own process, `max_concurrent` at once."""
    config = cast("Mapping[str, dict[str, int]]", context.executor_config)
    if "forked" not in config:
        return InProcessExecutor(retries=RetryMode.ENABLED)
    settings = ExecutorSettings()
    if settings.executor is Executor.CELERY:
        from pipelines.steps.celery_steps import CelerySteps  # noqa: PLC0415 - other processes need no Celery

        handler = CelerySteps.of(settings)
    else:
        handler = ForkedSteps()
    return EndsCountOnce(
        handler,
        retries=RetryMode.ENABLED,
        sleep_seconds=_READ_SECONDS[settings.executor],
        check_step_health_interval_seconds=_HEALTH_SECONDS[settings.executor],
        max_concurrent=config["forked"]["max_concurrent"],
    )


class EndsCountOnce(StepDelegatingExecutor):
    """Dagster's executor, but it ignores events of steps that have already ended.

    Dagster would fail the run at such an event. A paused process can report one when it continues, after another
    process has executed its step.
    """

    _ended: frozenset[str] = frozenset()

    def _pop_events(
        self, instance: dg.DagsterInstance, run_id: str, seen_storage_ids: set[int]
    ) -> Sequence[dg.DagsterEvent]:
        kept: list[dg.DagsterEvent] = []
        for event in super()._pop_events(instance, run_id, seen_storage_ids):
            if event.step_key is None or event.step_key not in self._ended:
                kept.append(event)
            if event.step_key and (event.is_step_success or event.is_step_failure):
                self._ended |= {event.step_key}
        return kept
