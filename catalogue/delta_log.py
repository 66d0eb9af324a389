"""Keep the log of a Delta table short: table properties, and removal of old commits.

Every opening of a table lists its log and replays what came after the last checkpoint.
"""

import time
from datetime import timedelta

from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError

#: How long a commit stays in the log, and therefore how long an old version can be read.
LOG_RETENTION = timedelta(hours=6)

#: How long a data file is kept that the newest version does not have: a running job may have pinned it, a reader may
#: have it open, or a writer may not have committed it yet.
LEAST_RETENTION = timedelta(days=7)

#: How long the log tells that an app transaction was committed.
MARKER_RETENTION = timedelta(days=30)

# Automatic checkpoints do not remove commits, because a reader of an old version may need them. Only `tidy`
# removes them: its caller knows whether there is such a reader.
PROPERTIES: dict[str, str] = {
    "delta.checkpointInterval": "20",
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": f"interval {LOG_RETENTION // timedelta(hours=1)} hours",
    "delta.setTransactionRetentionDuration": f"interval {MARKER_RETENTION.days} days",
}


def transaction(application: str, version: int) -> Transaction:
    """Return the app transaction, dated now: the log never drops those without a date."""
    return Transaction(application, version, int(time.time() * 1000))


def configure(uri: str) -> None:
    """Set the properties of a new table on one that an older release created."""
    handle = DeltaTable(uri)
    if handle.metadata().configuration.items() >= PROPERTIES.items():
        return
    try:
        handle.alter.set_table_properties(PROPERTIES)
    except CommitFailedError:
        # Another writer committed first. The next upkeep sets the properties; until then the log
        # is only longer.
        return


def tidy(uri: str) -> None:
    """Write a checkpoint and remove the commits older than LOG_RETENTION.

    The caller must know that no reader needs them.
    """
    handle = DeltaTable(uri)
    handle.create_checkpoint()
    handle.cleanup_metadata()
