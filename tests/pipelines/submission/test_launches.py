"""Label exports that are launched and executed again in Dagster's UI."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import dagster as dg
import pytest

from catalogue import lifecycle
from exports import assemble
from exports.errors import AllItemsFailed
from exports.jobs import manifest, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.ports import JobStatus, Page
from exports.printers import profile
from exports.requests.request import ExportRequest
from exports.requests.row_ranges import parse_rows
from exports.sheets.templates import templates_in
from pipelines import tags
from pipelines.execution import runs
from pipelines.export.launch_config import EXAMPLE, request_in
from pipelines.submission import launches
from tests.pipelines.submission.dagster_ui import LOTS, Ui, dagster_ui, run_id_of

REQUEST = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
SHEET = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf"}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    home = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELS_STORAGE_URL", str(home / "store"))
        patch.setenv("LABELS_DATABASE_URL", f"sqlite:///{home / 'accounts.sqlite'}")
        with dagster_ui(home) as served:
            yield served


@pytest.fixture
def acme(ui: Ui, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An organisation of the test's own, so that its list has only what the test made."""
    number = ui.accounts.organisations()
    return ui.open(f"acme-{len(number)}", tmp_path)


def jobs(ui: Ui, organisation: str) -> list[tuple[str, JobStatus]]:
    page = ui.exports.jobs(organisation, Page(1, 50))
    assert page.total == len(page.jobs)
    return [(job.job_id, job.status) for job in page.jobs]


def refused(ui: Ui, answer: dict[str, str], organisation: str | None) -> str:
    """Return what somebody reads who is refused; assert that there is no job, and that the run has failed."""
    assert (answer["__typename"], answer["className"]) == ("PythonError", "LaunchRefused"), answer
    run = ui.newest()
    assert run.status is dg.DagsterRunStatus.FAILURE
    sentence = answer["message"].partition("LaunchRefused: ")[2].strip()
    assert sentence.splitlines()[0] in ui.log_of(run.run_id)
    assert not tags.OF_SUBMISSION & run.tags.keys()
    if organisation is not None:
        assert job_id_for(run.run_id) not in dict(jobs(ui, organisation))
    return sentence


@pytest.mark.parametrize("job", ["__ASSET_JOB", "label_export_job"])
def test_what_is_materialized_is_a_job(ui: Ui, acme: str, job: str) -> None:
    forged = {tags.ORGANISATION: "other", tags.CANCELLED: tags.TRUE, "team": "night shift"}
    run_id = run_id_of(ui.materialize(acme, REQUEST, job=job, **forged))
    job_id = job_id_for(run_id)
    assert jobs(ui, acme) == [(job_id, JobStatus.PENDING)]
    run = ui.execute(run_id)
    assert run.tags[tags.ORGANISATION] == acme
    assert (run.tags[tags.ACTOR], run.tags["team"]) == ("ui:maria@example.com", "night shift")
    assert run.tags[tags.KIND] == tags.EXPORT
    assert request_in(run.run_config) == REQUEST
    done = ui.exports.job(acme, job_id)
    assert (done.status, done.processed_items) == (JobStatus.COMPLETED, LOTS)
    assert jobs(ui, acme) == [(job_id, JobStatus.COMPLETED)]
    events, _ = lifecycle.history(ui.catalogue, acme, limit=10)
    assert set(events["job_id"]) == {job_id}


def test_one_step_alone_starts_all(ui: Ui, acme: str) -> None:
    chosen = ["label_export.resolve"]
    run = ui.run(run_id_of(ui.materialize(acme, REQUEST, job="label_export_job", steps=chosen)))
    assert len(run.step_keys_to_execute or ()) == 5


def test_a_misspelled_key_is_refused_by_dagster(ui: Ui, acme: str) -> None:
    answer = ui.materialize(acme, REQUEST | {"filter": {"never_printed": True}})
    assert answer["__typename"] == "RunConfigValidationInvalid"
    assert 'unexpected config entry "filter"' in answer["errors"][0]["message"]
    assert jobs(ui, acme) == []


def test_the_example_in_the_refusal_of_no_request_works(ui: Ui, acme: str) -> None:
    sentence = refused(ui, ui.materialize(acme, None), acme)
    assert "  label_export:\n    config:\n      request:\n        scope: lots\n" in sentence
    run_id_of(ui.materialize(acme, EXAMPLE))


