"""Run tags of this service: the organisation, the state of the export, the process that executes it.

Job status is read from them. Dagster's UI hides tags that begin with `.dagster/`; nothing else treats them differently.
Tags that only the service reads are hidden.
"""

from collections.abc import Mapping

_HIDDEN = ".dagster/labels_"

#: On every export: the organisation's slug.
ORGANISATION = "labels/organisation"
#: On every export that holds the stock lease, which one job has at a time: the organisation's slug.
STOCK = "labels/stock"
#: The request in words, for people who look at the run in the UI.
REQUEST = "labels/request"
#: The job whose frozen rows are printed again.
REPRINT_OF = "labels/reprint_of"
#: Set once the selection is resolved: entities, listed keys that match nothing, and labels of the entities.
TOTAL_ITEMS = f"{_HIDDEN}total_items"
UNMATCHED = f"{_HIDDEN}unmatched"
TOTAL_LABELS = f"{_HIDDEN}total_labels"
#: When that was, as ISO 8601.
RESOLVED_AT = f"{_HIDDEN}resolved_at"
#: Set when the export fails: the stable code, the message for the client, and the entities drawn and failed so far.
ERROR_CODE = f"{_HIDDEN}error_code"
ERROR = f"{_HIDDEN}error"
PROCESSED_ITEMS = f"{_HIDDEN}processed_items"
FAILED_ITEMS = f"{_HIDDEN}failed_items"
#: Copies of facts in the artefact store and the catalogue, so that lists read the database alone: the committed
#: artefact as JSON, whether the job is cancelled, and whether a run that failed later had recorded its labels as
#: printed.
ARTEFACT = f"{_HIDDEN}artefact"
CANCELLED = f"{_HIDDEN}cancelled"
RECORDED = f"{_HIDDEN}recorded"
#: Who asked for the export (a key, a schedule, or an operator of Dagster's UI), and the reason of a reprint.
ACTOR = "labels/actor"
REASON = "labels/reason"
#: The id of the schedule that started the export. Releases before 0.2 named it `labels/plan`.
SCHEDULE = "labels/schedule"
#: On an import from the inbox: the organisation's slug.
INBOX = "labels/inbox"
#: On the import of an uploaded file: the organisation's slug.
IMPORT_OF = "labels/import_of"
#: Set if the webhook message about the end of the export could not be made: the error.
WEBHOOK_ERROR = "labels/webhook_error"
#: On every export: the trace id, as in log lines.
TRACE_ID = "labels/trace_id"
#: Set when the export fails: what an operator should do.
NEXT_STEP = "labels/next_step"
#: Set when the export is published: the size of its artefact in bytes.
STORED_BYTES = f"{_HIDDEN}stored_bytes"
#: The process that executes the run: pid, boot id, start time in clock ticks since boot, machine name, pid namespace.
#: Earlier releases wrote the first three, or the pid and the start in seconds since 1970.
WORKER = f"{_HIDDEN}worker"
#: On every queued run except those of earlier releases: one of these values. Each value has a limit of runs at once.
KIND = "labels/kind"
EXPORT, IMPORT, UPKEEP = "export", "import", "upkeep"
#: How many times an export's worker was killed because it made no progress.
STALLS = f"{_HIDDEN}stalls"
#: How many times the service was stopped in an orderly way while the run was executing.
RESTARTS = f"{_HIDDEN}restarts"

#: Values of boolean tags.
TRUE, FALSE = "true", "false"

#: Tags that the submission writes. For a run started in Dagster's UI, values that were typed in or copied from another
#: run are ignored, except `REASON`.
OF_SUBMISSION = frozenset(
    {ORGANISATION, STOCK, REQUEST, REPRINT_OF, ACTOR, REASON, SCHEDULE, TRACE_ID, IMPORT_OF}
)
#: Tags written while a run waits, executes and ends. Dagster copies them to a re-execution, where they would be wrong.
STATE = frozenset(
    {
        TOTAL_ITEMS,
        UNMATCHED,
        TOTAL_LABELS,
        RESOLVED_AT,
        ERROR_CODE,
        ERROR,
        PROCESSED_ITEMS,
        FAILED_ITEMS,
        ARTEFACT,
        CANCELLED,
        RECORDED,
        NEXT_STEP,
        WEBHOOK_ERROR,
        STORED_BYTES,
        WORKER,
        STALLS,
        RESTARTS,
    }
)

#: Releases before 0.2 showed the hidden tags, under these names. Release 0.3 need not know them.
EARLIER: Mapping[str, str] = {
    f"labels/{key.removeprefix(_HIDDEN)}": key for key in STATE if key.startswith(_HIDDEN)
}


def of_this_release(run_tags: Mapping[str, str]) -> dict[str, str]:
    """Return a run's tags under the names of this release. If a tag has both names, the new name wins."""
    return {EARLIER.get(key, key): value for key, value in run_tags.items()} | {
        key: value for key, value in run_tags.items() if key not in EARLIER
    }


def names_of(key: str) -> list[str]:
    """Return the names under which a stored run may have the tag."""
    return [key, *(earlier for earlier, now in EARLIER.items() if now == key)]
