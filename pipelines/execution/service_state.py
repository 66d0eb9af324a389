"""The load of the service and what is wrong with it, over all organisations."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from exports.ports import Degradation, Gauges, JobStatus
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.export.job_state import statuses_of
from pipelines.storage.totals import exported_items

#: Each part of a daemon writes its heartbeat every 30 s. One that is older has stopped or is stuck.
_HEARTBEAT_SECONDS = 75.0

#: An export that waits longer than this in the queue means that the service has too much to do.
_QUEUE_SECONDS = 300.0

#: Counting the jobs that have ended takes longer the more there are, so they are counted this often at most.
_COUNT_SECONDS = 60.0


class ServiceState:
    """Reads the state of the service from an instance and from this façade's workers."""

    def __init__(self, instance: dg.DagsterInstance, workers: WarmWorkers) -> None:
        self._instance = instance
        self._workers = workers
        self._lock = threading.Lock()
        self._ended: tuple[Mapping[JobStatus, int], int] = ({}, 0)
        self._count_again_at = float("-inf")

    def gauges(self) -> Gauges:
        """Return the load. Jobs that wait or run are counted now, the others were counted within a minute."""
        ended, items = self._counts_of_ended()
        waiting = {status: self._count(status) for status in JobStatus if not status.is_terminal}
        return Gauges({**ended, **waiting}, self._queue_age_seconds(), items)

    def degraded(self) -> frozenset[Degradation]:
        """Return what works worse than it should. Raises an error if the instance's database cannot be read."""
        found = {
            Degradation.DAEMON: self._heartbeat_age_seconds() > _HEARTBEAT_SECONDS,
            Degradation.WARM_WORKERS: self._workers.missing > 0,
            Degradation.QUEUE: self._queue_age_seconds() > _QUEUE_SECONDS,
        }
        return frozenset(what for what, is_so in found.items() if is_so)

    def _counts_of_ended(self) -> tuple[Mapping[JobStatus, int], int]:
        with self._lock:
            if time.monotonic() >= self._count_again_at:
                counts = {status: self._count(status) for status in JobStatus if status.is_terminal}
                self._ended = counts, exported_items(self._instance)
                self._count_again_at = time.monotonic() + _COUNT_SECONDS
            return self._ended

    def _count(self, status: JobStatus) -> int:
        wanted = dg.RunsFilter(job_name=LABEL_EXPORT_JOB, statuses=statuses_of(status))
        return self._instance.get_runs_count(wanted)

    def _queue_age_seconds(self) -> float:
        """Return the age of the oldest export in the queue. Zero if it is empty."""
        queued = dg.RunsFilter(job_name=LABEL_EXPORT_JOB, statuses=[dg.DagsterRunStatus.QUEUED])
        for record in self._instance.get_run_records(queued, limit=1, ascending=True):
            created = record.create_timestamp.replace(tzinfo=UTC)
            return max(0.0, (datetime.now(UTC) - created).total_seconds())
        return 0.0

    def _heartbeat_age_seconds(self) -> float:
        """Return the age of the oldest heartbeat among the daemon's parts. Infinite if one has never had any."""
        beats = self._instance.get_daemon_heartbeats()
        now = datetime.now(UTC).timestamp()
        return max(
            now - beats[kind].timestamp if kind in beats else float("inf")
            for kind in self._instance.get_required_daemon_types()
        )
