"""Import and resolve all that a run needs, in a fork server before its first fork.

Nothing is computed here: thread pools do not survive a fork. A fork server ignores in silence a module that it
cannot import, so a test asserts that this one was imported.

It stands beside the definitions because it imports them; `pipelines.execution.worker` knows it by name only.
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

# The resolved jobs are kept by the definitions, where each child finds them.
for _name in EXPORT_JOBS:
    defs.resolve_job_def(_name)

#: The process whose children find all this.
LOADED_IN = os.getpid()

# Arrow's own pool keeps 40 MB of what it has freed, in each process. Children inherit this one, which gives it back.
pa.set_memory_pool(pa.system_memory_pool())

# What is imported lives as long as the process, and rendering makes many small objects with few cycles among
# them: with the collector's defaults, collecting took a quarter of the time. Children inherit both settings.
gc.freeze()
# The collector must see all of it again at exit: else DuckDB's bindings report everything as leaked.
atexit.register(gc.unfreeze)
gc.set_threshold(50_000, 20, 50)