@pytest.mark.parametrize(
    ("setting", "value", "request_", "words"),
    [
        ("MAX_ITEMS", LOTS - 1, REQUEST, "filters: The selection has more than 2 entities"),
        ("MAX_LABELS", LOTS - 1, REQUEST, "filters: 3 entities make 3 labels"),
        ("MAX_PAGES", 1, SHEET | {"asset_config": {"sheet_template": "thermal_4x6in"}}, "3 pages of thermal"),
        ("MAX_STORAGE_BYTES", 0, REQUEST, "may take 0"),
        ("MAX_OPEN_JOBS", 1, REQUEST, "has 1 open label exports"),
        ("ENGINE", "batch", REQUEST | {"filters": {"serial_ids": ["a"]}}, "filters.serial_ids: serial_ids narrows"),
        ("ENGINE", "batch", SHEET | {"asset_config": {"sheet_template": "no"}}, "asset_config.sheet_template: "),
    ],
)  # fmt: skip
def test_the_limits_and_checks_of_the_api_apply(
    ui: Ui,
    acme: str,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: object,
    request_: dict[str, object],
    words: str,
) -> None:
    run_id_of(ui.materialize(acme, REQUEST))
    monkeypatch.setenv(f"LABELS_{setting}", str(value))
    assert words in refused(ui, ui.materialize(acme, request_), acme)


