"""Progress of a run: its steps log observations, and the façade reads the new ones at each poll."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import dagster as dg

from exports.jobs.manifest import Chunk
from exports.jobs.parts import OnProgress
from pipelines.export.checks import LABEL_EXPORT

#: Seconds between two observations of one chunk. Shorter intervals would fill the event log.
_LOG_SECONDS = 2.0

#: Runs whose progress a reader keeps in memory.
_REMEMBERED = 1_000

_EVENTS_AT_ONCE = 1_000


def log(context: dg.OpExecutionContext, organisation: str, chunk: Chunk, drawn: int, failed: int) -> None:
    """Log how many of the chunk's entities are drawn and failed so far."""
    metadata = {"chunk": chunk.start, "processed": drawn, "failed": failed}
    context.log_event(dg.AssetObservation(LABEL_EXPORT, partition=organisation, metadata=metadata))


def teller(context: dg.OpExecutionContext, organisation: str, chunk: Chunk) -> OnProgress:
    """Return a function that logs the chunk's progress, at most once in `_LOG_SECONDS`."""
    last = time.monotonic()

    def tell(drawn: int, failed: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _LOG_SECONDS:
            log(context, organisation, chunk, drawn, failed)
            last = time.monotonic()

    return tell


@dataclass(slots=True)
class _Seen:
    """What was read of a run: the cursor of the last event, and the latest counts of each chunk."""

    cursor: str | None = None
    chunks: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])


class ProgressReader:
    """Reads the progress of runs, each event once. Safe to share between threads."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run_id: str) -> tuple[int, int]:
        """Return the entities drawn and failed so far. A retried chunk counts once."""
        with self._lock:
            seen = self._seen.setdefault(run_id, _Seen())
            self._seen.move_to_end(run_id)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            self._read_on(run_id, seen)
            counts = list(seen.chunks.values())
        return sum(drawn for drawn, _ in counts), sum(failed for _, failed in counts)

    def _read_on(self, run_id: str, seen: _Seen) -> None:
        more = True
        while more:
            page = self._instance.get_records_for_run(
                run_id, seen.cursor, dg.DagsterEventType.ASSET_OBSERVATION, _EVENTS_AT_ONCE
            )
            seen.cursor, more = page.cursor, page.has_more
            for record in page.records:
                event = record.event_log_entry.dagster_event
                if event is not None and (observed := event.asset_observation_data):
                    values = {key: value.value for key, value in observed.asset_observation.metadata.items()}
                    chunk, drawn, failed = (int(str(values[key])) for key in ("chunk", "processed", "failed"))
                    seen.chunks[chunk] = drawn, failed
