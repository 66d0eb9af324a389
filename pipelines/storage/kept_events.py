"""Which events of a run are stored: those that Dagster, the service or its operators read later.

The other events are in the service's log or repeat another event. They were half of all events.
"""

import logging

import dagster as dg

#: Moves of inputs and outputs, creation of resources, and where a step's console output is captured (nowhere).
_UNREAD = frozenset(
    {
        dg.DagsterEventType.HANDLED_OUTPUT,
        dg.DagsterEventType.LOADED_INPUT,
        dg.DagsterEventType.LOGS_CAPTURED,
        dg.DagsterEventType.RESOURCE_INIT_STARTED,
        dg.DagsterEventType.RESOURCE_INIT_SUCCESS,
        dg.DagsterEventType.STEP_INPUT,
    }
)

#: Engine events that repeat the start and the end of the run's steps. All others are stored, because run monitoring
#: counts resumptions by them.
_REPEATED = ("Executing steps in process", "Finished steps in process")


def is_kept(entry: dg.EventLogEntry) -> bool:
    """Return whether the entry is stored. Log messages below INFO are left out."""
    event = entry.dagster_event
    if event is None:
        return int(entry.level) >= logging.INFO
    if event.event_type is dg.DagsterEventType.ENGINE_EVENT:
        return not (event.message or "").startswith(_REPEATED)
    return event.event_type not in _UNREAD


def lean(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    """Return the entry without its redundant parts: tags for log lines, and the second copy of the message."""
    event = entry.dagster_event
    if event is None:
        return entry
    message = "" if event.message else entry.user_message
    return entry._replace(user_message=message, dagster_event=event._replace(logging_tags={}))
