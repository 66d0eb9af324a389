"""Runs of releases before 0.2 have private tags under names that Dagster's UI shows."""

import uuid

import dagster as dg

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import job_id_for
from exports.ports import JobStatus
from pipelines import tags
from pipelines.execution import failures, worker
from pipelines.export.job_state import job_of, run_of
from pipelines.export.progress import ProgressReader
from pipelines.storage import job_index, job_runs, totals

BEFORE = {"labels/organisation": "acme", "dagster/partition": "acme"}


def old_run(dagster: dg.DagsterInstance, **state: str) -> str:
    """Store a run as a release before 0.2 tagged it. Return its id."""
    named = {f"labels/{key}": value for key, value in state.items()}
    run = dg.DagsterRun("label_export_job", run_id=str(uuid.uuid4()), tags=BEFORE | named)
    dagster.add_run(run)
    return run.run_id


def of(dagster: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Return the run's tags, which both readers agree on."""
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    with job_index.of(dagster).snapshot() as connection:
        found = job_runs.find(connection, run_id)
    assert found is not None
    assert found.tags == run.tags
    return found.tags


def test_old_names_are_read_as_new_ones(dagster: dg.DagsterInstance) -> None:
    run_id = old_run(dagster, total_items="3", error_code="stalled", worker="1 2")
    assert of(dagster, run_id) == BEFORE | {
        tags.TOTAL_ITEMS: "3",
        tags.ERROR_CODE: "stalled",
        tags.WORKER: "1 2",
    }
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    assert not worker.is_alive(run)


def test_a_tag_that_is_set_again_has_its_new_value(dagster: dg.DagsterInstance) -> None:
    run_id = old_run(dagster, restarts="1", stalls="1")
    dagster.add_run_tags(run_id, {tags.RESTARTS: "2", tags.TOTAL_ITEMS: "9"})
    assert of(dagster, run_id) == BEFORE | {tags.RESTARTS: "2", tags.STALLS: "1", tags.TOTAL_ITEMS: "9"}


def test_artefacts_of_earlier_releases_take_storage(dagster: dg.DagsterInstance) -> None:
    for run_id in (old_run(dagster, stored_bytes="1000"), old_run(dagster)):
        dagster.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "label_export_job"), run_id)
    dagster.add_run_tags(run_id, {tags.STORED_BYTES: "200"})
    assert totals.stored_bytes(dagster, "acme") == 1200


def test_a_job_that_an_earlier_release_cancelled_is_read(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore
) -> None:
    run_id = old_run(dagster, cancelled="true", total_items="3")
    with job_index.of(dagster).snapshot() as connection:
        assert job_index.count(connection, "acme", JobStatus.FAILED) == 1
    run = run_of(dagster, "acme", job_id_for(run_id))
    job = job_of(run, ProgressReader(dagster), artefacts, catalogue)
    assert (job.status, job.total_items, job.error_code) == (JobStatus.FAILED, 3, "cancelled")


def test_a_run_that_an_earlier_release_restarted_is_resumed_as_often_as_others(
    dagster: dg.DagsterInstance,
) -> None:
    run = dagster.get_run_by_id(old_run(dagster, restarts="2"))
    assert run is not None
    most = failures.RESUMES_AT_MOST + 2
    assert failures.died_too_often(dagster, run, most) is None
    assert failures.died_too_often(dagster, run, most + 1) is not None
