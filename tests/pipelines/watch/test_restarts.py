"""Orderly stops, which are not to count as crashes."""

import os

import dagster as dg
import pytest

from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import worker
from pipelines.watch import restarts


def test_a_stop_is_counted_on_the_runs_at_work_on_this_machine(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = defs.get_repository_def().get_job("housekeeping")
    here, elsewhere, waiting = (dagster.create_run_for_job(job).run_id for _ in range(3))
    for run_id in (here, elsewhere):
        started = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, job_name=job.name)
        dagster.report_dagster_event(started, run_id)
    worker.sign(dagster, here, os.getpid())
    monkeypatch.setenv("LABELS_HOST_NAME", "another-host")
    worker.sign(dagster, elsewhere, os.getpid())
    monkeypatch.delenv("LABELS_HOST_NAME")
    for counted in ("1", "2"):
        restarts.count(dagster)
        assert _restarts(dagster, here) == counted
    assert _restarts(dagster, elsewhere) is None
    assert _restarts(dagster, waiting) is None


def _restarts(dagster: dg.DagsterInstance, run_id: str) -> str | None:
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    return run.tags.get(tags.RESTARTS)
