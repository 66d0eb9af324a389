"""Warm workers: runs whose worker dies, and runs that get no worker in time."""

import multiprocessing
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psutil
import pytest

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import forks, warm_workers
from pipelines.execution.runs import Runs
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.export.assets import LABEL_EXPORT_JOB

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')


@pytest.fixture
def workers(dagster: dg.DagsterInstance) -> Iterator[WarmWorkers]:
    # One that another test started has that one's environment.
    forks.server.cache_clear()
    pool = WarmWorkers(_home(dagster), 1)
    pool.start()
    yield pool
    pool.close()


def test_a_worker_executes_a_run_and_signs_it(dagster: dg.DagsterInstance, workers: WarmWorkers) -> None:
    run_id = _made(dagster)
    assert _begins(workers, run_id)
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    # Its job is cancelled, so it fails at once; that it ended is what counts here.
    assert run.is_finished
    assert run.tags[tags.WORKER]


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_whose_worker_is_dead_is_left_to_monitoring_once_it_began(
    dagster: dg.DagsterInstance, workers: WarmWorkers, begun: bool
) -> None:
    run_id = _made(dagster)
    if begun:
        event = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, LABEL_EXPORT_JOB)
        dagster.report_dagster_event(event, run_id)
    idle = workers._idle.get(timeout=120)
    assert workers.missing == 0
    idle.process.kill()
    idle.process.wait()
    assert workers.missing == 1
    workers._idle.put(idle)
    assert _begins(workers, run_id) is begun
    assert _begins(workers, _made(dagster)), "another took its place"
    assert workers.missing == 0


def test_a_run_goes_on_when_nobody_waits_for_it(dagster: dg.DagsterInstance, workers: WarmWorkers) -> None:
    run_id = _made(dagster)
    warm = workers._idle.get(timeout=120)
    workers._idle.put(warm)
    assert _begins(workers, run_id, wait_seconds=0)
    workers._idle.get(timeout=120)
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    assert run.is_finished


def test_what_happens_instead_may_fail(dagster: dg.DagsterInstance, workers: WarmWorkers) -> None:
    def fail() -> None:
        raise OSError("the queue cannot be written")

    idle = workers._idle.get(timeout=120)
    idle.process.kill()
    workers._idle.put(idle)
    with pytest.raises(OSError, match="the queue"):
        workers.execute(_made(dagster), "acme", 120, instead=fail)


def test_a_worker_that_dies_at_its_start_is_tried_again(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_workers, "_RETRY_SECONDS", 0)
    pool = WarmWorkers(_home(dagster), 1)
    ours, _ = multiprocessing.Pipe()
    tries = iter([None, None, warm_workers._Worker(psutil.Process(), ours)])
    monkeypatch.setattr(pool, "_warmed", lambda: next(tries))
    pool._admit_one()
    assert pool.ready
    assert pool._idle.get_nowait().pipe is ours


def test_a_run_that_finds_no_worker_did_not_begin(dagster: dg.DagsterInstance) -> None:
    assert not _begins(WarmWorkers(_home(dagster), 1), _made(dagster), wait_seconds=0)


def _begins(workers: WarmWorkers, run_id: str, wait_seconds: float = 120) -> bool:
    not_begun: list[str] = []
    workers.execute(run_id, "acme", wait_seconds, instead=lambda: not_begun.append(run_id))
    return not not_begun


def _made(dagster: dg.DagsterInstance) -> str:
    export = ExportPlan(job_id_for(uuid.uuid4()), "acme", None, "key:1", NOW, REQUEST)
    decision.cancel(export.job_id, ArtefactStore(os.environ["LABELS_STORAGE_URL"]), NOW)
    assert Runs(dagster, defs.get_repository_def(), "unused.sock").create(export)
    return run_id_for(export.job_id)


def _home(dagster: dg.DagsterInstance) -> Path:
    return Path(dagster.root_directory).parent
