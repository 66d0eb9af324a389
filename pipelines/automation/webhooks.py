"""The sensor that creates webhook messages for ended jobs, and delivers messages that are due."""

import json
import logging
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

import dagster as dg

from accounts.errors import NoSuchOrganisation
from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from notifications import webhooks as messages
from notifications.http_sender import HttpSender
from pipelines import tags
from pipelines.export.job_state import job_of
from pipelines.export.progress import ProgressReader
from pipelines.settings import PipelineSettings
from pipelines.storage import job_index, job_runs

_log = logging.getLogger(__name__)

#: Each evaluation takes some hundredths of a second of processor time and three database writes of Dagster's.
_INTERVAL_SECONDS = 15

#: Most events of each kind that one evaluation reads.
_EVENTS_AT_ONCE = 200

#: An evaluation starts deliveries in the background for at most this time.
_STARTING_FOR = timedelta(seconds=20)

#: One courier for the process, because it knows which webhooks are being served.
_COURIER = messages.Courier()

#: The cursor's field for failed events. The other fields are the kinds of events, and their values storage ids.
_FAILED = "failed"

_End: TypeAlias = Literal[
    dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED
]

#: The events that end a run, and the status of the run after each. The status is stored a moment after the event.
_ENDS: Mapping[_End, dg.DagsterRunStatus] = {
    dg.DagsterEventType.RUN_SUCCESS: dg.DagsterRunStatus.SUCCESS,
    dg.DagsterEventType.RUN_FAILURE: dg.DagsterRunStatus.FAILURE,
    dg.DagsterEventType.RUN_CANCELED: dg.DagsterRunStatus.CANCELED,
}
_STATUS_AFTER = {kind.value: status for kind, status in _ENDS.items()}


#: Retries of an event that fails, one at each evaluation, for half an hour.
_MOST_FAILURES = 30 * 60 // _INTERVAL_SECONDS

#: Most failed events that are kept for a retry. Older ones are dropped.
_FAILED_KEPT = 200


@dataclass(frozen=True, slots=True)
class Event:
    """The end of a run, at `timestamp` in seconds since 1970. `failures` counts failed attempts at its message."""

    kind: str
    run_id: str
    timestamp: float
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The number of added deliveries, the number of failed events, and the cursor for the next evaluation."""

    deliveries: int
    failed: int
    cursor: str


def enqueue_ended(
    instance: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    cursor: str | None,
) -> Enqueued:
    """Add a message for every job that ended since the cursor, due at once at its organisation's webhooks.

    The message's id is derived from the job's id, and a webhook gets each id once. So no message is repeated if the
    cursor is lost or a run ends twice. An event that fails is logged, tagged on its run, and kept in the cursor for the
    next evaluations. It does not stop the others.
    """
    seen: dict[str, Any] = json.loads(cursor) if cursor else {}
    events = [Event(*values) for values in seen.pop(_FAILED, [])]
    for kind in _ENDS:
        records = instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(kind, after_storage_id=seen.get(kind.value, 0)),
            limit=_EVENTS_AT_ONCE,
            ascending=True,
        ).records
        for record in records:
            seen[kind.value] = record.storage_id
            entry = record.event_log_entry
            events.append(Event(kind.value, entry.run_id, entry.timestamp))
    added = 0
    failed: list[Event] = []
    for event in events:
        try:
            added += _enqueue(event, instance, catalogue, artefacts, accounts)
        except Exception as error:  # noqa: BLE001 - one event must not silence the others
            _log.exception("no webhook message for the end of run %s", event.run_id)
            instance.add_run_tags(
                event.run_id, {tags.WEBHOOK_ERROR: f"{type(error).__name__}: {error}"[:500]}
            )
            if event.failures < _MOST_FAILURES:
                failed.append(replace(event, failures=event.failures + 1))
    kept = [astuple(event) for event in failed[-_FAILED_KEPT:]]
    return Enqueued(added, len(failed), json.dumps({**seen, _FAILED: kept}))


def _enqueue(
    event: Event,
    instance: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
) -> int:
    """Add the message about the event's job. Return the number of added deliveries."""
    with job_index.of(instance).snapshot() as connection:
        run = job_runs.find(connection, event.run_id)
    organisation = run.tags.get(tags.ORGANISATION) if run else None
    if run is None or organisation is None or not _has_webhook(accounts, organisation):
        return 0
    ended = run._replace(status=_STATUS_AFTER[event.kind])
    job = job_of(ended, ProgressReader(instance), artefacts, catalogue)
    trace_id = run.tags.get(tags.TRACE_ID)
    body = messages.message(job, datetime.fromtimestamp(event.timestamp, UTC), trace_id)
    return accounts.deliveries.enqueue(organisation, messages.message_id(job.job_id), body)


def _has_webhook(accounts: Accounts, organisation: str) -> bool:
    try:
        return any(webhook.active for webhook in accounts.webhooks.list(organisation))
    except NoSuchOrganisation:
        return False


@dg.sensor(
    name="webhooks",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends messages about ended exports to organisations' webhooks (labels webhooks list).",
)
def webhooks(
    context: dg.SensorEvaluationContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SkipReason:
    enqueued = enqueue_ended(context.instance, catalogue, artefacts, accounts, context.cursor)
    context.update_cursor(enqueued.cursor)
    send = HttpSender(allow_private=PipelineSettings().webhook_allow_private)
    until = datetime.now(UTC) + _STARTING_FOR
    turns = _COURIER.start_due(accounts, send, lambda: datetime.now(UTC), until)
    summary = f"{enqueued.deliveries} deliveries added, {len(turns)} webhooks served"
    return dg.SkipReason(summary if not enqueued.failed else f"{summary}, {enqueued.failed} events failed")
