"""How the log of a Delta table stays short: its properties, and what of it goes when.

Every opening of a table lists its log and replays what came after the last checkpoint.
"""

import time
from datetime import timedelta

from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError

#: How long a commit stays in the log, and so how long an old version can be read.
LOG_RETENTION = timedelta(hours=6)

#: How long the log tells that an app transaction was committed.
MARKER_RETENTION = timedelta(days=30)

# Checkpoints leave nothing away that a reader of an old version needs, so only `tidy` does: its caller knows
# whether there is one.
PROPERTIES: dict[str, str] = {
    "delta.checkpointInterval": "20",
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": f"interval {LOG_RETENTION // timedelta(hours=1)} hours",
    "delta.setTransactionRetentionDuration": f"interval {MARKER_RETENTION.days} days",
}


def transaction(application: str, version: int) -> Transaction:
    """Return the app transaction, dated now: only those with a date are ever forgotten."""
    return Transaction(application, version, int(time.time() * 1000))


def configure(uri: str) -> None:
    """Give a table that an older release made the properties of a new one."""
    handle = DeltaTable(uri)
    if handle.metadata().configuration.items() >= PROPERTIES.items():
        return
    try:
        handle.alter.set_table_properties(PROPERTIES)
    except CommitFailedError:
        # A writer came between. The next upkeep will do it: until then the log is only longer.
        return


def tidy(uri: str) -> None:
    """Write a checkpoint and remove the commits older than LOG_RETENTION, which nobody may still need."""
    handle = DeltaTable(uri)
    handle.create_checkpoint()
    handle.cleanup_metadata()
