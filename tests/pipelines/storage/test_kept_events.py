"""Which events of a run are stored, and what is left of them."""

import logging
import time
import uuid

import dagster as dg
import pytest

from pipelines.storage.kept_events import is_kept, lean

KIND = dg.DagsterEventType

#: What Dagster reads to resume and retry a run, to count resumptions and starts, and what its UI shows of an asset.
READ = (
    KIND.ASSET_CHECK_EVALUATION, KIND.ASSET_MATERIALIZATION, KIND.ASSET_OBSERVATION, KIND.PIPELINE_CANCELED,
    KIND.PIPELINE_ENQUEUED, KIND.PIPELINE_FAILURE, KIND.PIPELINE_START, KIND.PIPELINE_STARTING, KIND.PIPELINE_SUCCESS,
    KIND.STEP_FAILURE, KIND.STEP_OUTPUT, KIND.STEP_RESTARTED, KIND.STEP_SKIPPED, KIND.STEP_START, KIND.STEP_SUCCESS,
    KIND.STEP_UP_FOR_RETRY, KIND.STEP_WORKER_STARTED, KIND.STEP_WORKER_STARTING,
)  # fmt: skip


def entry(kind: dg.DagsterEventType, message: str = "said once") -> dg.EventLogEntry:
    """Return an entry whose event has no data of its kind."""
    event = dg.DagsterEvent(
        KIND.STEP_RESTARTED.value, "a_job", message=message, logging_tags={"run_id": "twice"}
    )._replace(event_type_value=kind.value)
    return dg.EventLogEntry(None, logging.DEBUG, message, str(uuid.uuid4()), time.time(), dagster_event=event)


def said(level: int) -> dg.EventLogEntry:
    return dg.EventLogEntry(None, level, "Writing file at …", str(uuid.uuid4()), time.time())


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Launching a new run worker to resume run a-run", True),
        ("Executing steps in process (pid: 12)", False),
        ("Finished steps in process (pid: 12) in 9ms", False),
    ],
)
def test_engine_events_are_kept_but_those_of_a_process(message: str, kept: bool) -> None:
    assert is_kept(entry(KIND.ENGINE_EVENT, message)) is kept


@pytest.mark.parametrize(
    ("level", "kept"), [(logging.DEBUG, False), (logging.INFO, True), (logging.ERROR, True)]
)
def test_messages_are_kept_from_info_on(level: int, kept: bool) -> None:
    assert is_kept(said(level)) is kept


@pytest.mark.parametrize(
    "kind",
    [KIND.HANDLED_OUTPUT, KIND.LOADED_INPUT, KIND.LOGS_CAPTURED, KIND.STEP_INPUT],
    ids=lambda kind: kind.value,
)
def test_what_nobody_reads_is_not_kept(dagster: dg.DagsterInstance, kind: dg.DagsterEventType) -> None:
    nobody, read = entry(kind), entry(KIND.STEP_RESTARTED)
    assert not is_kept(nobody)
    for each in (nobody, read):
        dagster.event_log_storage.store_event(each)
    assert dagster.all_logs(nobody.run_id) == []
    assert [stored.message for stored in dagster.all_logs(read.run_id)] == ["said once"]


def test_of_a_batch_only_what_is_read_is_kept(dagster: dg.DagsterInstance) -> None:
    kinds = (KIND.ASSET_MATERIALIZATION, KIND.ASSET_OBSERVATION)
    with dg.DagsterInstance.ephemeral() as made:
        made.report_runless_asset_event(dg.AssetMaterialization("labels"))
        made.report_runless_asset_event(dg.AssetObservation("labels"))
        found = [
            record.event_log_entry
            for read in (made.fetch_materializations, made.fetch_observations)
            for record in read(dg.AssetKey("labels"), limit=1).records
        ]
    dagster.event_log_storage.store_event_batch(found)
    stored = dagster.all_logs(found[0].run_id)
    assert tuple(each.get_dagster_event().event_type for each in stored) == kinds
    assert dagster.get_latest_materialization_event(dg.AssetKey("labels")) is not None


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.value)
def test_what_is_read_again_is_kept(kind: dg.DagsterEventType) -> None:
    assert is_kept(entry(kind))


def test_nothing_is_stored_twice() -> None:
    once = lean(entry(KIND.STEP_RESTARTED))
    assert (once.message, once.user_message, once.get_dagster_event().logging_tags) == ("said once", "", {})
    assert lean(said(logging.INFO)).message == "Writing file at …"
