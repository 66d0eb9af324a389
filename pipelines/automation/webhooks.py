"""The sensor that makes webhook messages of ended jobs, and delivers those that are due."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

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

_INTERVAL_SECONDS = 5

#: Events of each kind that one evaluation reads at most.
_EVENTS_AT_ONCE = 200

#: Deliveries start within this time. With the longest one, that stays within the minute Dagster gives a sensor.
_STARTING_FOR = timedelta(seconds=20)

_End: TypeAlias = Literal[
    dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED
]

#: The events that end a run, and the status that follows: the event is stored a moment before the status.
_ENDS: Mapping[_End, dg.DagsterRunStatus] = {
    dg.DagsterEventType.RUN_SUCCESS: dg.DagsterRunStatus.SUCCESS,
    dg.DagsterEventType.RUN_FAILURE: dg.DagsterRunStatus.FAILURE,
    dg.DagsterEventType.RUN_CANCELED: dg.DagsterRunStatus.CANCELED,
}


@dataclass(frozen=True, slots=True)
class Enqueued:
    """How many deliveries were added, and the cursor for the next evaluation."""

    deliveries: int
    cursor: str


def enqueue_ended(
    instance: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    cursor: str | None,
) -> Enqueued:
    """Add a message for every job that ended since the cursor, due at once at its organisation's webhooks.

    The message's id follows from the job's id, and a webhook gets each id once. So nothing is repeated if the
    cursor is lost or a run ends twice.
    """
    seen: dict[str, int] = json.loads(cursor) if cursor else {}
    told: dict[str, bool] = {}
    added = 0
    for kind, status in _ENDS.items():
        ended = instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(kind, after_storage_id=seen.get(kind.value, 0)),
            limit=_EVENTS_AT_ONCE,
            ascending=True,
        )
        for record in ended.records:
            seen[kind.value] = record.storage_id
            entry = record.event_log_entry
            run = instance.get_run_record_by_id(entry.run_id)
            organisation = run.dagster_run.tags.get(tags.ORGANISATION) if run else None
            if run is None or organisation is None:
                continue
            if organisation not in told:
                told[organisation] = _has_webhook(accounts, organisation)
            if not told[organisation]:
                continue
            job = job_of(_ended(run, status), ProgressReader(instance), artefacts, catalogue)
            trace_id = run.dagster_run.tags.get(tags.TRACE_ID)
            body = messages.message(job, datetime.fromtimestamp(entry.timestamp, UTC), trace_id)
            added += accounts.deliveries.enqueue(organisation, messages.message_id(job.job_id), body)
    return Enqueued(added, json.dumps(seen))


def _ended(record: dg.RunRecord, status: dg.DagsterRunStatus) -> dg.RunRecord:
    return dg.RunRecord(
        storage_id=record.storage_id,
        dagster_run=record.dagster_run.with_status(status),
        create_timestamp=record.create_timestamp,
        update_timestamp=record.update_timestamp,
        start_time=record.start_time,
        end_time=record.end_time,
    )


def _has_webhook(accounts: Accounts, organisation: str) -> bool:
    try:
        return any(webhook.active for webhook in accounts.webhooks.list(organisation))
    except NoSuchOrganisation:
        return False


@dg.sensor(
    name="webhooks",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells organisations' webhooks (labels webhooks list) of exports that ended.",
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
    started = datetime.now(UTC)
    attempts = messages.deliver_due(accounts, send, lambda: datetime.now(UTC), started + _STARTING_FOR)
    return dg.SkipReason(f"{enqueued.deliveries} deliveries added, {attempts} attempted")
