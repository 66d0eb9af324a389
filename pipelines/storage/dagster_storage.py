"""Dagster's private names for the databases of an instance. See decision 0011."""

# The stored state of a sensor: its name, cursor and times, and whether it is stopped.
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType

# One SQLite database for the events of all runs. Our subclass keeps its connections open.
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, SqlEventLogStorage

# Reads new events of a run while its page is open.
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher

# The table of the results of asset checks, which Dagster never removes. The tables of the event database and of its
# assets.
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageMetadata,
)

# Captures no output of steps. dagster.yaml finds it here.
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager

# The SQLite database of runs. Our subclass keeps its connections open and adds an index of jobs.
from dagster._core.storage.runs import SqliteRunStorage, SqlRunStorage

# The tables of runs and their tags, which the index of jobs follows.
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable

# The SQLite database of sensors and schedules. dagster.yaml finds it here.
from dagster._core.storage.schedules import SqliteScheduleStorage, SqlScheduleStorage

# The configuration of a storage in dagster.yaml.
from dagster._serdes import ConfigurableClassData

__all__ = [
    "AssetCheckExecutionsTable",
    "AssetKeyTable",
    "ConfigurableClassData",
    "ConsolidatedSqliteEventLogStorage",
    "InstigatorState",
    "InstigatorType",
    "NoOpComputeLogManager",
    "RemoteInstigatorOrigin",
    "RunTagsTable",
    "RunsTable",
    "SqlEventLogStorage",
    "SqlEventLogStorageMetadata",
    "SqlPollingEventWatcher",
    "SqlRunStorage",
    "SqlScheduleStorage",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
]
