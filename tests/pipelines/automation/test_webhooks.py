"""The end of every job is sent once to the webhooks of its organisation."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from accounts.store import Accounts
from exports import trace
from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs import plan as export_plans
from exports.jobs.decision import Artefact
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines import tags
from pipelines.automation import webhooks
from pipelines.automation.webhooks import enqueue_ended
from pipelines.definitions import defs
from pipelines.execution.runs import Runs

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')


@pytest.fixture
def runs(dagster) -> Runs:
    return Runs(dagster, defs.get_repository_def(), "unused.sock")


def started(number: int, runs: Runs, artefacts: ArtefactStore, organisation: str = "acme") -> ExportPlan:
    job_id = job_id_for(f"00000000-0000-4000-8000-{number:012d}")
    export = ExportPlan(job_id, organisation, None, "key:1", NOW, REQUEST)
    export_plans.save(export, artefacts)
    runs.create(export)
    return export


def ended(export: ExportPlan, dagster: dg.DagsterInstance, artefacts: ArtefactStore) -> None:
    artefact = Artefact(f"{export.folder}/artefact", "labels.zip", 9, "00", 4, 1)
    decision.commit(export.job_id, artefact, artefacts, NOW)
    event(export, dagster, dg.DagsterEventType.RUN_SUCCESS)


def event(export: ExportPlan, dagster: dg.DagsterInstance, kind: dg.DagsterEventType) -> None:
    run = dagster.get_run_by_id(run_id_for(export.job_id))
    dagster.report_dagster_event(dg.DagsterEvent(kind.value, run.job_name), run.run_id)


def told(accounts: Accounts) -> list[tuple[str, str, dict]]:
    deliveries = accounts.deliveries.due(datetime.now(UTC) + timedelta(minutes=1), 100)
    bodies = [(delivery.message_id, json.loads(delivery.payload)) for delivery in deliveries]
    return [(message_id, body["type"], body["data"]) for message_id, body in bodies]


def test_an_ended_job_is_told_once(dagster, runs, catalogue, artefacts, accounts) -> None:
    accounts.webhooks.add("acme", "https://hooks.example/")
    completed, running = started(1, runs, artefacts), started(2, runs, artefacts)
    ended(completed, dagster, artefacts)
    first = enqueue_ended(dagster, catalogue, artefacts, accounts, None)
    assert first.deliveries == 1
    ((message_id, kind, data),) = told(accounts)
    assert (message_id, kind) == (f"msg_{completed.job_id}", "label_export.completed")
    assert data["output_filename"] == "labels.zip"
    assert (data["status"], data["processed_items"], data["failed_items"]) == ("completed", 4, 1)
    assert enqueue_ended(dagster, catalogue, artefacts, accounts, first.cursor).deliveries == 0
    assert enqueue_ended(dagster, catalogue, artefacts, accounts, None).deliveries == 0, (
        "a lost cursor repeats nothing"
    )
    decision.cancel(running.job_id, artefacts, NOW)
    dagster.report_run_canceled(dagster.get_run_by_id(run_id_for(running.job_id)))
    second = enqueue_ended(dagster, catalogue, artefacts, accounts, first.cursor)
    assert second.deliveries == 1
    assert [(kind, data["error_code"]) for _, kind, data in told(accounts)[1:]] == [
        ("label_export.failed", "cancelled")
    ]


def test_a_failed_job_is_told_with_its_reason(dagster, runs, catalogue, artefacts, accounts) -> None:
    accounts.webhooks.add("acme", "https://hooks.example/")
    failed = started(1, runs, artefacts)
    dagster.add_run_tags(
        run_id_for(failed.job_id), {tags.ERROR_CODE: "empty_selection", tags.ERROR: "Nothing."}
    )
    event(failed, dagster, dg.DagsterEventType.RUN_FAILURE)
    enqueue_ended(dagster, catalogue, artefacts, accounts, None)
    ((_, kind, data),) = told(accounts)
    assert (kind, data["error_code"], data["error"]) == ("label_export.failed", "empty_selection", "Nothing.")


def test_the_event_counts_where_the_runs_status_lags_behind(
    dagster, runs, catalogue, artefacts, accounts, monkeypatch
) -> None:
    accounts.webhooks.add("acme", "https://hooks.example/")
    export = started(1, runs, artefacts)
    with monkeypatch.context() as patch:
        patch.setattr(dagster.run_storage, "handle_run_event", lambda *_, **__: None)
        ended(export, dagster, artefacts)
    assert dagster.get_run_by_id(run_id_for(export.job_id)).status is dg.DagsterRunStatus.NOT_STARTED
    enqueue_ended(dagster, catalogue, artefacts, accounts, None)
    assert [kind for _, kind, _ in told(accounts)] == ["label_export.completed"]


def test_only_the_organisations_own_webhooks_are_told(dagster, runs, catalogue, artefacts, accounts) -> None:
    accounts.create_organisation("other")
    accounts.webhooks.add("other", "https://hooks.example/")
    ended(started(1, runs, artefacts), dagster, artefacts)
    ended(started(2, runs, artefacts, "removed"), dagster, artefacts)
    theirs = started(3, runs, artefacts, "other")
    ended(theirs, dagster, artefacts)
    assert enqueue_ended(dagster, catalogue, artefacts, accounts, None).deliveries == 1
    assert [message_id for message_id, *_ in told(accounts)] == [f"msg_{theirs.job_id}"]


def test_a_message_belongs_to_the_trace_of_its_job(dagster, runs, catalogue, artefacts, accounts) -> None:
    accounts.webhooks.add("acme", "https://hooks.example/")
    export = started(1, runs, artefacts)
    ended(export, dagster, artefacts)
    enqueue_ended(dagster, catalogue, artefacts, accounts, None)
    [delivery] = accounts.deliveries.due(datetime.now(UTC) + timedelta(minutes=1), 100)
    sent = trace.parse(json.loads(delivery.payload)["traceparent"])
    assert sent.trace_id == trace.parse(export.traceparent).trace_id


@pytest.fixture
def two_ended(dagster, runs, artefacts, accounts) -> tuple[ExportPlan, ExportPlan]:
    """Return an ended job of `acme` and a later one of `other`, which have a webhook each."""
    accounts.create_organisation("other")
    made = started(1, runs, artefacts), started(2, runs, artefacts, "other")
    for export in made:
        accounts.webhooks.add(export.organisation, "https://hooks.example/")
        ended(export, dagster, artefacts)
    return made


def test_an_unreadable_document_spoils_one_job(
    dagster, catalogue, artefacts, accounts, two_ended, caplog
) -> None:
    theirs, others = two_ended
    with artefacts.write(f"{theirs.folder}/decision.json") as stream:
        stream.write(b"{")
    assert enqueue_ended(dagster, catalogue, artefacts, accounts, None).deliveries == 2
    assert {message_id: (kind, data["error_code"]) for message_id, kind, data in told(accounts)} == {
        f"msg_{theirs.job_id}": ("label_export.failed", "unreadable_document"),
        f"msg_{others.job_id}": ("label_export.completed", None),
    }
    assert f"{theirs.folder}/decision.json" in caplog.text


def test_an_event_that_fails_is_reported_and_told_later(
    dagster, catalogue, artefacts, accounts, two_ended, tmp_path, caplog
) -> None:
    theirs, others = two_ended
    key = f"{theirs.folder}/decision.json"
    hidden = tmp_path / "hidden"
    artefacts.local_path(key).rename(hidden)
    (tmp_path / "store" / key).mkdir()
    first = enqueue_ended(dagster, catalogue, artefacts, accounts, None)
    assert (first.deliveries, first.failed) == (1, 1)
    assert [message_id for message_id, *_ in told(accounts)] == [f"msg_{others.job_id}"]
    run = dagster.get_run_by_id(run_id_for(theirs.job_id))
    assert run.tags[tags.WEBHOOK_ERROR].startswith("IsADirectoryError")
    assert run.run_id in caplog.text
    (tmp_path / "store" / key).rmdir()
    hidden.rename(tmp_path / "store" / key)
    second = enqueue_ended(dagster, catalogue, artefacts, accounts, first.cursor)
    assert (second.deliveries, second.failed) == (1, 0)
    assert {message_id for message_id, *_ in told(accounts)} == {
        f"msg_{theirs.job_id}",
        f"msg_{others.job_id}",
    }


def test_an_event_that_always_fails_is_given_up(
    dagster, catalogue, artefacts, accounts, two_ended, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(webhooks, "_MOST_FAILURES", 1)
    path = tmp_path / "store" / two_ended[0].folder / "decision.json"
    path.unlink()
    path.mkdir()
    cursor, failed = None, []
    for _ in range(3):
        enqueued = enqueue_ended(dagster, catalogue, artefacts, accounts, cursor)
        cursor = enqueued.cursor
        failed.append(enqueued.failed)
    assert failed == [1, 0, 0]
