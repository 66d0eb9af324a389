"""The job status shown to clients, derived from the status and the tags of the job's run."""

from collections.abc import Mapping

import dagster as dg

from exports.ports import JobStatus
from pipelines import tags

STATUS_OF: Mapping[dg.DagsterRunStatus, JobStatus] = {
    dg.DagsterRunStatus.NOT_STARTED: JobStatus.PENDING,
    dg.DagsterRunStatus.QUEUED: JobStatus.PENDING,
    dg.DagsterRunStatus.STARTING: JobStatus.PENDING,
    dg.DagsterRunStatus.MANAGED: JobStatus.PENDING,
    dg.DagsterRunStatus.STARTED: JobStatus.PROCESSING,
    dg.DagsterRunStatus.CANCELING: JobStatus.PROCESSING,
    dg.DagsterRunStatus.SUCCESS: JobStatus.COMPLETED,
    dg.DagsterRunStatus.FAILURE: JobStatus.FAILED,
    dg.DagsterRunStatus.CANCELED: JobStatus.FAILED,
}


def derived_status(status: dg.DagsterRunStatus, run_tags: Mapping[str, str]) -> JobStatus | None:
    """Return the job status. None if the run failed after publishing, because then only the catalogue knows it.

    A cancelled job is failed at once, even before its run stops. A job whose labels are recorded as printed is
    completed, even if its run failed after that record.
    """
    if tags.CANCELLED in run_tags:
        return JobStatus.FAILED
    by_run = STATUS_OF[status]
    if by_run is not JobStatus.FAILED or tags.ARTEFACT not in run_tags:
        return by_run
    recorded = run_tags.get(tags.RECORDED)
    if recorded is None:
        return None
    return JobStatus.COMPLETED if recorded == tags.TRUE else JobStatus.FAILED
