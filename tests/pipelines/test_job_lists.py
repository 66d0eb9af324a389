"""Lists, totals and metrics agree with the status of each job, in every state."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import pytest

from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.lifecycle import Printing
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest, plan
from exports.jobs.decision import Artefact
from exports.jobs.job_id import run_id_for
from exports.jobs.manifest import Chunk
from exports.limits import Limits
from exports.ports import ExportJob, JobPosition, JobStatus, Page
from exports.requests.request import parse_request
from pipelines import tags
from pipelines.automation.housekeeping import HOUSEKEEPING_JOB
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.export import mirror
from pipelines.storage import job_index
from tests.pipelines.conftest import LOTS

pytestmark = pytest.mark.parametrize("dagster_url", ["sqlite", "postgres"], indirect=True)

ACME, OTHER = Organisation("acme", "Acme"), Organisation("other", "Other")
REQUEST = parse_request(
    json.dumps({"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}).encode()
)
ALL = Page(1, 100)


class BusyWorkers:
    """Never has a free worker."""

    ready = True

    def execute(
        self, run_id: str, organisation: str, wait_seconds: float, *, instead: Callable[[], None]
    ) -> None:
        instead()


@dataclass(frozen=True)
class Stage:
    exports: DagsterExports
    dagster: dg.DagsterInstance
    catalogue: Catalogue
    store: ArtefactStore

    def submit(self, organisation: Organisation = ACME) -> str:
        return self.exports.submit(organisation, REQUEST, requested_by="key:1").job_id

    def event(self, job_id: str, kind: dg.DagsterEventType) -> None:
        run = self.dagster.get_run_by_id(run_id_for(job_id))
        assert run is not None
        self.dagster.report_dagster_event(dg.DagsterEvent(kind.value, run.job_name), run.run_id)

    def start(self, job_id: str) -> None:
        self.event(job_id, dg.DagsterEventType.PIPELINE_START)
        self.dagster.add_run_tags(run_id_for(job_id), {tags.TOTAL_ITEMS: str(LOTS)})

    def publish(self, job_id: str) -> None:
        self.start(job_id)
        artefact = Artefact(f"{job_id}/artefact", "labels.zip", 123, "ab", LOTS - 1, 1)
        decision.commit(job_id, artefact, self.store, datetime.now(UTC))
        mirror.committed(self.dagster, run_id_for(job_id), artefact)

    def complete(self, job_id: str) -> None:
        self.publish(job_id)
        self.event(job_id, dg.DagsterEventType.PIPELINE_SUCCESS)

    def complete_in_an_earlier_release(self, job_id: str) -> None:
        self.start(job_id)
        artefact = Artefact(f"{job_id}/artefact", "labels.zip", 123, "ab", LOTS, 0)
        decision.commit(job_id, artefact, self.store, datetime.now(UTC))
        self.event(job_id, dg.DagsterEventType.PIPELINE_SUCCESS)

    def fail(self, job_id: str) -> None:
        self.start(job_id)
        self.event(job_id, dg.DagsterEventType.PIPELINE_FAILURE)

    def fail_before_the_record(self, job_id: str) -> None:
        self.publish(job_id)
        self.event(job_id, dg.DagsterEventType.PIPELINE_FAILURE)

    def fail_after_the_record(self, job_id: str) -> None:
        self.publish(job_id)
        export = plan.load(job_id, self.store)
        frozen = manifest.freeze(export, self.catalogue, self.store)
        rows = manifest.read_rows(export, self.store, Chunk(0, frozen.rows), 100)
        printing = Printing(job_id, datetime.now(UTC))
        lifecycle.record_printed(self.catalogue, export.organisation, printing, rows)
        self.event(job_id, dg.DagsterEventType.PIPELINE_FAILURE)

    def cancel(self, job_id: str) -> None:
        self.exports.cancel("acme", job_id)

    def cancel_at_work(self, job_id: str) -> None:
        self.start(job_id)
        self.cancel(job_id)

    def cancel_and_die(self, job_id: str) -> None:
        """The decision is stored, and the process dies before it tags the run."""
        self.start(job_id)
        decision.cancel(job_id, self.store, datetime.now(UTC))

    def listed(self, status: JobStatus | None = None) -> list[ExportJob]:
        found = self.exports.jobs("acme", ALL, status)
        assert found.total == len(found.jobs)
        return found.jobs


#: What happens to a job, and the status it has then.
HISTORIES: Mapping[Callable[[Stage, str], None], JobStatus] = {
    Stage.start: JobStatus.PROCESSING,
    Stage.publish: JobStatus.PROCESSING,
    Stage.complete: JobStatus.COMPLETED,
    Stage.complete_in_an_earlier_release: JobStatus.COMPLETED,
    Stage.fail: JobStatus.FAILED,
    Stage.fail_before_the_record: JobStatus.FAILED,
    Stage.fail_after_the_record: JobStatus.COMPLETED,
    Stage.cancel: JobStatus.FAILED,
    Stage.cancel_at_work: JobStatus.FAILED,
    Stage.cancel_and_die: JobStatus.PROCESSING,
}


@pytest.fixture
def stage(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> Stage:
    exports = DagsterExports(
        instance=dagster,
        runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
        workers=BusyWorkers(),
        catalogue=catalogue,
        artefacts=artefacts,
        accounts=accounts,
        sync_threshold=10,
        limits=Limits(max_items=LOTS),
    )
    return Stage(exports, dagster, catalogue, artefacts)


def test_lists_and_metrics_agree_with_polls(stage: Stage) -> None:
    expected = {stage.submit(): JobStatus.PENDING}
    for happen, status in HISTORIES.items():
        job_id = stage.submit()
        happen(stage, job_id)
        expected[job_id] = status
    polls = {job_id: stage.exports.job("acme", job_id) for job_id in expected}
    assert {job_id: job.status for job_id, job in polls.items()} == expected
    assert stage.listed() == list(reversed(polls.values()))
    for status in JobStatus:
        assert stage.listed(status) == [job for job in reversed(polls.values()) if job.status is status]
    gauges = stage.exports.gauges()
    assert gauges.jobs == Counter(expected.values())
    assert gauges.exported_items == LOTS * 3
    assert {job_id: stage.exports.job("acme", job_id) for job_id in expected} == polls


def test_lists_read_no_decisions(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for happen in (
        Stage.complete,
        Stage.fail,
        Stage.cancel,
        Stage.cancel_at_work,
        Stage.fail_after_the_record,
    ):
        happen(stage, stage.submit())
    expected = stage.listed()

    def refuse(*_: object) -> None:
        raise AssertionError("a list read the artefact store")

    monkeypatch.setattr(ArtefactStore, "read_json", refuse)
    assert stage.listed() == expected
    assert stage.exports.gauges().jobs[JobStatus.COMPLETED] == 2


def test_a_cancellation_whose_process_died_is_completed_by_the_next(stage: Stage) -> None:
    job_id = stage.submit()
    stage.cancel_and_die(job_id)
    assert stage.exports.cancel("acme", job_id).error_code == "cancelled"
    assert [job.error_code for job in stage.listed(JobStatus.FAILED)] == ["cancelled"]


def test_pages_after_a_job_hold_each_once_while_others_are_added(stage: Stage) -> None:
    made = [stage.submit() for _ in range(5)]
    hidden = stage.submit(OTHER)
    seen: list[str] = []
    after, more = None, True
    while more:
        page = stage.exports.jobs("acme", Page(1, 2), after=after)
        seen += [job.job_id for job in page.jobs]
        after, more = JobPosition(page.jobs[-1].created_at, page.jobs[-1].job_id), page.has_next
        stage.submit()
    assert seen == made[::-1]
    place = JobPosition(stage.exports.job("other", hidden).created_at, hidden)
    assert [job.job_id for job in stage.exports.jobs("acme", Page(1, 9), after=place).jobs] == made[::-1]
    assert [job.job_id for job in stage.exports.jobs("other", ALL).jobs] == [hidden]


def test_other_runs_are_in_no_list_and_no_count(stage: Stage) -> None:
    stage.submit()
    repository = defs.get_repository_def()
    stage.dagster.create_run_for_job(job_def=repository.get_job(HOUSEKEEPING_JOB))
    assert stage.exports.gauges().jobs == {**dict.fromkeys(JobStatus, 0), JobStatus.PENDING: 1}


def test_housekeeping_repairs_the_index(stage: Stage) -> None:
    stage.submit()
    runs = job_index.of(stage.dagster)
    with runs.transaction() as connection:
        connection.exec_driver_sql("UPDATE export_jobs SET organisation = 'other'")
        connection.exec_driver_sql("UPDATE export_job_counts SET jobs = 9")
    job = defs.resolve_job_def(HOUSEKEEPING_JOB)
    done = job.execute_in_process(instance=stage.dagster, op_selection=["repair_job_index"])
    assert done.success
    assert len(stage.listed()) == 1
    assert stage.exports.jobs("other", ALL).total == 0
