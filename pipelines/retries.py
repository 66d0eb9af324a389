"""How often a step of an export is retried, by the error that ended it."""

import dagster as dg

from catalogue.errors import CommitContention
from exports.storage.failures import is_outage
from gs1.errors import LabelError

#: Every step reuses what an earlier attempt stored, so it may be retried. The waits are 0.6, 1.8, 4.2, 9, 18.6 and
#: 37.8 s, each 0.6 s more or less: together more than the minute in which a server restarts.
RETRIES = dg.RetryPolicy(
    max_retries=6, delay=0.6, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)

#: Retries after an error that waiting does not remove: a full disk, or a fault of ours.
FEW_RETRIES = 2


def retries_after(error: Exception) -> int:
    """Return how many times a step may be retried that ended with this error."""
    if isinstance(error, CommitContention) or is_outage(error):
        return RETRIES.max_retries
    return 0 if isinstance(error, LabelError) else FEW_RETRIES
