"""Metrics of the façade and of the whole service, in Prometheus's text format."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from exports.ports import Degradation, Exports, JobStatus

MEDIA_TYPE = CONTENT_TYPE_LATEST

#: In seconds. A poll takes milliseconds, a submission that waits for a worker up to 20 s.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)


class Metrics:
    """Request counts of this façade process, and the load of the whole service at the time of reading."""

    def __init__(self, exports: Exports) -> None:
        #: For a server of metrics at a port of its own.
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "labels_http_requests",
            "Requests answered, by path template; status 0 is a client that left.",
            ["method", "path", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "labels_http_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ["method", "path"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Service(exports))

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, path, str(status)).inc()
        self._durations.labels(method, path).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics. May block, because the state of the jobs is read."""
        return generate_latest(self.registry)


class _Service(Collector):
    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from ()  # without this method, registering would call collect()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        gauges = self._exports.gauges()
        jobs = GaugeMetricFamily("labels_jobs", "Label exports that are kept, by status.", labels=["status"])
        for status in JobStatus:
            jobs.add_metric([status.value], gauges.jobs.get(status, 0))
        yield jobs
        degraded = GaugeMetricFamily(
            "labels_degraded", "1 if this works worse than it should, else 0.", labels=["what"]
        )
        found = self._exports.degraded()
        for what in Degradation:
            degraded.add_metric([what.value], what in found)
        yield degraded
        yield GaugeMetricFamily(
            "labels_queue_age_seconds",
            "Age of the oldest label export in the queue.",
            value=gauges.queue_age_seconds,
        )
        yield GaugeMetricFamily(
            "labels_exported_items",
            "Entities of the label exports that are kept and completed.",
            value=gauges.exported_items,
        )
