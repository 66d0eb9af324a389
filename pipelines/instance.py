"""The Dagster instance of one home: where its database lies and how it runs jobs."""

import os
from pathlib import Path

import dagster as dg
import yaml

LOCATION_NAME = "labels"

#: Two queued runs at once: with the warm workers they share the machine's cores.
MAX_CONCURRENT_RUNS = 2


def prepare(home: Path, code_server_socket: str) -> Path:
    """Write the instance's two files below `home` and return the workspace file.

    The consolidated event log costs a third of the default's one database per run.
    """
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    storage = {"base_dir": str(dagster_home / "storage")}
    _write(
        dagster_home / "dagster.yaml",
        {
            "telemetry": {"enabled": False},
            "run_storage": {
                "module": "dagster._core.storage.runs",
                "class": "SqliteRunStorage",
                "config": storage,
            },
            "event_log_storage": {
                "module": "dagster._core.storage.event_log",
                "class": "ConsolidatedSqliteEventLogStorage",
                "config": storage,
            },
            "schedule_storage": {
                "module": "dagster._core.storage.schedules",
                "class": "SqliteScheduleStorage",
                "config": storage,
            },
            "run_coordinator": {
                "module": "dagster._core.run_coordinator",
                "class": "QueuedRunCoordinator",
                "config": {"max_concurrent_runs": MAX_CONCURRENT_RUNS, "dequeue_interval_seconds": 1},
            },
            "run_monitoring": {"enabled": True, "poll_interval_seconds": 5},
        },
    )
    workspace = dagster_home / "workspace.yaml"
    server = {"socket": code_server_socket, "location_name": LOCATION_NAME}
    _write(workspace, {"load_from": [{"grpc_server": server}]})
    _create_databases(dagster_home)
    return workspace


def _create_databases(dagster_home: Path) -> None:
    """Create the SQLite databases in one process: several that create one at once corrupt its version."""
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        instance.get_runs_count()
        instance.event_log_storage.get_maximum_record_id()
        if instance.schedule_storage:
            instance.schedule_storage.all_instigator_state()


def load(home: Path) -> dg.DagsterInstance:
    """Return the instance whose files `prepare` wrote."""
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    return dg.DagsterInstance.from_config(str(home / "dagster"))


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
