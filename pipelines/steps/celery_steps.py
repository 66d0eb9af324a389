"""Steps on the machines that run `labels worker`: each is sent as one task of Celery, and watched by its lease.

Not `dagster-celery`: see decision 24.
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

#: What is known of the leases is asked anew after this time, once for all steps of the run.
_KNOWN_SECONDS = 1.0

#: A step that nobody begins is sent again after twice as long each time, up to this. The copies do not push each other
#: back in a long queue, and all but one of them do nothing.
_LONGEST_WAIT_SECONDS = 600.0

#: Sends a step of an organisation.
Send = Callable[[ExecuteStepArgs, str], None]

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sent:
    """A step that was sent: when it is sent again if nobody has begun it, and what was seen of its processes."""

    wait_seconds: float
    due: float
    held: bool = False
    deaths: int = 0


class CelerySteps(StepHandler):
    """Sends steps to the workers, and again if nobody begins one or if its process dies.

    `now` returns seconds of a clock that nobody sets.
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
        """Return whether the step waits for a worker, is at work or has reported its end. Send it again if not.

        When a run is resumed, Dagster asks about each step that may have been sent by an earlier run worker.
        """
        arguments = step_handler_context.execute_step_args
        key, lease = key_of(arguments), lease_of(arguments)
        sent = self._sent.get(key)
        if lease in self._leases(step_handler_context):
            self._sent.setdefault(key, self._new()).held = True
            return CheckStepHealthResult.healthy()
        if sent and not sent.held and self._now() < sent.due:
            return CheckStepHealthResult.healthy()
        # In this order: a process reports the step's end before it releases the lease.
        if liveness.is_held(self._accounts, lease) or has_ended(step_handler_context.instance, arguments):
            return CheckStepHealthResult.healthy()
        if sent is None:
            return CheckStepHealthResult.unhealthy("no worker is at it, and this run worker has not sent it")
        return self._sent_again(step_handler_context, sent)

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        """Do nothing: a step that is at work reads between two batches that its job has ended."""
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
        """Send the step. If the broker is away, it is sent when it is due, like one that the broker lost."""
        self._sent[key_of(context.execute_step_args)] = sent
        try:
            self._send_step(context.execute_step_args, context.dagster_run.tags.get(tags.ORGANISATION, ""))
        except OperationalError as error:
            _LOG.warning("step %s not sent: %s", key_of(context.execute_step_args), error)

    def _leases(self, context: StepHandlerContext) -> frozenset[str]:
        """Return the names of the leases that are held on steps of this run, as of a moment ago."""
        if self._now() >= self._held_until:
            of_run = liveness.step_lease(context.dagster_run.run_id, "")
            held = self._accounts.held_leases(of_run).items()
            self._held = frozenset(name for name, holder in held if liveness.lives(holder) is not False)
            self._held_until = self._now() + _KNOWN_SECONDS
        return self._held
