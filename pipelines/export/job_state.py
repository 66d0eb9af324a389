"""Return the state of an export job from its Dagster run."""

import logging

import dagster as dg

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed, ExportCancelled, ExportNotFound, UnreadableDocument
from exports.jobs.job_id import job_id_for, run_id_for
from exports.ports import ExportJob, JobStatus, Report
from pipelines import tags
from pipelines.export import mirror
from pipelines.export.progress import ProgressReader
from pipelines.storage import job_index, job_runs
from pipelines.storage.job_runs import JobRun
from pipelines.storage.job_status import derived_status

_log = logging.getLogger(__name__)

_UNEXPLAINED = "The export failed because of an internal error, which is in the log."
_UNREADABLE = "The record of how the export ended cannot be read. The reason is in the log."


def job_of(
    run: JobRun, progress: ProgressReader, artefacts: ArtefactStore, catalogue: Catalogue
) -> ExportJob:
    """Return the state of the job whose run this is.

    The run and its tags are enough in most cases, so a list reads no object per job. The catalogue is read only for a
    run that failed after publishing. The store is read only for the artefact of a run of an earlier release; if that
    fails, the job counts as failed, so that a list can still show the other jobs.
    """
    status, unreadable = derived_status(run.status, run.tags), False
    if status is None:
        recorded = mirror.is_recorded(run, catalogue, artefacts)
        status = JobStatus.COMPLETED if recorded else JobStatus.FAILED
    artefact = None
    if status is JobStatus.COMPLETED:
        try:
            artefact = mirror.artefact_of(run.run_id, run.tags, artefacts)
        except UnreadableDocument as error:
            _log.error("run %s: %s", run.run_id, error)
            status, unreadable = JobStatus.FAILED, True
    processed, failed = (artefact.processed, artefact.failed) if artefact else _progress(run, progress)
    error_code = _error_code(run) if status is JobStatus.FAILED else None
    if unreadable:
        error_code = UnreadableDocument.code
    unmatched = int(run.tags.get(tags.UNMATCHED, 0))
    return ExportJob(
        job_id=job_id_for(run.run_id),
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
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.ended_at,
        reports=_reports(status, error_code, failed + unmatched),
        next_position=artefact.next_position if artefact else None,
        notes=artefact.notes if artefact else {},
        composite_sha256=(artefact.composite_sha256 or None) if artefact else None,
        piece_bytes=artefact.piece_bytes if artefact else (),
        request_in_words=run.tags.get(tags.REQUEST),
        requested_by=run.tags.get(tags.ACTOR),
        total_labels=int(run.tags[tags.TOTAL_LABELS]) if tags.TOTAL_LABELS in run.tags else None,
    )


def run_of(instance: dg.DagsterInstance, organisation: str, job_id: str) -> JobRun:
    """Return the job's run. Raises ExportNotFound, also for another organisation's job."""
    with job_index.of(instance).connect() as connection:
        run = job_runs.find(connection, run_id_for(job_id))
    if run is None or run.tags.get(tags.ORGANISATION) != organisation:
        raise ExportNotFound(job_id)
    return run


def _error_code(run: JobRun) -> str:
    if tags.CANCELLED in run.tags or run.status is dg.DagsterRunStatus.CANCELED:
        return ExportCancelled.code
    return run.tags.get(tags.ERROR_CODE, "internal_error")


def _error(run: JobRun, error_code: str | None) -> str | None:
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


def _progress(run: JobRun, progress: ProgressReader) -> tuple[int, int]:
    if tags.PROCESSED_ITEMS in run.tags:
        return int(run.tags[tags.PROCESSED_ITEMS]), int(run.tags[tags.FAILED_ITEMS])
    return (0, 0) if run.started_at is None else progress.of(run.run_id)
