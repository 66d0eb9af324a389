"""The load and the faults of the service, over all organisations."""

from datetime import UTC, datetime

import dagster as dg

from exports.ports import Degradation, Gauges
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.export.assets import EXPORT_JOBS
from pipelines.storage import job_index

#: Each part of a daemon writes a heartbeat every 30 s. A part with an older heartbeat has stopped or is stuck.
_HEARTBEAT_SECONDS = 75.0

#: If an export waits in the queue longer than this, the service is overloaded.
_QUEUE_SECONDS = 300.0


class ServiceState:
    """Reads the state of the service from an instance and from this façade's workers."""

    def __init__(self, instance: dg.DagsterInstance, workers: WarmWorkers) -> None:
        self._instance = instance
        self._workers = workers

    def gauges(self) -> Gauges:
        """Return the load from the counters of the job index."""
        with job_index.of(self._instance).snapshot() as connection:
            totals = job_index.totals(connection)
        age = 0.0
        if totals.oldest_pending is not None:
            age = (datetime.now(UTC) - totals.oldest_pending.replace(tzinfo=UTC)).total_seconds()
        return Gauges(totals.jobs, max(0.0, age), totals.entities)

    def degraded(self) -> frozenset[Degradation]:
        """Return the parts that do not work as they should. Raises if the instance's database cannot be read."""
        found = {
            Degradation.DAEMON: self._heartbeat_age_seconds() > _HEARTBEAT_SECONDS,
            Degradation.WARM_WORKERS: self._workers.missing > 0,
            Degradation.QUEUE: self._queue_age_seconds() > _QUEUE_SECONDS,
        }
        return frozenset(what for what, is_so in found.items() if is_so)

    def _queue_age_seconds(self) -> float:
        """Return the age of the oldest export in the queue. Zero if it is empty."""
        ages = [0.0]
        for job in EXPORT_JOBS:
            queued = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.QUEUED])
            for record in self._instance.get_run_records(queued, limit=1, ascending=True):
                created = record.create_timestamp.replace(tzinfo=UTC)
                ages.append((datetime.now(UTC) - created).total_seconds())
        return max(ages)

    def _heartbeat_age_seconds(self) -> float:
        """Return the age of the oldest heartbeat among the daemon's parts. Infinite if a part has never written one."""
        beats = self._instance.get_daemon_heartbeats()
        now = datetime.now(UTC).timestamp()
        return max(
            now - beats[kind].timestamp if kind in beats else float("inf")
            for kind in self._instance.get_required_daemon_types()
        )
