"""Dagster's private names for its daemon. See decision 0011."""

# The function of the command `dagster-daemon`. Our daemon starts its fork server in the same process first.
from dagster._daemon.cli import main

# The heartbeat that a daemon stores. Tests store one.
from dagster._daemon.types import DaemonHeartbeat

__all__ = ["DaemonHeartbeat", "main"]
