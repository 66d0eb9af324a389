"""Dagster's private name for its command line, which starts our code server. See decision 0011."""

# The function of the command `dagster`. Our code server imports the definitions in the same process first.
from dagster._cli import main

__all__ = ["main"]
