"""Which events of a run are stored: those that Dagster, the service or its operators read again.

What is left out is seen in the service's log, or repeats another event: half of all events were read by nobody.
"""

import logging

import dagster as dg

#: Inputs and outputs being moved, resources being made, and where a step's output is captured, which is nowhere.
_READ_BY_NOBODY = frozenset(
    {
        dg.DagsterEventType.HANDLED_OUTPUT,
        dg.DagsterEventType.LOADED_INPUT,
        dg.DagsterEventType.LOGS_CAPTURED,
        dg.DagsterEventType.RESOURCE_INIT_STARTED,
        dg.DagsterEventType.RESOURCE_INIT_SUCCESS,
        dg.DagsterEventType.STEP_INPUT,
    }
)

#: Engine events that the start and the end of the run's steps tell too. All others stay: run monitoring counts
#: resumptions by theirs.
_REPEATED = ("Executing steps in process", "Finished steps in process")


def is_kept(entry: dg.EventLogEntry) -> bool:
    """Return whether somebody may read the entry. Messages of Dagster and ours below INFO are left out."""
    event = entry.dagster_event
    if event is None:
        return int(entry.level) >= logging.INFO
    if event.event_type is dg.DagsterEventType.ENGINE_EVENT:
        return not (event.message or "").startswith(_REPEATED)
    return event.event_type not in _READ_BY_NOBODY


def lean(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    """Return the entry without what it says twice: tags for log lines, and the event's message again."""
    event = entry.dagster_event
    if event is None:
        return entry
    message = "" if event.message else entry.user_message
    return entry._replace(user_message=message, dagster_event=event._replace(logging_tags={}))
