"""Dagster's private name for its daemon. See decision 0011."""

# What the command `dagster-daemon` calls. Our daemon starts its fork server in the same process first.
from dagster._daemon.cli import main

__all__ = ["main"]
