"""Dagster's private names for the processes that execute runs or steps. See decision 0011.

Import this module inside the function that needs it, because its import is slow.
"""

from collections.abc import Sequence

# The body of `dagster api execute_step`, without starting a process.
from dagster._cli.api import _execute_step_command_body  # pyright: ignore[reportPrivateUsage]

# Executes a run in this process.
from dagster._core.execution.api import execute_run

# The body of `dagster api execute_run` and `dagster api resume_run`, without starting a process.
from dagster._grpc.impl import core_execute_run

# Loads the job that the stored code origin of a run names.
from dagster._utils.hosted_user_process import recon_job_from_origin

# Delays SIGINT while an event is being stored.
from dagster._utils.interrupts import capture_interrupts

execute_step_body = _execute_step_command_body

#: Modules that Dagster imports at first use. Without preloading, every forked child would import them.
IMPORTED_LATE: Sequence[str] = (
    "dagster._core.storage.base_storage",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.noop_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
)

__all__ = [
    "IMPORTED_LATE",
    "capture_interrupts",
    "core_execute_run",
    "execute_run",
    "execute_step_body",
    "recon_job_from_origin",
]
