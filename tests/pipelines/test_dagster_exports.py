"""The façade's `Exports` port on a real instance. All warm workers are busy, so small jobs are queued too."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import dagster as dg
import pytest

from accounts.errors import UnusableResolver
from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue.queries.selected import Size, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports import trace
from exports.artefacts import ArtefactStore
from exports.designs import chosen
from exports.errors import (
    AlreadyFinished,
    ExportNotFound,
    InvalidRequest,
    KeyReused,
    NotReprintable,
    StillInFlight,
    StorageIsFull,
    TooManyOpenJobs,
)
from exports.jobs import manifest, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.limits import Limits
from exports.ports import JobStatus, Page
from exports.reads import ExportReads
from exports.requests.request import ExportRequest, parse_request
from exports.requests.row_ranges import parse_rows
from pipelines import tags
from pipelines.dagster_exports import _KEYED_RUNS, DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.export import mirror
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.submission.claims import run_id_of
from tests.pipelines.conftest import LOTS

ACME = Organisation("acme", "Acme")
OTHER = Organisation("other", "Other")


class BusyWorkers:
    """Never has a free worker."""

    ready = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def execute(
        self, run_id: str, organisation: str, wait_seconds: float, *, instead: Callable[[], None]
    ) -> None:
        self.asked.append(run_id)
        instead()


@dataclass(frozen=True)
class Stage:
    exports: DagsterExports
    store: ArtefactStore
    workers: BusyWorkers
    accounts: Accounts


@pytest.fixture
def stage(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> Stage:
    workers = BusyWorkers()
    exports = DagsterExports(
        instance=dagster,
        runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
        workers=workers,
        catalogue=catalogue,
        artefacts=artefacts,
        sync_threshold=10,
        accounts=accounts,
        limits=Limits(max_items=LOTS, max_open_jobs=6),
    )
    return Stage(exports, artefacts, workers, accounts)


def wanted(**body: object) -> ExportRequest:
    request = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg", **body}
    return parse_request(json.dumps(request).encode())


def submit(stage: Stage, request: ExportRequest, key: str | None = None, organisation: Organisation = ACME):
    return stage.exports.submit(organisation, request, requested_by="key:1", idempotency_key=key)


def test_the_same_key_names_the_same_job(stage: Stage) -> None:
    first = submit(stage, wanted(), "order-7")
    again = submit(stage, wanted(filters={"never_printed": False}), "order-7")
    assert again.job_id == first.job_id
    assert first.status is JobStatus.PENDING
    with pytest.raises(KeyReused):
        submit(stage, wanted(file_format="png"), "order-7")
    assert submit(stage, wanted(), "order-7", OTHER).job_id != first.job_id
    assert stage.exports.jobs("acme", Page(1, 10)).total == 1


def test_a_refused_request_leaves_its_key_free(stage: Stage) -> None:
    sheet = {"export_type": "sheet_pdf", "file_format": "pdf"}
    with pytest.raises(InvalidRequest):
        submit(stage, wanted(**sheet, asset_config={"sheet_template": "nothing_like_it"}), "order-8")
    assert submit(stage, wanted(), "order-8").status is JobStatus.PENDING


def test_a_plan_without_a_run_is_taken_up_again(stage: Stage) -> None:
    run_id = run_id_of(_KEYED_RUNS, ACME.slug, "order-9")
    plan.save(stage.exports._submissions.plan_of(run_id, ACME, wanted(), "key:before"), stage.store)
    job = submit(stage, wanted(), "order-9")
    assert job.job_id == job_id_for(run_id)
    assert plan.load(job.job_id, stage.store).requested_by == "key:before"


def test_more_than_the_most_is_refused(stage: Stage) -> None:
    stage.exports._submissions.limits = Limits(max_items=LOTS - 1)
    with pytest.raises(InvalidRequest) as caught:
        submit(stage, wanted())
    assert [fault["type"] for fault in caught.value.details] == ["too_many_items"]
    assert stage.exports.jobs("acme", Page(1, 10)).total == 0


@pytest.mark.parametrize(
    ("max_labels", "copies"), [(LOTS - 1, 1), (LOTS, 1), (2 * LOTS - 1, 2), (2 * LOTS, 2)]
)
def test_more_labels_than_the_most_are_refused(stage: Stage, max_labels: int, copies: int) -> None:
    stage.exports._submissions.limits = Limits(max_labels=max_labels)
    config = {"sheet_template": "thermal_4x6in", "symbology": "datamatrix", "copies": copies}
    request = wanted(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    if max_labels == copies * LOTS:
        assert submit(stage, request).status is JobStatus.PENDING
        return
    with pytest.raises(InvalidRequest) as caught:
        submit(stage, request)
    [fault] = caught.value.details
    assert fault["type"] == "too_many_labels"
    assert f"{max_labels} at most" in fault["msg"]
    assert stage.exports.jobs("acme", Page(1, 10)).total == 0


def test_quantities_count_as_labels(stage: Stage, catalogue: Catalogue) -> None:
    [rows] = resolve(catalogue, Selection("acme", Scope.LOTS))
    counts = [{"id": rows["entity_id"][0], "copies": 0}, {"id": rows["entity_id"][1], "copies": 40}]
    config = {"sheet_template": "thermal_4x6in", "symbology": "datamatrix", "quantities": counts}
    request = wanted(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    labels = LOTS - 2 + 40
    stage.exports._submissions.limits = Limits(max_labels=labels - 1)
    with pytest.raises(InvalidRequest) as caught:
        submit(stage, request)
    [fault] = caught.value.details
    assert (fault["type"], f"{labels:,} labels" in fault["msg"]) == ("too_many_labels", True)
    stage.exports._submissions.limits = Limits(max_labels=labels)
    assert submit(stage, request).total_labels is None, "nothing is resolved yet"
    made = completed(stage, catalogue, request)
    job = stage.exports.job("acme", made)
    assert (job.total_items, job.total_labels) == (LOTS - 1, labels)
    for rows_again, expected in ((None, labels), ("1-2", 41)):
        ranges = rows_again and parse_rows(rows_again)
        stage.exports._submissions.limits = Limits(max_labels=expected - 1)
        with pytest.raises(InvalidRequest):
            stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn", rows=ranges or None)
        stage.exports._submissions.limits = Limits(max_labels=expected)
        again = stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn", rows=ranges or None)
        assert again.status is JobStatus.PENDING


def test_an_organisation_whose_storage_is_full_gets_no_job(stage: Stage, dagster: dg.DagsterInstance) -> None:
    for organisation, size in ((ACME, 600), (ACME, 400), (OTHER, 5_000)):
        job = submit(stage, wanted(), organisation=organisation)
        dagster.add_run_tags(run_id_for(job.job_id), {tags.STORED_BYTES: str(size)})
        dagster.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, LABEL_EXPORT_JOB), run_id_for(job.job_id)
        )
    stage.exports._submissions.limits = Limits(max_storage_bytes=1_001)
    submit(stage, wanted(), "kept")
    stage.exports._submissions.limits = Limits(max_storage_bytes=1_000)
    for key in (None, "new"):
        with pytest.raises(StorageIsFull):
            submit(stage, wanted(), key)
    assert submit(stage, wanted(), "kept").status is JobStatus.PENDING, "a replay makes no job"
    stage.exports._submissions.limits = Limits()
    assert submit(stage, wanted(), "new").status is JobStatus.PENDING, "a refused request left its key free"


@pytest.mark.parametrize(
    ("max_pages", "copies"), [(LOTS - 1, 1), (LOTS, 1), (2 * LOTS - 1, 2), (2 * LOTS, 2)]
)
def test_more_pages_than_the_most_are_refused(stage: Stage, max_pages: int, copies: int) -> None:
    stage.exports._submissions.limits = Limits(max_items=LOTS, max_pages=max_pages)
    config = {"sheet_template": "thermal_4x6in", "symbology": "datamatrix", "copies": copies}
    request = wanted(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    if max_pages == copies * LOTS:
        assert submit(stage, request).status is JobStatus.PENDING
        return
    with pytest.raises(InvalidRequest) as caught:
        submit(stage, request)
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "filters"], "too_many_pages")
    assert f"{copies * LOTS} pages" in fault["msg"]
    assert f"{max_pages} at most" in fault["msg"]


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(max_items=LOTS - 1), "too_many_items"),
        (Limits(max_labels=2 * LOTS - 1), "too_many_labels"),
        (Limits(max_pages=2 * LOTS - 1), "too_many_pages"),
    ],
)
def test_a_reprint_keeps_to_the_limits(stage: Stage, catalogue: Catalogue, limits: Limits, kind: str) -> None:
    config = {"sheet_template": "thermal_4x6in", "symbology": "datamatrix", "copies": 2}
    made = completed(
        stage, catalogue, wanted(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    )
    stage.exports._submissions.limits = limits
    with pytest.raises(InvalidRequest) as caught:
        stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn")
    assert [(fault["loc"], fault["type"]) for fault in caught.value.details] == [(["path", "job_id"], kind)]
    stage.exports._submissions.limits = Limits(max_items=LOTS, max_pages=2 * LOTS)
    assert stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn").status is JobStatus.PENDING


def test_a_job_of_a_scale_that_is_taken_no_more_is_not_printed_again(
    stage: Stage, catalogue: Catalogue
) -> None:
    sheet = {"sheet_template": "avery_5160", "symbology": "datamatrix", "scale_percent": 99.0}
    made = completed(stage, catalogue, wanted(export_type="sheet_pdf", file_format="pdf", asset_config=sheet))
    key = f"{plan.load(made, stage.store).folder}/request.json"
    document = stage.store.read_json(key)
    document["request"]["asset_config"]["scale_percent"] = 60.0
    stage.store.write_json(key, document)
    with pytest.raises(NotReprintable, match="no longer accepted"):
        stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn")


def completed(
    stage: Stage, catalogue: Catalogue, request: ExportRequest, organisation: Organisation = ACME
) -> str:
    """Return the id of a job of all lots, made without a check and completed without being run."""
    made = stage.exports._submissions.plan_of(str(uuid.uuid4()), organisation, request, "key:1")
    stage.exports._start(made, Size(LOTS, LOTS), 0)
    frozen = manifest.freeze(made, catalogue, stage.store)
    instance, run_id = stage.exports._instance, run_id_for(made.job_id)
    mirror.resolved(instance, run_id, made, frozen)
    done = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name="label_export")
    instance.report_dagster_event(done, run_id)
    return made.job_id


def test_a_job_its_replay_and_its_reprint_keep_the_design(stage: Stage, catalogue: Catalogue) -> None:
    """Whatever becomes of it: changed, and then removed."""
    request = wanted(
        export_type="sheet_pdf",
        file_format="pdf",
        asset_config={"design": "shelf", "sheet_template": "avery_5163"},
    )

    def add(text: str) -> None:
        body = json.dumps({"version": 1, "lines": [{"text": text}]}).encode()
        chosen.add(stage.accounts.designs, "acme", "shelf", body, created_by="key:1")

    def text_of(job_id: str) -> str:
        design = plan.load(job_id, stage.store).design
        assert design is not None
        return design.lines[0].text

    add("LOT {lot}")
    made, keyed = completed(stage, catalogue, request), submit(stage, request, "order-7").job_id
    add("BATCH {lot}")
    assert text_of(completed(stage, catalogue, request)) == "BATCH {lot}"
    stage.accounts.designs.remove("acme", "shelf")
    with pytest.raises(InvalidRequest):
        submit(stage, request)
    assert submit(stage, request, "order-7").job_id == keyed
    again = stage.exports.reprint(ACME, made, requested_by="key:1", reason="torn").job_id
    assert [text_of(job_id) for job_id in (made, keyed, again)] == ["LOT {lot}"] * 3


def test_the_same_key_names_the_same_reprint(stage: Stage, catalogue: Catalogue) -> None:
    job_id = completed(stage, catalogue, wanted())

    def reprint(reason: str, key: str = "again-7"):
        return stage.exports.reprint(
            ACME, job_id, requested_by="key:1", reason=reason, idempotency_key=key
        ).job_id

    first = reprint("torn")
    assert reprint("torn") == first
    assert reprint("torn", "again-8") != first
    with pytest.raises(KeyReused):
        reprint("wet")
    with pytest.raises(KeyReused):
        submit(stage, wanted(), "again-7")
    submit(stage, wanted(), "order-7")
    with pytest.raises(KeyReused):
        reprint("torn", "order-7")


def status_of(stage: Stage, run_id: str) -> dg.DagsterRunStatus:
    run = stage.exports._instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


#: Where a submission fails after its run was created, and whether a worker was to have it.
FAILURES = [("queue", True), ("job", True), ("queue", False), ("job", False)]


@pytest.mark.parametrize(("where", "small"), FAILURES)
def test_a_submission_that_fails_prints_nothing_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, where: str, small: bool
) -> None:
    stage.exports._sync_threshold = LOTS if small else 0
    with monkeypatch.context() as patch:
        patch.setattr(stage.exports._runs if where == "queue" else stage.exports, where, failing)
        with pytest.raises(OSError, match="full"):
            submit(stage, wanted(filters={"never_printed": True}))
    (run,) = stage.exports._instance.get_runs()
    assert run.status is dg.DagsterRunStatus.CANCELED
    assert stage.exports.job("acme", job_id_for(run.run_id)).error_code == "cancelled"
    assert stage.accounts.acquire_lease("never-printed:acme", "another job", 60)


@pytest.mark.parametrize(("where", "small"), FAILURES)
def test_a_submission_with_a_key_that_fails_waits_for_its_replay(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, where: str, small: bool
) -> None:
    stage.exports._sync_threshold = LOTS if small else 0
    run_id = run_id_of(_KEYED_RUNS, ACME.slug, "order-7")
    with monkeypatch.context() as patch:
        patch.setattr(stage.exports._runs if where == "queue" else stage.exports, where, failing)
        with pytest.raises(OSError, match="full"):
            submit(stage, wanted(), "order-7")
    assert status_of(stage, run_id) is dg.DagsterRunStatus.NOT_STARTED
    assert submit(stage, wanted(), "order-7").job_id == job_id_for(run_id)
    assert status_of(stage, run_id) is dg.DagsterRunStatus.QUEUED


def test_a_job_that_has_started_is_never_answered_with_an_error(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = stage.exports.job, []

    def job(*arguments: str):
        calls.append(arguments)
        return real(*arguments) if len(calls) == 1 else failing()

    monkeypatch.setattr(stage.exports, "job", job)
    receipt = submit(stage, wanted())
    assert receipt.status is JobStatus.PENDING
    assert status_of(stage, run_id_for(receipt.job_id)) is dg.DagsterRunStatus.QUEUED


def test_one_request_at_a_time_answers_for_a_key(stage: Stage) -> None:
    claim = f"answer:{run_id_of(_KEYED_RUNS, ACME.slug, 'order-7')}"
    assert stage.accounts.acquire_lease(claim, "another façade", 60)
    with pytest.raises(StillInFlight):
        submit(stage, wanted(), "order-7")
    stage.accounts.release_lease(claim, "another façade")
    assert submit(stage, wanted(), "order-7").status is JobStatus.PENDING


def failing(*_: object) -> NoReturn:
    raise OSError("the disk is full")


def test_an_organisation_has_so_many_open_jobs(stage: Stage) -> None:
    first = submit(stage, wanted(), "order-1")
    for _ in range(5):
        submit(stage, wanted())
    for refused in (None, "order-2"):
        with pytest.raises(TooManyOpenJobs) as caught:
            submit(stage, wanted(), refused)
        assert (caught.value.code, caught.value.value) == ("rate_limited", 6)
        assert caught.value.retry_after > 0
    with pytest.raises(TooManyOpenJobs):
        stage.exports.reprint(ACME, first.job_id, requested_by="key:1", reason="torn")
    assert submit(stage, wanted(), "order-1").job_id == first.job_id, "a replay makes no job"
    assert submit(stage, wanted(), organisation=OTHER).status is JobStatus.PENDING
    stage.exports.cancel("acme", first.job_id)
    assert submit(stage, wanted(), "order-2").status is JobStatus.PENDING


def test_a_job_whose_stock_is_taken_is_queued_without_asking_a_worker(stage: Stage) -> None:
    never_printed = wanted(filters={"never_printed": True})
    assert stage.accounts.acquire_lease("never-printed:acme", "another job", 60)
    contended = submit(stage, never_printed)
    assert stage.workers.asked == []
    submit(stage, never_printed, organisation=OTHER)
    submit(stage, wanted())
    assert len(stage.workers.asked) == 2
    statuses = {run.run_id: run.status for run in stage.exports._instance.get_runs()}
    assert set(statuses.values()) == {dg.DagsterRunStatus.QUEUED}
    assert run_id_for(contended.job_id) in statuses


def test_a_queued_job_holds_no_stock(stage: Stage) -> None:
    submit(stage, wanted(filters={"never_printed": True}))
    assert stage.accounts.acquire_lease("never-printed:acme", "another job", 60)


def test_a_job_that_is_cancelled_while_it_waits_for_a_worker_frees_the_stock(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(run_id: str, *_: object, instead: Callable[[], None]) -> None:
        stage.exports.cancel("acme", job_id_for(run_id))

    monkeypatch.setattr(stage.workers, "execute", cancelled)
    assert submit(stage, wanted(filters={"never_printed": True})).error_code == "cancelled"
    assert stage.accounts.acquire_lease("never-printed:acme", "another job", 60)


def test_a_queued_job_is_cancelled_for_good(stage: Stage) -> None:
    job = submit(stage, wanted())
    cancelled = stage.exports.cancel("acme", job.job_id)
    assert (cancelled.status, cancelled.error, cancelled.error_code) == (
        JobStatus.FAILED,
        "cancelled",
        "cancelled",
    )
    assert stage.exports.cancel("acme", job.job_id).error_code == "cancelled"
    assert stage.exports.jobs("acme", Page(1, 10), JobStatus.FAILED).total == 1


def test_another_organisations_job_is_unknown(stage: Stage) -> None:
    job = submit(stage, wanted())
    for ask in (
        lambda: stage.exports.job("other", job.job_id),
        lambda: stage.exports.cancel("other", job.job_id),
        lambda: stage.exports.reprint(OTHER, job.job_id, requested_by="key:2", reason="mine"),
    ):
        with pytest.raises(ExportNotFound):
            ask()
    assert stage.exports.jobs("other", Page(1, 10)).total == 0


def test_only_a_completed_job_is_printed_again(stage: Stage) -> None:
    job = submit(stage, wanted())
    with pytest.raises(NotReprintable):
        stage.exports.reprint(ACME, job.job_id, requested_by="key:1", reason="torn")


def test_some_rows_are_printed_again(stage: Stage, catalogue: Catalogue) -> None:
    done = completed(stage, catalogue, wanted())
    again = stage.exports.reprint(ACME, done, requested_by="key:1", reason="jam", rows=parse_rows("2-3,5"))
    stored = plan.load(again.job_id, stage.store)
    assert (stored.reprint_of, stored.reason, stored.rows) == (done, "jam", ((2, 3), (5, 5)))
    assert manifest.freeze(stored, catalogue, stage.store).rows == 3
    with pytest.raises(InvalidRequest) as refused:
        stage.exports.reprint(ACME, done, requested_by="key:1", reason="jam", rows=parse_rows("1,5-7"))
    assert refused.value.details[0]["msg"] == "The job has rows 1-5, not 6-7"
    assert stage.exports.jobs("acme", Page(1, 10)).total == 2


def test_a_finished_job_cannot_be_cancelled(stage: Stage) -> None:
    job = submit(stage, wanted())
    run = stage.exports._instance.get_runs()[0]
    stage.exports._instance.report_run_failed(run)
    with pytest.raises(AlreadyFinished):
        stage.exports.cancel("acme", job.job_id)


def test_jobs_are_listed_newest_first_by_page(stage: Stage) -> None:
    made = [submit(stage, wanted()).job_id for _ in range(3)]
    listed = stage.exports.jobs("acme", Page(1, 2))
    assert [job.job_id for job in listed.jobs] == made[:0:-1]
    assert [job.job_id for job in stage.exports.jobs("acme", Page(2, 2)).jobs] == made[:1]
    assert listed.total == 3


def test_a_bad_resolver_holds_up_its_organisations_links_alone(stage: Stage, catalogue: Catalogue) -> None:
    bad = replace(ACME, resolver="https://example.com/10/shop")
    sheet = {"export_type": "sheet_pdf", "file_format": "pdf"}
    for links in (
        {},
        {"export_type": "codes_combined"},
        {**sheet, "asset_config": {"sheet_template": "avery_5160"}},
        {**sheet, "asset_config": {"sheet_template": "avery_5160", "symbology": "qr"}},
    ):
        with pytest.raises(UnusableResolver, match="labels org resolver acme URL") as refused:
            submit(stage, wanted(**links), "order-9", bad)
        assert (refused.value.field, refused.value.value) == ("resolver", bad.resolver)
        with pytest.raises(UnusableResolver):
            ExportReads(catalogue, stage.store).preview(bad, wanted(**links))
    assert stage.exports.jobs("acme", Page(1, 10)).total == 0
    for others in (
        {"export_type": "datamatrix"},
        {"export_type": "barcodes_1d"},
        {**sheet, "asset_config": {"sheet_template": "avery_5160", "symbology": "datamatrix"}},
    ):
        assert submit(stage, wanted(**others), organisation=bad).status is JobStatus.PENDING
    assert submit(stage, wanted(), organisation=OTHER).status is JobStatus.PENDING
    # The refusal left the key free, and the organisation's next resolver is taken.
    assert submit(stage, wanted(), "order-9", ACME).status is JobStatus.PENDING


def test_a_job_with_a_bad_resolver_is_not_printed_again(stage: Stage, catalogue: Catalogue) -> None:
    bad = replace(ACME, resolver="https://example.com/10/shop")
    # As a release made them that knew fewer rules.
    datamatrix, links = (
        completed(stage, catalogue, request, bad) for request in (wanted(export_type="datamatrix"), wanted())
    )
    again = stage.exports.reprint(bad, datamatrix, requested_by="key:1", reason="torn")
    assert plan.load(again.job_id, stage.store).reprint_of == datamatrix
    with pytest.raises(NotReprintable, match="misread"):
        stage.exports.reprint(ACME, links, requested_by="key:1", reason="torn")


def test_a_job_belongs_to_the_trace_of_its_submission(stage: Stage, dagster: dg.DagsterInstance) -> None:
    with trace.span("request", None) as request:
        traced = submit(stage, wanted())
    untraced = submit(stage, wanted())
    made = [plan.load(job.job_id, stage.store) for job in (traced, untraced)]
    assert made[0].traceparent == str(request)
    for job, stored in zip((traced, untraced), made, strict=True):
        run = dagster.get_run_by_id(run_id_for(job.job_id))
        assert run is not None
        assert run.tags["labels/trace_id"] == trace.parse(stored.traceparent).trace_id
