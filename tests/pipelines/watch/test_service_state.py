"""The state of the service for operators: its load, and degraded parts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import pytest

from exports.ports import Degradation, JobStatus
from pipelines import tags
from pipelines.execution.dagster_daemon import DaemonHeartbeat
from pipelines.execution.dagster_runs import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.watch.service_state import ServiceState

#: A queued run needs one.
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", socket="unused"), "repository"), "job"
)


@dataclass
class Workers:
    missing: int = 0


@dataclass
class Stage:
    dagster: dg.DagsterInstance
    workers: Workers
    state: ServiceState

    def beat(self, ages: Mapping[str, float]) -> None:
        """Give each part of the daemon a heartbeat of this age in seconds, zero by default."""
        for kind in self.dagster.get_required_daemon_types():
            timestamp = datetime.now(UTC).timestamp() - ages.get(kind, 0)
            self.dagster.add_daemon_heartbeat(DaemonHeartbeat(timestamp, kind, "1", []))

    def add(self, status: dg.DagsterRunStatus, job: str = LABEL_EXPORT_JOB) -> None:
        owner = {tags.ORGANISATION: "acme"} if job == LABEL_EXPORT_JOB else {}
        run_id = str(uuid.uuid4())
        self.dagster.add_run(
            dg.DagsterRun(job, run_id=run_id, status=status, tags=owner, remote_job_origin=ORIGIN)
        )


@pytest.fixture
def stage(dagster: dg.DagsterInstance) -> Stage:
    workers = Workers()
    return Stage(dagster, workers, ServiceState(dagster, workers))


def test_nothing_is_degraded(stage: Stage) -> None:
    stage.beat({})
    assert stage.state.degraded() == frozenset()


def test_a_daemon_that_never_started(stage: Stage) -> None:
    assert stage.state.degraded() == {Degradation.DAEMON}


@pytest.mark.parametrize(("age", "late"), [(60, False), (89, True)])
@pytest.mark.parametrize("kind", ["SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING", "SCHEDULER"])
def test_a_part_of_the_daemon_that_is_stuck(stage: Stage, kind: str, age: float, late: bool) -> None:
    stage.beat({kind: age})
    assert (Degradation.DAEMON in stage.state.degraded()) is late


def test_workers_that_are_missing(stage: Stage) -> None:
    stage.beat({})
    stage.workers.missing = 1
    assert stage.state.degraded() == {Degradation.WARM_WORKERS}


@pytest.mark.parametrize(
    ("status", "job", "old"),
    [
        (dg.DagsterRunStatus.QUEUED, LABEL_EXPORT_JOB, True),
        (dg.DagsterRunStatus.STARTED, LABEL_EXPORT_JOB, False),
        (dg.DagsterRunStatus.QUEUED, "maintenance", False),
    ],
)
def test_an_old_queue(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, status: dg.DagsterRunStatus, job: str, old: bool
) -> None:
    stage.beat({})
    stage.add(status, job)
    assert stage.state.degraded() == frozenset()
    monkeypatch.setattr("pipelines.watch.service_state._QUEUE_SECONDS", 0.0)
    assert (Degradation.QUEUE in stage.state.degraded()) is old
    assert (stage.state.gauges().queue_age_seconds > 0) is old


def test_exports_are_counted_and_nothing_else(stage: Stage) -> None:
    for status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS):
        stage.add(status)
        stage.add(status, "housekeeping")
    stage.add(dg.DagsterRunStatus.CANCELED)
    assert stage.state.gauges().jobs == dict.fromkeys(JobStatus, 1)


def test_no_run_is_counted_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def counting(_: dg.RunsFilter) -> int:
        raise AssertionError("counting takes longer the more runs there are")

    stage.add(dg.DagsterRunStatus.SUCCESS)
    monkeypatch.setattr(stage.dagster, "get_runs_count", counting)
    assert stage.state.gauges().jobs[JobStatus.COMPLETED] == 1
