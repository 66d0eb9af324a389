"""What a fork server holds before its first fork: importing this module imports all that a run needs.

Imported, and the definitions resolved; nothing is computed, for thread pools do not survive a fork.
A fork server ignores in silence a module that it cannot import, so a test asserts that this one was.
"""

import atexit
import gc
import importlib
import os

from pipelines.definitions import LABEL_EXPORT_JOB, defs

#: Dagster imports these where it first uses them, which would be in every child.
MODULES = (
    "dagster._cli.api",
    "dagster._core.storage.base_storage",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.noop_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._grpc.impl",
    "upath",
)
for _name in MODULES:
    importlib.import_module(_name)

#: The process whose children find all this.
LOADED_IN = os.getpid()

JOB = defs.resolve_job_def(LABEL_EXPORT_JOB)

# What is imported lives as long as the process, and rendering makes many small objects with few cycles among
# them: left as it was, the collector took a quarter of the time. Children inherit both.
gc.freeze()
# At exit the collector must see all of it again: DuckDB's bindings would print pages of what they take for leaks.
atexit.register(gc.unfreeze)
gc.set_threshold(50_000, 20, 50)
