"""Runs and the files of their jobs expire together."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import inspect

from accounts.identity import Organisation
from catalogue import lifecycle
from catalogue.lifecycle import Printing
from exports.jobs import manifest
from exports.jobs import plan as export_plans
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.ports import JobStatus
from exports.requests.request import parse_request
from pipelines.automation.housekeeping import HOUSEKEEPING_JOB, expire, remove, shrink
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.storage import job_index, sqlite_space
from tests.pipelines.conftest import LOTS
from tests.pipelines.whole_jobs import ThisProcess

NOW = datetime.now(UTC)
REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')

on_both = pytest.mark.parametrize("dagster_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def job(dagster, artefacts):
    """Return a function that makes a job with something in its folder."""
    runs = Runs(dagster, defs.get_repository_def(), "unused.sock")

    def make(number: int) -> ExportPlan:
        job_id = job_id_for(f"00000000-0000-4000-8000-{number:012d}")
        export = ExportPlan(job_id, "acme", None, "key:1", NOW, REQUEST)
        export_plans.save(export, artefacts)
        runs.create(export)
        with artefacts.write(f"{export.folder}/artefact") as stream:
            stream.write(b"labels")
        return export

    return make


def end(dagster: dg.DagsterInstance, export: ExportPlan) -> None:
    run = dagster.get_run_by_id(run_id_for(export.job_id))
    dagster.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", run.job_name), run.run_id)


@on_both
def test_a_job_that_ended_long_ago_is_gone_with_all_it_kept(dagster, artefacts, job) -> None:
    old, unfinished = job(1), job(2)
    handed = Path(dagster.storage_directory()) / run_id_for(old.job_id)
    (handed / "step").mkdir(parents=True)
    for export in (old, unfinished):
        artefacts.write_json(f"runs/{run_id_for(export.job_id)}/step/result", {})
    end(dagster, old)
    later = datetime.now(UTC) + timedelta(seconds=5)
    assert expire(dagster, artefacts, later - timedelta(days=1)).runs == 0
    assert artefacts.exists(old.folder)
    done = expire(dagster, artefacts, later)
    assert (done.runs, done.left_over) == (1, 0)
    assert dagster.get_run_by_id(run_id_for(old.job_id)) is None
    assert dagster.all_logs(run_id_for(old.job_id)) == []
    assert not artefacts.exists(old.folder)
    assert not handed.exists()
    assert artefacts.keys("runs") == {f"runs/{run_id_for(unfinished.job_id)}/step/result"}
    assert dagster.get_run_by_id(run_id_for(unfinished.job_id)) is not None
    assert artefacts.exists(f"{unfinished.folder}/artefact")


def test_what_a_crash_left_is_removed_the_next_time(dagster, artefacts, job) -> None:
    half = job(1)
    artefacts.write_json(f"runs/{run_id_for(half.job_id)}/step/result", {})
    dagster.delete_run(run_id_for(half.job_id))
    assert expire(dagster, artefacts, NOW - timedelta(days=1)).left_over == 0
    assert expire(dagster, artefacts, datetime.now(UTC) + timedelta(seconds=5)).left_over == 2
    assert artefacts.keys("runs") == set()
    assert not artefacts.exists(half.folder)


def test_what_was_printed_stays_known(dagster, artefacts, catalogue, job) -> None:
    export = job(1)
    frozen = manifest.freeze(export, catalogue, artefacts)
    rows = manifest.read_rows(export, artefacts, Chunk(0, frozen.rows), 100)
    lifecycle.record_printed(catalogue, "acme", Printing(export.job_id, NOW), rows)
    end(dagster, export)
    expire(dagster, artefacts, datetime.now(UTC) + timedelta(seconds=5))
    _, total = lifecycle.history(catalogue, "acme", gtin14=None, lot=None, serial=None, offset=0, limit=1)
    assert total == frozen.rows


@on_both
def test_the_job_keeps_what_is_younger_than_the_retention(
    dagster, artefacts, accounts, job, monkeypatch
) -> None:
    export = job(1)
    end(dagster, export)
    accounts.webhooks.add("acme", "https://hooks.example/")
    for message_id, age in (("old", timedelta(days=2)), ("young", timedelta(hours=2))):
        accounts.deliveries.enqueue("acme", message_id, "{}", at=NOW - age)
    monkeypatch.setenv("LABELS_RETENTION_DAYS", "1")
    result = defs.resolve_job_def(HOUSEKEEPING_JOB).execute_in_process(instance=dagster)
    assert result.success
    assert artefacts.exists(f"{export.folder}/artefact")
    assert [delivery.message_id for delivery in accounts.deliveries.due(NOW, 10)] == ["young"]


def test_rows_that_expired_long_ago_and_free_pages_go(dagster, accounts, monkeypatch) -> None:
    accounts.acquire_lease("long gone", "a dead run", -40 * 24 * 3600)
    accounts.acquire_lease("just expired", "a stopped run", -60)
    freed: list[str] = []
    monkeypatch.setattr(sqlite_space, "give_back", lambda path: freed.append(path.name) or 0)
    result = defs.resolve_job_def(HOUSEKEEPING_JOB).execute_in_process(instance=dagster)
    assert result.success
    assert not accounts.renew_lease("long gone", "a dead run", 60)
    assert accounts.renew_lease("just expired", "a stopped run", 60)
    assert set(freed) >= {"runs.db", "accounts.sqlite"}


def test_a_database_that_is_busy_does_not_stop_the_rest(dagster, accounts, monkeypatch) -> None:
    def busy(path: Path) -> int:
        if path.name == "runs.db":
            raise sqlite3.OperationalError("database is locked")
        return 1

    monkeypatch.setattr(sqlite_space, "give_back", busy)
    log = dg.build_op_context().log
    assert shrink(dagster, accounts, log) >= 1


def rows(dagster: dg.DagsterInstance) -> dict[str, int]:
    """Count the rows of each table of runs and of events."""
    counted: dict[str, int] = {}
    for storage in (job_index.of(dagster).connect(), dagster.event_log_storage.index_connection()):
        with storage as connection:
            for table in inspect(connection).get_table_names():
                counted[table] = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    return counted


@on_both
def test_a_second_job_that_has_expired_leaves_no_row(dagster, artefacts, catalogue, accounts) -> None:
    """The first one leaves its job's snapshots, its asset and its organisation's partition."""
    exports = DagsterExports(
        instance=dagster,
        runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
        workers=ThisProcess(dagster),
        catalogue=catalogue,
        artefacts=artefacts,
        accounts=accounts,
        sync_threshold=LOTS,
        limits=Limits(),
    )
    left = []
    for _ in range(2):
        done = exports.submit(Organisation("acme", "Acme"), REQUEST, requested_by="key:1")
        assert done.status is JobStatus.COMPLETED
        remove(
            dagster, artefacts, accounts, datetime.now(UTC) + timedelta(seconds=5), dg.build_op_context().log
        )
        left.append(rows(dagster))
    assert left[0] == left[1]
