"""Webhook messages about jobs that ended, in the Standard Webhooks format, and when they are sent again."""

import http.client
import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TypeAlias

from accounts.deliveries import Delivery
from accounts.store import Accounts
from accounts.webhooks import Webhook
from exports import logs, trace
from exports.ports import ExportJob, JobStatus
from gs1.errors import LabelError

EVENTS = {JobStatus.COMPLETED: "label_export.completed", JobStatus.FAILED: "label_export.failed"}

#: How long after each failed attempt the next is made; after the last one the message is given up.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)

#: Webhooks that have a thread at the same time: of all organisations, and of one.
_AT_ONCE = 32
_AT_ONCE_EACH = 2

_DUE_AT_ONCE = 500

_log = logging.getLogger(__name__)

#: Delivers a message; returns the HTTP status of the answer.
Send: TypeAlias = Callable[[Delivery, datetime], int]


def message_id(job_id: str) -> str:
    """Return the id of the one message there is about a job; receivers know a repetition by it."""
    return f"msg_{job_id}"


def message(job: ExportJob, ended_at: datetime, trace_id: str | None = None) -> str:
    """Return the body of the message: the event's type, its time, and what a poll says of the job, without links.

    If the job's trace is known, `traceparent` names a span of it. The sender repeats it as a header.
    """
    traced = {} if trace_id is None else {trace.HEADER: str(trace.TraceParent(trace_id, trace.new().span_id))}
    return json.dumps(
        {
            "type": EVENTS[job.status],
            "timestamp": ended_at.astimezone(UTC).isoformat(),
            **traced,
            "data": {
                "job_id": job.job_id,
                "status": job.status.value,
                "total_items": job.total_items,
                "processed_items": job.processed_items,
                "failed_items": job.failed_items,
                "unmatched": job.unmatched,
                "output_filename": job.output_filename,
                "error": job.error,
                "error_code": job.error_code,
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


class Courier:
    """Delivers due messages in the background, in one thread for each webhook.

    The threads outlive the call that started them, so a receiver that never answers delays no other evaluation. It
    occupies threads of its own organisation only, of which there are at most `_AT_ONCE_EACH`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The organisation of each webhook that has a thread.
        self._served: dict[int, str] = {}

    def start_due(
        self, accounts: Accounts, send: Send, clock: Callable[[], datetime], until: datetime
    ) -> list[Future[int]]:
        """Start delivering what is due. Return the started turns, each with the number of attempts that it made.

        A turn is what is due at one webhook. It ends at `until`, or with the first attempt that gets no answer.
        Webhooks beyond the limits wait for a later call.
        """
        with self._lock:  # before the look, so that nothing is seen as due whose delivery ends meanwhile
            busy = set(self._served)
        turns: dict[int, list[Delivery]] = {}
        for delivery in accounts.deliveries.due(clock(), _DUE_AT_ONCE):
            turns.setdefault(delivery.webhook.id, []).append(delivery)
        started: list[Future[int]] = []
        for webhook_id, turn in turns.items():
            if webhook_id not in busy and self._take(turn[0].webhook):
                done = Future[int]()
                arguments = (turn, done, accounts, send, clock, until)
                threading.Thread(target=self._serve, args=arguments, daemon=True).start()
                started.append(done)
        return started

    def _take(self, webhook: Webhook) -> bool:
        with self._lock:
            taken = list(self._served.values())
            if len(taken) >= _AT_ONCE or taken.count(webhook.organisation) >= _AT_ONCE_EACH:
                return False
            self._served[webhook.id] = webhook.organisation
            return True

    def _serve(
        self,
        turn: Sequence[Delivery],
        done: Future[int],
        accounts: Accounts,
        send: Send,
        clock: Callable[[], datetime],
        until: datetime,
    ) -> None:
        try:
            attempts = _attempted(turn, accounts, send, clock, until)
        except Exception as error:  # noqa: BLE001 - in the log, and raised by whoever asks for the result
            _log.exception("the deliveries to webhook %d were cut short", turn[0].webhook.id)
            self._free(turn[0].webhook)
            done.set_exception(error)
        else:
            self._free(turn[0].webhook)
            done.set_result(attempts)

    def _free(self, webhook: Webhook) -> None:
        with self._lock:
            del self._served[webhook.id]


def _attempted(
    turn: Sequence[Delivery], accounts: Accounts, send: Send, clock: Callable[[], datetime], until: datetime
) -> int:
    """Attempt the deliveries until one gets no answer, and return how many were attempted."""
    for attempts, delivery in enumerate(turn):
        if (now := clock()) >= until:
            return attempts
        with trace.span("webhook", _trace_of(delivery)):
            outcome, goes_on = _deliver(accounts, delivery, send, now, clock)
            logs.logger().info(
                "webhook",
                webhook=delivery.webhook.id,
                message_id=delivery.message_id,
                attempt=delivery.attempts + 1,
                outcome=outcome,
            )
        if not goes_on:
            return attempts + 1
    return len(turn)


def _deliver(
    accounts: Accounts, delivery: Delivery, send: Send, now: datetime, clock: Callable[[], datetime]
) -> tuple[str, bool]:
    """Attempt the delivery and record its outcome.

    Return the outcome in a word or two, and whether the receiver answered and takes more. An answer 2xx is a
    delivery, 410 disables the webhook, all others are tried again after a while.
    """
    try:
        status = send(delivery, now)
    except (OSError, http.client.HTTPException, LabelError) as error:
        _put_off(accounts, delivery, f"{type(error).__name__}: {error}", clock())
        return type(error).__name__, False
    if HTTPStatus(200) <= status < 300:
        accounts.deliveries.mark_delivered(delivery.id, clock())
    elif status == HTTPStatus.GONE:
        accounts.webhooks.disable(delivery.webhook.id)
        accounts.deliveries.mark_failed(delivery.id, "HTTP 410: the webhook is disabled", None)
        return f"HTTP {status}", False
    else:
        _put_off(accounts, delivery, f"HTTP {status}", clock())
    return f"HTTP {status}", True


def _trace_of(delivery: Delivery) -> trace.TraceParent | None:
    return trace.parse(json.loads(delivery.payload).get(trace.HEADER))


def _put_off(accounts: Accounts, delivery: Delivery, error: str, now: datetime) -> None:
    again = now + RETRY_AFTER[delivery.attempts] if delivery.attempts < len(RETRY_AFTER) else None
    accounts.deliveries.mark_failed(delivery.id, error, again)
