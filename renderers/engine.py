"""The choice of engine, apart from the registry so that naming one imports none."""

from enum import StrEnum


class Engine(StrEnum):
    """Who encodes: our batch encoders, or other people's libraries, slower by orders of magnitude."""

    BATCH = "batch"
    REFERENCE = "reference"
