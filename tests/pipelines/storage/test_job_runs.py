"""What is read of a run without its body is what Dagster itself says of it."""

import uuid
from datetime import UTC, datetime

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import tags
from pipelines.storage import job_index, job_runs

EVENTS = (
    dg.DagsterEventType.PIPELINE_STARTING,
    dg.DagsterEventType.PIPELINE_START,
    dg.DagsterEventType.PIPELINE_SUCCESS,
    dg.DagsterEventType.PIPELINE_FAILURE,
    dg.DagsterEventType.PIPELINE_CANCELING,
    dg.DagsterEventType.PIPELINE_CANCELED,
)
TAG = st.tuples(st.sampled_from([tags.ERROR, tags.ERROR_CODE, tags.CANCELLED]), st.text(max_size=3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(EVENTS), TAG), max_size=8))
def test_a_run_is_as_dagster_reads_it(
    dagster: dg.DagsterInstance, writes: list[dg.DagsterEventType | tuple[str, str]]
) -> None:
    run = dg.DagsterRun("label_export", run_id=str(uuid.uuid4()), tags={tags.ORGANISATION: "acme"})
    dagster.add_run(run)
    for write in writes:
        if isinstance(write, tuple):
            dagster.add_run_tags(run.run_id, dict([write]))
        else:
            dagster.report_dagster_event(dg.DagsterEvent(write.value, run.job_name), run.run_id)
    with job_index.of(dagster).snapshot() as connection:
        found = job_runs.find(connection, run.run_id)
    record = dagster.get_run_record_by_id(run.run_id)
    assert found is not None
    assert record is not None
    assert (found.run_id, found.status, found.tags, found.created_at) == (
        run.run_id,
        record.dagster_run.status,
        record.dagster_run.tags,
        record.create_timestamp,
    )
    times = [time and time.timestamp() for time in (found.started_at, found.ended_at)]
    assert times == pytest.approx([record.start_time, record.end_time], abs=1e-5)


def test_runs_come_in_the_order_asked_for_without_those_that_are_gone(dagster: dg.DagsterInstance) -> None:
    made = [str(uuid.UUID(int=number)) for number in (3, 1, 2)]
    for run_id in made:
        dagster.add_run(dg.DagsterRun("label_export", run_id=run_id, tags={tags.ORGANISATION: run_id}))
    asked = [made[0], str(uuid.UUID(int=9)), made[2], made[1]]
    with job_index.of(dagster).snapshot() as connection:
        found = job_runs.of_ids(connection, asked)
        assert job_runs.find(connection, asked[1]) is None
    assert [run.run_id for run in found] == [made[0], made[2], made[1]]
    assert [run.tags[tags.ORGANISATION] for run in found] == [made[0], made[2], made[1]]


def test_a_run_without_tags_is_found(dagster: dg.DagsterInstance) -> None:
    run = dg.DagsterRun("housekeeping", run_id=str(uuid.uuid4()))
    before = datetime.now(UTC)
    dagster.add_run(run)
    with job_index.of(dagster).snapshot() as connection:
        found = job_runs.find(connection, run.run_id)
    assert found is not None
    assert found.tags == {}
    assert before <= found.created_at <= datetime.now(UTC)
