"""Return the state of an export job from its Dagster run."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed, ExportCancelled, UnreadableDocument
from exports.jobs import decision
from exports.jobs.decision import Decision
from exports.jobs.job_id import job_id_for
from exports.ports import ExportJob, JobStatus, Report
from pipelines import tags
from pipelines.export.progress import ProgressReader

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

_log = logging.getLogger(__name__)

_UNEXPLAINED = "The export failed for a reason that lies not in its data; the log has it."
_UNREADABLE = "The record of how the export ended cannot be read; the log has the reason."


def statuses_of(status: JobStatus) -> Sequence[dg.DagsterRunStatus]:
    """Return the run statuses that clients see as this job status."""
    return [of_run for of_run, told in STATUS_OF.items() if told is status]


def job_of(
    record: dg.RunRecord, progress: ProgressReader, artefacts: ArtefactStore, catalogue: Catalogue
) -> ExportJob:
    """Return the state of the job whose run this is.

    A cancelled job is failed at once, even while the run has yet to notice. A job whose labels are recorded as
    printed is completed, even if the run fails between that record and its own success. A job whose decision cannot
    be read is failed, so that a list shows the others.
    """
    run = record.dagster_run
    job_id = job_id_for(run.run_id)
    try:
        decided, unreadable = decision.of(job_id, artefacts), False
    except UnreadableDocument as error:
        _log.error("job %s: %s", job_id, error)
        decided, unreadable = None, True
    status = JobStatus.FAILED if unreadable else _status(run, decided)
    if status is JobStatus.FAILED and decided is not None and not decided.cancelled:
        recorded = lifecycle.is_recorded(catalogue, run.tags[tags.ORGANISATION], job_id, decided.decided_at)
        status = JobStatus.COMPLETED if recorded else status
    artefact = decided.artefact if decided and status is JobStatus.COMPLETED else None
    processed, failed = (artefact.processed, artefact.failed) if artefact else _progress(run, progress)
    error_code = _error_code(run, decided) if status is JobStatus.FAILED else None
    if unreadable:
        error_code = UnreadableDocument.code
    unmatched = int(run.tags.get(tags.UNMATCHED, 0))
    return ExportJob(
        job_id=job_id,
        organisation=run.tags[tags.ORGANISATION],
        status=status,
        total_items=int(run.tags.get(tags.TOTAL_ITEMS, 0)),
        processed_items=processed,
        failed_items=failed,
        unmatched=unmatched,
        error=_error(run, error_code),
        error_code=error_code,
        output_filename=artefact.filename if artefact else None,
        file_size_bytes=artefact.size_bytes if artefact else None,
        sha256=artefact.sha256 if artefact else None,
        created_at=record.create_timestamp.replace(tzinfo=UTC),
        started_at=_time(record.start_time),
        finished_at=_time(record.end_time),
        reports=_reports(status, error_code, failed + unmatched),
        next_position=artefact.next_position if artefact else None,
        notes=artefact.notes if artefact else {},
    )


def _status(run: dg.DagsterRun, decided: Decision | None) -> JobStatus:
    if decided is not None and decided.cancelled:
        return JobStatus.FAILED
    return STATUS_OF[run.status]


def _error_code(run: dg.DagsterRun, decided: Decision | None) -> str:
    if (decided is not None and decided.cancelled) or run.status is dg.DagsterRunStatus.CANCELED:
        return ExportCancelled.code
    return run.tags.get(tags.ERROR_CODE, "internal_error")


def _error(run: dg.DagsterRun, error_code: str | None) -> str | None:
    if error_code is None:
        return None
    if error_code == ExportCancelled.code:
        return str(ExportCancelled())
    if error_code == UnreadableDocument.code:
        return _UNREADABLE
    return run.tags.get(tags.ERROR, _UNEXPLAINED)


def _reports(status: JobStatus, error_code: str | None, not_made: int) -> frozenset[Report]:
    if status is JobStatus.COMPLETED:
        return frozenset({Report.MANIFEST, Report.ERRORS} if not_made else {Report.MANIFEST})
    return frozenset({Report.ERRORS} if error_code == AllItemsFailed.code else set())


def _progress(run: dg.DagsterRun, progress: ProgressReader) -> tuple[int, int]:
    return (0, 0) if run.status in statuses_of(JobStatus.PENDING) else progress.of(run.run_id)


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
