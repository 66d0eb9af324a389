"""Import and resolve everything that a run needs, in a fork server before its first fork.

Nothing is computed here, because thread pools do not survive a fork. A fork server silently ignores a module that it
cannot import, so a test asserts that this one was imported.

This module imports the definitions. `pipelines.execution.forks` refers to it by name only, to avoid importing it.
"""

import atexit
import gc
import importlib
import os

import pyarrow as pa

from pipelines.definitions import defs
from pipelines.execution.dagster_workers import IMPORTED_LATE
from pipelines.export.assets import EXPORT_JOBS

_ON_POSTGRES = ("pipelines.storage.databases.postgres",) if os.environ.get("LABELS_DAGSTER_URL") else ()
MODULES = (*IMPORTED_LATE, *_ON_POSTGRES, "upath")
for _name in MODULES:
    importlib.import_module(_name)

# The definitions cache the resolved jobs, so each child inherits them.
for _name in EXPORT_JOBS:
    defs.resolve_job_def(_name)

#: The process that has loaded all this. Its children inherit it.
LOADED_IN = os.getpid()

# Arrow's own pool keeps 40 MB of freed memory in each process. The system's pool returns it. Children inherit the
# setting.
pa.set_memory_pool(pa.system_memory_pool())

# Imported objects live as long as the process, and rendering makes many small objects with few reference cycles. With
# the default thresholds, garbage collection took a quarter of the time. Children inherit both settings.
gc.freeze()
# Without unfreezing at exit, DuckDB's bindings report every object as leaked.
atexit.register(gc.unfreeze)
gc.set_threshold(50_000, 20, 50)
