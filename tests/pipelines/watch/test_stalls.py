"""Runs without progress: their workers are killed, and the third time they fail with the step's name."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import pytest

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.jobs import leases, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import worker
from pipelines.execution.runs import Runs
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.watch.sightings import Sightings
from pipelines.watch.stalls import restart_stalled

REQUEST = parse_request(
    b'{"scope":"lots","export_type":"qr_codes","file_format":"svg","filters":{"never_printed":true}}'
)
STEP = "label_export.assemble_parts"
START, STEP_START = dg.DagsterEventType.PIPELINE_START, dg.DagsterEventType.STEP_START


@dataclass
class Watch:
    """The sensor's evaluation with a clock of the test's, and a process that stands for the runs' worker."""

    dagster: dg.DagsterInstance
    artefacts: ArtefactStore
    accounts: Accounts
    process: "subprocess.Popen[bytes]"
    now: float = 0.0

    def __post_init__(self) -> None:
        self.seen = Sightings[tuple[str, int]]()

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return list(restart_stalled(self.dagster, self.artefacts, self.accounts, self.seen))

    def event(self, run_id: str, kind: dg.DagsterEventType, step: str | None = None) -> None:
        event = dg.DagsterEvent(kind.value, job_name=LABEL_EXPORT_JOB, step_key=step)
        self.dagster.report_dagster_event(event, run_id)

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.dagster.get_run_by_id(run_id)
        assert found is not None
        return found


@pytest.fixture
def watch(
    dagster: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Watch]:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        made = Watch(dagster, artefacts, accounts, process)
        monkeypatch.setattr("pipelines.watch.sightings.time.monotonic", lambda: made.now)
        yield made
        process.kill()


def test_an_export_without_progress_is_restarted_twice_and_then_fails(watch: Watch) -> None:
    export = ExportPlan(job_id_for(uuid.uuid4()), "acme", None, "key:1", datetime.now(UTC), REQUEST)
    run_id = run_id_for(export.job_id)
    plan.save(export, watch.artefacts)
    Runs(watch.dagster, defs.get_repository_def(), "unused.sock").create(export)
    assert leases.try_acquire(export, watch.accounts, watch.artefacts)
    watch.event(run_id, START)
    watch.event(run_id, STEP_START, STEP)
    worker.sign(watch.dagster, run_id, watch.process.pid)
    assert watch.after(0) == watch.after(899) == []
    watch.event(run_id, STEP_START, STEP)
    assert watch.after(1) == [], "that was progress"
    assert watch.after(899) == []
    assert watch.process.poll() is None
    [told] = watch.after(1)
    assert STEP in told
    assert watch.process.wait(30) == -9
    assert watch.run(run_id).status is dg.DagsterRunStatus.STARTED, "run monitoring resumes it"
    watch.event(run_id, STEP_START, STEP)
    watch.after(0)
    [told] = watch.after(900)
    assert "its worker was killed" in told
    watch.event(run_id, STEP_START, STEP)
    watch.after(0)
    [told] = watch.after(900)
    assert "failed" in told
    run = watch.run(run_id)
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert run.tags[tags.ERROR_CODE] == "stalled"
    assert f"stalled 3 times, the last time for 15 minutes in the step {STEP}" in run.tags[tags.ERROR]
    assert watch.accounts.acquire_lease("never-printed:acme", "another job", 60)


def test_an_import_has_an_hour(watch: Watch) -> None:
    job = defs.get_repository_def().get_job("housekeeping")
    run_id = watch.dagster.create_run_for_job(job, tags={tags.KIND: tags.IMPORT}).run_id
    watch.event(run_id, START)
    worker.sign(watch.dagster, run_id, watch.process.pid)
    assert watch.after(0) == watch.after(3599) == []
    assert len(watch.after(1)) == 1
    run = watch.run(run_id)
    assert (run.status, run.tags[tags.ERROR_CODE]) == (dg.DagsterRunStatus.FAILURE, "stalled")
    assert watch.process.wait(30) == -9
