"""Dagster's private names for its daemon. See decision 0011."""

# What the command `dagster-daemon` calls. Our daemon starts its fork server in the same process first.
from dagster._daemon.cli import main

# What a daemon stores to say that it lives. Tests store one.
from dagster._daemon.types import DaemonHeartbeat

__all__ = ["DaemonHeartbeat", "main"]
