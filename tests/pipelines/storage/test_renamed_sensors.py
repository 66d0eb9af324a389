"""A renamed sensor continues with the state of its old name."""

import json

import dagster as dg
import pytest

from pipelines.definitions import defs
from pipelines.storage.renamed_sensors import RENAMED, take_over

#: As Dagster stores it.
STORED = {
    "__class__": "InstigatorState",
    "job_specific_data": {
        "__class__": "SensorInstigatorData",
        "cursor": "as far as this",
        "last_run_key": None,
        "last_sensor_start_timestamp": 1795739250.25,
        "last_tick_start_timestamp": 1795739914.5,
        "last_tick_success_timestamp": 1795739916.0,
        "last_tick_timestamp": 1795739914.5,
        "min_interval": 30,
        "sensor_type": {"__enum__": "SensorType.STANDARD"},
    },
    "job_type": {"__enum__": "InstigatorType.SENSOR"},
    "origin": {
        "__class__": "ExternalJobOrigin",
        "external_repository_origin": {
            "__class__": "ExternalRepositoryOrigin",
            "repository_location_origin": {
                "__class__": "GrpcServerRepositoryLocationOrigin",
                "host": "localhost",
                "location_name": "labels",
                "port": None,
                "socket": "/home/labels/code-server.sock",
            },
            "repository_name": "__repository__",
        },
        "job_name": "standing_plans",
    },
    "status": {"__enum__": "InstigatorStatus.STOPPED"},
}


def stored(name: str, cursor: str) -> object:
    document = STORED | {
        "origin": {**STORED["origin"], "job_name": name},
        "job_specific_data": {**STORED["job_specific_data"], "cursor": cursor},
    }
    return dg.deserialize_value(json.dumps(document))


def found(dagster: dg.DagsterInstance) -> dict[str, object]:
    states = dagster.schedule_storage.all_instigator_state()
    return {
        state.instigator_name: (state.sensor_instigator_data.cursor, state.status.value) for state in states
    }


@pytest.mark.parametrize("old", RENAMED)
def test_cursor_times_and_status_are_taken_over_once(dagster: dg.DagsterInstance, old: str) -> None:
    before = dagster.schedule_storage.add_instigator_state(stored(old, "as far as this"))
    for _ in range(2):
        take_over(dagster)
        (state,) = dagster.schedule_storage.all_instigator_state()
        assert state.instigator_name == RENAMED[old]
        assert (state.instigator_data, state.status) == (before.instigator_data, before.status)
        assert state.origin.repository_origin == before.origin.repository_origin
    assert (
        dagster.schedule_storage.get_instigator_state(state.instigator_origin_id, state.selector_id) == state
    )


@pytest.mark.parametrize("old", RENAMED)
def test_what_the_new_name_has_is_kept(dagster: dg.DagsterInstance, old: str) -> None:
    for name, cursor in ((old, "as far as this"), (RENAMED[old], "farther"), ("webhooks", "elsewhere")):
        dagster.schedule_storage.add_instigator_state(stored(name, cursor))
    take_over(dagster)
    assert found(dagster) == {RENAMED[old]: ("farther", "STOPPED"), "webhooks": ("elsewhere", "STOPPED")}


def test_a_new_name_is_a_sensor_and_an_old_one_is_none() -> None:
    names = {sensor.name for sensor in defs.get_repository_def().sensor_defs}
    assert set(RENAMED.values()) <= names
    assert not names & set(RENAMED)


def test_a_new_home_has_nothing_to_take_over(dagster: dg.DagsterInstance) -> None:
    take_over(dagster)
    assert found(dagster) == {}
