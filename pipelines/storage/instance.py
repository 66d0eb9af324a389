"""The Dagster instance of one home: its configuration files, its databases, and how to open it.

Dagster is imported inside the functions, so that the supervisor can start its processes without that import.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipelines import tags
from pipelines.settings import DagsterSettings, ExecutorSettings

if TYPE_CHECKING:
    import dagster as dg

LOCATION_NAME = "labels"

#: Where dagster.yaml finds the classes of Dagster that have no public name.
_PRIVATE_STORAGES = "pipelines.storage.dagster_storage"

_MONITORING: dict[str, object] = {
    "enabled": True,
    # A dead worker is noticed within this time. The launcher decides whether its run is resumed.
    "poll_interval_seconds": 2,
    "max_resume_run_attempts": 1_000_000,
    # Monitoring fails a run that has not started within this time. Ours must wait however long the service is
    # down: the façade and the daemon queue such runs when they start.
    "start_timeout_seconds": 10 * 365 * 24 * 3600,
}


def workspace_of(home: Path) -> Path:
    """Return the path of the file that gives Dagster's processes the address of our code server."""
    return home / "dagster" / "workspace.yaml"


def server_at(address: str) -> dict[str, Any]:
    """Return Dagster's config of the code server's address: the path of a Unix socket, or `host:port`."""
    host, _, port = address.rpartition(":")
    if "/" in address or not host:
        return {"socket": address}
    return {"host": host.strip("[]"), "port": int(port)}


def prepare(home: Path, code_server: str) -> None:
    """Write the instance's two configuration files below `home`, and create or migrate its tables.

    The code server is at a Unix socket or at `host:port`. Raises DatabaseTooNew.
    """
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    _write(
        dagster_home / "dagster.yaml",
        {
            "telemetry": {"enabled": False},
            # No introduction dialog, which would ask for an e-mail address.
            "nux": {"enabled": False},
            **_storages(dagster_home),
            # Output goes to the service's log. Capturing it would cost two processes per run.
            "compute_logs": {
                "module": _PRIVATE_STORAGES,
                "class": "NoOpComputeLogManager",
            },
            "run_coordinator": {
                "module": "pipelines.submission.run_coordinator",
                "class": "ExportRunCoordinator",
                "config": {
                    # No limit here, because it would count the runs in warm workers too.
                    "max_concurrent_runs": -1,
                    "dequeue_interval_seconds": 1,
                    "tag_concurrency_limits": _queue_limits(ExecutorSettings()),
                },
            },
            "run_launcher": {"module": "pipelines.execution.run_launcher", "class": "ForkedRunLauncher"},
            "run_monitoring": _MONITORING,
            # In threads, so that a webhook receiver that does not answer delays no other sensor.
            "sensors": {"use_threads": True, "num_workers": 4},
            "retention": {"sensor": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 30}}},
        },
    )
    from pipelines.storage.databases import schema  # noqa: PLC0415

    schema.prepare(dagster_home)
    server = {**server_at(code_server), "location_name": LOCATION_NAME}
    _write(workspace_of(home), {"load_from": [{"grpc_server": server}]})


def _queue_limits(settings: ExecutorSettings) -> list[dict[str, object]]:
    """Return the limits of queued runs that execute at once: per organisation, per stock lease, and per kind.

    The runs of warm workers have no kind.
    """
    each = {tags.ORGANISATION: settings.exports_of_each, tags.STOCK: 1}
    kinds = {tags.EXPORT: settings.exports, tags.IMPORT: 1, tags.UPKEEP: 1}
    return [
        *(
            {"key": key, "value": {"applyLimitPerUniqueValue": True}, "limit": limit}
            for key, limit in each.items()
        ),
        *({"key": tags.KIND, "value": kind, "limit": limit} for kind, limit in kinds.items()),
    ]


def _storages(dagster_home: Path) -> dict[str, object]:
    """Return where runs, events and schedules are stored. The address has a password, so no file contains it.

    The consolidated event log takes a third of the time of Dagster's default, which has one database per run.
    """
    if DagsterSettings().dagster_url.get_secret_value():
        database, config = "postgres", {"postgres_url": {"env": "LABELS_DAGSTER_URL"}}
    else:
        database, config = "sqlite", {"base_dir": str(dagster_home / "storage")}
    return {
        f"{name}_storage": {
            "module": f"pipelines.storage.databases.{database}",
            "class": f"Pooled{database.title()}{kind}Storage",
            "config": config,
        }
        for name, kind in (("run", "Run"), ("event_log", "EventLog"), ("schedule", "Schedule"))
    }


def load(home: Path) -> "dg.DagsterInstance":
    """Return the instance whose files `prepare` wrote."""
    import dagster as dg  # noqa: PLC0415

    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    return dg.DagsterInstance.from_config(str(home / "dagster"))


def queue_interrupted_launches(instance: "dg.DagsterInstance") -> None:
    """Requeue the runs that a daemon was launching when it died. Call it before the next daemon starts."""
    import dagster as dg  # noqa: PLC0415

    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])):
        # The coordinator's `submit_run` accepts only runs that were never queued.
        queued = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_ENQUEUED.value, job_name=run.job_name)
        instance.report_dagster_event(queued, run_id=run.run_id)


def _write(path: Path, document: dict[str, object]) -> None:
    """Write the file atomically, because another process of this home may read it or write the same content."""
    whole = path.with_name(f"{path.name}.{os.getpid()}")
    whole.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    whole.replace(path)
