"""The choice of engine. Importing this module imports no encoder."""

from enum import StrEnum


class Engine(StrEnum):
    """What encodes symbols: our batch encoders, or third-party libraries, 10 to 1,000 times slower."""

    BATCH = "batch"
    REFERENCE = "reference"
