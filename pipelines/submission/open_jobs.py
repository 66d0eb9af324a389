"""The limit of an organisation's open jobs. Thousands of queued runs would slow down the daemon for all."""

import dagster as dg

from exports.errors import TooManyOpenJobs
from pipelines.storage.run_statuses import UNFINISHED
from pipelines.storage.totals import runs_of_partition


def require_few_open(instance: dg.DagsterInstance, organisation: str, most: int, *, besides: int = 0) -> None:
    """Raise TooManyOpenJobs if the organisation has `most` jobs that have not ended.

    `besides` of its runs are not counted. Simultaneous submissions do not see each other, so the limit may be exceeded
    by a few jobs.
    """
    if runs_of_partition(instance, organisation, UNFINISHED, most + besides) >= most + besides:
        raise TooManyOpenJobs(most)
