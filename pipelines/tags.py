"""The run tags of ours: whose run it is, how the export went, which process has it. The poll reads them.

Dagster's UI hides tags that begin with `.dagster/`: from runs, lists and suggestions. Nothing else treats them in
another way. Hidden are the tags that only the service reads.
"""

from collections.abc import Mapping

_HIDDEN = ".dagster/labels_"

#: On every export: the organisation's slug.
ORGANISATION = "labels/organisation"
#: On every export of stock due, whose lease one job has at a time: the organisation's slug.
STOCK = "labels/stock"
#: What is asked for in words, for whoever looks at the run in the UI.
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
#: Copies of what the artefact store and the catalogue know, so that lists read the database alone: the committed
#: artefact as JSON, that the job is cancelled, and whether a run that failed later had recorded its labels as printed.
ARTEFACT = f"{_HIDDEN}artefact"
CANCELLED = f"{_HIDDEN}cancelled"
RECORDED = f"{_HIDDEN}recorded"
#: Who asked for the export: a key, a schedule, or an operator of Dagster's UI; and why it prints a completed one again.
ACTOR = "labels/actor"
REASON = "labels/reason"
#: The id of the schedule whose tick the export is. Releases before 0.2 named it `labels/plan`.
SCHEDULE = "labels/schedule"
#: On an import from the inbox: the organisation's slug.
INBOX = "labels/inbox"
#: On the import of an uploaded file: the organisation's slug.
IMPORT_OF = "labels/import_of"
#: Set if the webhooks' message about the end of the export could not be made: why.
WEBHOOK_ERROR = "labels/webhook_error"
#: On every export: the id of the trace that it belongs to, as in log lines.
TRACE_ID = "labels/trace_id"
#: Set when the export fails: what an operator does about it.
NEXT_STEP = "labels/next_step"
#: Set when the export is published: the size of its artefact in bytes.
STORED_BYTES = f"{_HIDDEN}stored_bytes"
#: The process that executes the run: pid, id of the boot, clock ticks from the boot to the process's start, name of the
#: machine, namespace of pids. Earlier releases had the first three, or the pid and the start in seconds since 1970.
WORKER = f"{_HIDDEN}worker"
#: On every run in the queue but those of earlier releases: one of these values, each of which limits how many run at
#: once.
KIND = "labels/kind"
EXPORT, IMPORT, UPKEEP = "export", "import", "upkeep"
#: How many times an export's worker was killed because it made no progress.
STALLS = f"{_HIDDEN}stalls"
#: How many times the service was stopped in an orderly way while the run was at work.
RESTARTS = f"{_HIDDEN}restarts"

#: Values of the tags that say yes or no.
TRUE, FALSE = "true", "false"

#: What an export's submission writes. A run that somebody makes in Dagster's UI has these tags from it alone, whatever
#: was typed in or copied from another run. Only `REASON` is taken over.
OF_SUBMISSION = frozenset(
    {ORGANISATION, STOCK, REQUEST, REPRINT_OF, ACTOR, REASON, SCHEDULE, TRACE_ID, IMPORT_OF}
)
#: What is written while a run waits, works and ends. Dagster copies them to a re-execution, where they would be untrue.
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
    """Return a run's tags with the names of this release. A run of an earlier release may have both; the new one holds."""
    return {EARLIER.get(key, key): value for key, value in run_tags.items()} | {
        key: value for key, value in run_tags.items() if key not in EARLIER
    }


def names_of(key: str) -> list[str]:
    """Return the names under which a stored run may have the tag."""
    return [key, *(earlier for earlier, now in EARLIER.items() if now == key)]
