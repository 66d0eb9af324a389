"""The Celery application: one task, which executes one step of a run.

There is no result backend, because a step reports its end to Dagster's database. Its lease shows whether a step is
executing, so a message that is lost or delivered twice does no harm.
"""

import os
import zlib
from functools import cache, lru_cache
from pathlib import Path

import dagster as dg
from celery import Celery
from dagster_shared.record import copy
from dagster_shared.serdes import deserialize_value, serialize_value
from kombu.entity import Queue

from pipelines.settings import ExecutorSettings
from pipelines.steps.alone import execute_alone
from pipelines.steps.dagster_steps import ExecuteStepArgs
from pipelines.storage import instance

#: The name of the task. Workers of the previous release use it too, so it must not change.
TASK = "labels.step"

#: Number of queues. The organisation determines the queue, and workers serve the queues in turn. So an organisation
#: with many steps does not delay one with few, unless their queue is the same.
LANES = 64

#: Longest time that a message waits. The run worker sends the step again before that.
_EXPIRES_SECONDS = 3_600

#: A broker that does not answer within this time counts as unreachable. The step is sent again later.
_SOCKET_SECONDS = 5.0


@cache
def app() -> Celery:
    """Return this process's application, with settings from the environment."""
    made = Celery("labels", set_as_current=False)
    settings = ExecutorSettings()
    made.conf.update(
        broker_url=settings.broker_url.get_secret_value(),
        # None means for ever: a worker waits for its broker.
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": settings.redelivery_seconds,
            "socket_timeout": _SOCKET_SECONDS,
            "socket_connect_timeout": _SOCKET_SECONDS,
            # A sender gets an error at once.
            "max_retries": 1,
            "interval_start": 0,
            # One Redis key for each queue, instead of one for each of four priorities.
            "priority_steps": [0],
        },
        task_queues=[Queue(_lane(settings.queue, number)) for number in range(LANES)],
        task_create_missing_queues=False,
        task_default_queue=_lane(settings.queue, 0),
        task_serializer="json",
        accept_content=["json"],
        task_compression="zlib",
        task_publish_retry=False,
        task_ignore_result=True,
        # With these two, a busy worker reserves no further message. If it died, a reserved message would be delivered
        # again only after the visibility timeout.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=settings.child_steps,
        worker_max_memory_per_child=settings.child_memory_mb * 1024,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    made.task(name=TASK)(execute)
    return made


def send(arguments: ExecuteStepArgs, organisation: str) -> None:
    """Send the step to the workers. Raises kombu.exceptions.OperationalError if the broker cannot be reached.

    The reference to the instance is not sent, because it has passwords and paths of this machine.
    """
    lane = _lane(ExecutorSettings().queue, zlib.crc32(organisation.encode()) % LANES)
    message = serialize_value(copy(arguments, instance_ref=None))
    app().tasks[TASK].apply_async([message], queue=lane, expires=_EXPIRES_SECONDS)


def execute(message: str) -> None:
    """Execute the message's step in a worker, unless it has already been executed."""
    arguments = deserialize_value(message, ExecuteStepArgs)
    execute_alone(arguments, _dagster(os.environ["LABELS_HOME"], os.getpid()))


def _lane(queue: str, number: int) -> str:
    return f"{queue}.{number}"


@lru_cache(maxsize=1)
def _dagster(home: str, pid: int) -> dg.DagsterInstance:
    """Return this process's instance, opened once for all its steps. It must not cross a fork."""
    del pid
    return instance.load(Path(home))
