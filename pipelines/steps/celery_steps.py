"""Steps on the machines that run `labels worker`: each is one Celery task, monitored by its lease.

Decision 0024 says why `dagster-celery` is not used.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import dagster as dg
from kombu.exceptions import OperationalError

from accounts.store import Accounts
from pipelines import resources, tags
from pipelines.execution import liveness
from pipelines.settings import ExecutorSettings
from pipelines.steps import celery_app
from pipelines.steps.alone import lease_of
from pipelines.steps.dagster_steps import (
    CheckStepHealthResult,
    ExecuteStepArgs,
    StepHandler,
    StepHandlerContext,
)
from pipelines.steps.reports import given_up, has_ended, key_of

#: Interval at which the leases of all steps of the run are read again.
_LEASES_READ_SECONDS = 1.0

#: A step that no worker begins is sent again. The wait doubles each time, up to this limit. All copies but one do
#: nothing.
_LONGEST_WAIT_SECONDS = 600.0

#: A function that sends a step of the named organisation.
Send = Callable[[ExecuteStepArgs, str], None]

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sent:
    """A sent step: when it is due to be sent again, whether its lease was held, and how many of its processes died."""

    wait_seconds: float
    due: float
    held: bool = False
    deaths: int = 0


class CelerySteps(StepHandler):
    """Sends steps to the workers. Sends a step again if no worker begins it or if its process dies.

    `now` returns seconds of a monotonic clock.
    """

    def __init__(
        self,
        accounts: Accounts,
        resend_seconds: float,
        send: Send = celery_app.send,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts, self._resend_seconds, self._send_step, self._now = accounts, resend_seconds, send, now
        self._sent: dict[str, _Sent] = {}
        self._held: frozenset[str] = frozenset()
        self._held_until = float("-inf")

    @classmethod
    def of(cls, settings: ExecutorSettings) -> Self:
        return cls(resources.accounts(), settings.resend_seconds)

    @property
    def name(self) -> str:
        return "CelerySteps"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        self._send(step_handler_context, self._new())
        return iter(())

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Return healthy if the step waits for a worker, executes or has reported its end. Otherwise send it again.

        After a resumption, Dagster also asks about steps that an earlier run worker may have sent.
        """
        arguments = step_handler_context.execute_step_args
        key, lease = key_of(arguments), lease_of(arguments)
        sent = self._sent.get(key)
        if lease in self._leases(step_handler_context):
            self._sent.setdefault(key, self._new()).held = True
            return CheckStepHealthResult.healthy()
        if sent and not sent.held and self._now() < sent.due:
            return CheckStepHealthResult.healthy()
        # The order matters: a process reports the step's end before it releases the lease.
        if liveness.is_held(self._accounts, lease) or has_ended(step_handler_context.instance, arguments):
            return CheckStepHealthResult.healthy()
        if sent is None:
            return CheckStepHealthResult.unhealthy(
                "no worker executes it, and this run worker has not sent it"
            )
        return self._sent_again(step_handler_context, sent)

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        """Do nothing. An executing step checks between two batches whether its job has ended."""
        del step_handler_context
        return iter(())

    def _sent_again(self, context: StepHandlerContext, sent: _Sent) -> CheckStepHealthResult:
        deaths = sent.deaths + sent.held
        end = given_up(context, deaths, "each time on a worker")
        if end is not None:
            return end
        again = self._new() if sent.held else self._new(min(2 * sent.wait_seconds, _LONGEST_WAIT_SECONDS))
        again.deaths = deaths
        self._send(context, again)
        key = key_of(context.execute_step_args)
        why = "its worker died" if sent.held else f"no worker began it within {sent.wait_seconds:.0f} s"
        context.instance.report_engine_event(f"Sent step {key} again: {why}.", context.dagster_run)
        return CheckStepHealthResult.healthy()

    def _new(self, wait_seconds: float | None = None) -> _Sent:
        wait_seconds = wait_seconds or self._resend_seconds
        return _Sent(wait_seconds, self._now() + wait_seconds)

    def _send(self, context: StepHandlerContext, sent: _Sent) -> None:
        """Send the step. If the broker is unreachable, the step is sent again when it is due, like a lost message."""
        self._sent[key_of(context.execute_step_args)] = sent
        try:
            self._send_step(context.execute_step_args, context.dagster_run.tags.get(tags.ORGANISATION, ""))
        except OperationalError as error:
            _LOG.warning("step %s not sent: %s", key_of(context.execute_step_args), error)

    def _leases(self, context: StepHandlerContext) -> frozenset[str]:
        """Return the names of the held leases of this run's steps, at most `_LEASES_READ_SECONDS` old."""
        if self._now() >= self._held_until:
            of_run = liveness.step_lease(context.dagster_run.run_id, "")
            held = self._accounts.held_leases(of_run).items()
            self._held = frozenset(name for name, holder in held if liveness.lives(holder) is not False)
            self._held_until = self._now() + _LEASES_READ_SECONDS
        return self._held
