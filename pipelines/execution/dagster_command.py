"""Dagster's private name for its command line, which serves our code. See decision 0011."""

# What the command `dagster` calls. Our code server imports the definitions in the same process first.
from dagster._cli import main

__all__ = ["main"]