def test_the_number_of_open_jobs_is_that_of_the_api(
    ui: Ui, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELS_MAX_OPEN_JOBS", "2")
    for _ in range(2):
        run_id_of(ui.materialize(acme, REQUEST))
    assert "has 2 open" in refused(ui, ui.materialize(acme, REQUEST), acme)


def test_only_an_active_organisation_exports(ui: Ui, acme: str) -> None:
    ui.accounts.suspend(acme)
    assert refused(ui, ui.materialize(acme, REQUEST), acme) == f"The organisation {acme} is suspended."
    assert "no organisation 'nobody'" in refused(ui, ui.materialize("nobody", REQUEST), "nobody")
    assert "Choose one partition" in refused(ui, ui.materialize(None, REQUEST), None)


@pytest.mark.parametrize(("from_", "executor"), [(LOTS, "forked"), (LOTS + 1, "in_process")])
def test_a_large_export_draws_in_parallel(
    ui: Ui, acme: str, monkeypatch: pytest.MonkeyPatch, from_: int, executor: str
) -> None:
    monkeypatch.setattr(runs, "PARALLEL_FROM", from_)
    run = ui.run(run_id_of(ui.materialize(acme, REQUEST)))
    assert list(run.run_config["execution"]["config"]) == [executor]  # type: ignore[call-overload,index]


def test_a_large_request_is_not_kept_in_the_run(ui: Ui, acme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches, "MOST_CONFIG_BYTES", 40)
    run_id = run_id_of(ui.materialize(acme, REQUEST))
    assert request_in(ui.run(run_id).run_config) is None
    assert plan.load(job_id_for(run_id), ui.artefacts).request.normalised() == REQUEST


def test_a_printer_is_resolved_and_its_tray_taken(ui: Ui, acme: str) -> None:
    desk = b'{"offset_x_mm": 0.5, "sheet_template": "avery_5160", "next_position": 4}'
    profile.save(ui.accounts.printers, templates_in(ui.artefacts), acme, "desk", desk, changed_by="key:1")
    wanted = SHEET | {"asset_config": {"printer": "desk", "symbology": "datamatrix"}}
    run_id = run_id_of(ui.materialize(acme, wanted))
    config = plan.load(job_id_for(run_id), ui.artefacts).config
    assert (config.start_position, config.offset_x_mm) == (4, 0.5)
    told = refused(ui, ui.materialize(acme, wanted), acme)
    assert f"is taken by label export {job_id_for(run_id)}" in told
    ui.execute(run_id)
    again = run_id_of(ui.materialize(acme, wanted))
    assert plan.load(job_id_for(again), ui.artefacts).config.start_position == 4 + LOTS
    unknown = SHEET | {"asset_config": {"printer": "nobody"}}
    assert "asset_config.printer: There is no printer 'nobody'" in refused(
        ui, ui.materialize(acme, unknown), acme
    )


def test_a_completed_job_is_printed_again_with_a_reason(ui: Ui, acme: str) -> None:
    first = run_id_of(ui.materialize(acme, REQUEST))
    ui.execute(first)
    assert f"add the tag {tags.REASON}" in refused(ui, ui.reexecute(first), acme)
    again = run_id_of(ui.reexecute(first, **{tags.REASON: "The roll was wet."}))
    run = ui.run(again)
    assert not tags.STATE & run.tags.keys()
    assert (run.tags[tags.REPRINT_OF], run.tags[tags.REASON]) == (job_id_for(first), "The roll was wet.")
    assert (run.parent_run_id, run.root_run_id) == (first, first)
    assert f"Prints again what job {job_id_for(first)} printed" in ui.log_of(again)
    ui.execute(again)
    done, before = (ui.exports.job(acme, job_id_for(run_id)) for run_id in (again, first))
    assert (done.status, done.processed_items) == (JobStatus.COMPLETED, LOTS)
    assert done.job_id != before.job_id
    # The reason of that reprint is copied to the next one, and is no reason for it.
    assert "needs a reason" in refused(ui, ui.reexecute(again), acme)
    assert "one line" in refused(ui, ui.reexecute(again, **{tags.REASON: "a\nb"}), acme)


@pytest.mark.parametrize("strategy", ["ALL_STEPS", "FROM_FAILURE", "FROM_ASSET_FAILURE"])
def test_a_failed_job_is_made_anew_with_all_its_steps(
    ui: Ui, acme: str, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    first = run_id_of(ui.materialize(acme, REQUEST))
    with monkeypatch.context() as patch:
        patch.setattr(assemble, "assemble", failing)
        assert ui.execute(first).tags[tags.ERROR_CODE] == "all_items_failed"
    again = run_id_of(ui.reexecute(first, strategy))
    run = ui.run(again)
    assert not tags.STATE & run.tags.keys()
    assert tags.REPRINT_OF not in run.tags
    assert f"Repeats the export, because job {job_id_for(first)} ended with all_items_failed" in ui.log_of(
        again
    )
    assert ("All steps are executed" in ui.log_of(again)) is (strategy != "ALL_STEPS")
    assert [status for _, status in jobs(ui, acme)] == [JobStatus.PENDING, JobStatus.FAILED]
    ui.execute(again)
    assert ui.exports.job(acme, job_id_for(again)).processed_items == LOTS
    assert "label_export.resolve" in {step.step_key for step in ui.dagster.get_run_step_stats(again)}


def failing(*_: object) -> NoReturn:
    raise AllItemsFailed(LOTS)


def test_a_cancelled_job_is_made_anew(ui: Ui, acme: str) -> None:
    first = run_id_of(ui.materialize(acme, REQUEST))
    assert "is pending" in refused(ui, ui.reexecute(first), acme)
    ui.exports.cancel(acme, job_id_for(first))
    again = run_id_of(ui.reexecute(first))
    assert "ended with cancelled" in ui.log_of(again)
    ui.execute(again)
    assert ui.exports.job(acme, job_id_for(again)).status is JobStatus.COMPLETED


def test_a_cancelled_reprint_is_made_anew_with_its_reason_and_rows(ui: Ui, acme: str) -> None:
    first = run_id_of(ui.materialize(acme, REQUEST))
    ui.execute(first)
    reprint = ui.exports.reprint(
        ui.accounts.organisation(acme),
        job_id_for(first),
        requested_by="key:1",
        reason="A jam",
        rows=parse_rows("2-3"),
    )
    ui.exports.cancel(acme, reprint.job_id)
    again = plan.load(job_id_for(run_id_of(ui.reexecute(run_id_for(reprint.job_id)))), ui.artefacts)
    assert (again.reprint_of, again.reason) == (job_id_for(first), "A jam")
    assert again.rows == parse_rows("2-3")


def test_what_is_refused_by_now_is_not_made_anew(ui: Ui, acme: str) -> None:
    request = ExportRequest.model_validate(REQUEST)
    first = ui.exports.submit(ui.accounts.organisation(acme), request, requested_by="key:1")
    ui.exports.cancel(acme, first.job_id)
    key = f"{plan.load(first.job_id, ui.artefacts).folder}/request.json"
    document = ui.artefacts.read_json(key)
    document["request"]["file_format"] = "pdf"
    ui.artefacts.write_json(key, document)
    answer = ui.reexecute(run_id_for(first.job_id))
    assert "file_format: qr_codes takes svg or png, not pdf" in refused(ui, answer, acme)


def test_a_job_of_another_organisation_is_not_printed(ui: Ui, acme: str, tmp_path: Path) -> None:
    other = ui.open(f"{acme}-other", tmp_path)
    first = run_id_of(ui.materialize(acme, REQUEST))
    ui.execute(first)
    moved = {"dagster/partition": other, tags.REASON: "theirs"}
    assert refused(ui, ui.reexecute(first, **moved), other) == "There is no such label export."


def test_a_refused_run_is_executed_again_as_if_for_the_first_time(ui: Ui, acme: str) -> None:
    ui.accounts.suspend(acme)
    refused(ui, ui.materialize(acme, REQUEST), acme)
    first = ui.newest()
    ui.accounts.resume(acme)
    again = run_id_of(ui.reexecute(first.run_id))
    assert jobs(ui, acme) == [(job_id_for(again), JobStatus.PENDING)]


def test_another_jobs_run_keeps_its_kind_and_loses_its_state(ui: Ui) -> None:
    forged = {tags.ORGANISATION: "acme", tags.WORKER: "1 2 3", "labels/worker": "1 2"}
    run = ui.run(run_id_of(ui.materialize(None, None, job="housekeeping", **forged)))
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags[tags.KIND] == tags.UPKEEP
    assert not (tags.STATE | tags.OF_SUBMISSION | tags.EARLIER.keys()) & run.tags.keys()


def test_a_submission_of_the_facade_passes_unchanged(ui: Ui, acme: str) -> None:
    organisation = ui.accounts.organisation(acme)
    job = ui.exports.submit(organisation, ExportRequest.model_validate(REQUEST), requested_by="key:1")
    run = ui.newest()
    assert job_id_for(run.run_id) == job.job_id
    assert run.tags[tags.ACTOR] == "key:1"
    assert manifest.is_frozen(plan.load(job.job_id, ui.artefacts), ui.artefacts) is False
