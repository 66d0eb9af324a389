"""Webhook messages about jobs that ended, in the Standard Webhooks format, and when they are sent again."""

import http.client
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TypeAlias

from accounts.deliveries import Delivery
from accounts.store import Accounts
from exports import logs, trace
from exports.ports import ExportJob, JobStatus
from notifications.http_sender import AddressNotAllowed

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

_AT_ONCE = 8
_DUE_AT_ONCE = 100

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


def deliver_due(accounts: Accounts, send: Send, clock: Callable[[], datetime], until: datetime) -> int:
    """Attempt the deliveries that are due, starting none after `until`, and return how many were made or failed.

    An answer 2xx is a delivery, 410 disables the webhook, all others are tried again after a while.
    """

    def attempt(delivery: Delivery) -> bool:
        if (now := clock()) >= until:
            return False
        with trace.span("webhook", _trace_of(delivery)):
            outcome = _deliver(accounts, delivery, send, now, clock)
            logs.logger().info(
                "webhook",
                webhook=delivery.webhook.id,
                message_id=delivery.message_id,
                attempt=delivery.attempts + 1,
                outcome=outcome,
            )
        return True

    due = accounts.deliveries.due(clock(), _DUE_AT_ONCE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(attempt, due))


def _deliver(
    accounts: Accounts, delivery: Delivery, send: Send, now: datetime, clock: Callable[[], datetime]
) -> str:
    """Attempt the delivery, record its outcome, and return it in a word or two."""
    try:
        status = send(delivery, now)
    except (OSError, http.client.HTTPException, AddressNotAllowed) as error:
        _put_off(accounts, delivery, f"{type(error).__name__}: {error}", clock())
        return type(error).__name__
    if HTTPStatus(200) <= status < 300:
        accounts.deliveries.mark_delivered(delivery.id, clock())
    elif status == HTTPStatus.GONE:
        accounts.webhooks.disable(delivery.webhook.id)
        accounts.deliveries.mark_failed(delivery.id, "HTTP 410: the webhook is disabled", None)
    else:
        _put_off(accounts, delivery, f"HTTP {status}", clock())
    return f"HTTP {status}"


def _trace_of(delivery: Delivery) -> trace.TraceParent | None:
    return trace.parse(json.loads(delivery.payload).get(trace.HEADER))


def _put_off(accounts: Accounts, delivery: Delivery, error: str, now: datetime) -> None:
    again = now + RETRY_AFTER[delivery.attempts] if delivery.attempts < len(RETRY_AFTER) else None
    accounts.deliveries.mark_failed(delivery.id, error, again)
