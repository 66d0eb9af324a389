"""Return the state of an export job from its Dagster run."""

import logging
from datetime import UTC, datetime

import dagster as dg

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed, ExportCancelled, ExportNotFound, UnreadableDocument
from exports.jobs.job_id import job_id_for, run_id_for
from exports.ports import ExportJob, JobStatus, Report
from pipelines import tags
from pipelines.export import mirror
from pipelines.export.progress import ProgressReader
from pipelines.storage.job_status import told

_log = logging.getLogger(__name__)

_UNEXPLAINED = "The export failed for a reason that lies not in its data; the log has it."
_UNREADABLE = "The record of how the export ended cannot be read; the log has the reason."


def job_of(
    record: dg.RunRecord, progress: ProgressReader, artefacts: ArtefactStore, catalogue: Catalogue
) -> ExportJob:
    """Return the state of the job whose run this is.

    The run and its tags say it all, so a list reads no object for each of its jobs. The catalogue is asked only
    about a run that failed after publishing, and the store only for the artefact of a run of an earlier release: a job
    whose decision cannot be read is failed, so that a list shows the others.
    """
    run = record.dagster_run
    status, unreadable = told(run.status, run.tags), False
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
    processed, failed = (artefact.processed, artefact.failed) if artefact else _progress(record, progress)
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
        created_at=record.create_timestamp.replace(tzinfo=UTC),
        started_at=_time(record.start_time),
        finished_at=_time(record.end_time),
        reports=_reports(status, error_code, failed + unmatched),
        next_position=artefact.next_position if artefact else None,
        notes=artefact.notes if artefact else {},
    )


def record_of(instance: dg.DagsterInstance, organisation: str, job_id: str) -> dg.RunRecord:
    """Return the record of the job's run. Raises ExportNotFound, also for another organisation's job."""
    record = instance.get_run_record_by_id(run_id_for(job_id))
    if record is None or record.dagster_run.tags.get(tags.ORGANISATION) != organisation:
        raise ExportNotFound(job_id)
    return record


def _error_code(run: dg.DagsterRun) -> str:
    if tags.CANCELLED in run.tags or run.status is dg.DagsterRunStatus.CANCELED:
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


def _progress(record: dg.RunRecord, progress: ProgressReader) -> tuple[int, int]:
    run_tags = record.dagster_run.tags
    if tags.PROCESSED_ITEMS in run_tags:
        return int(run_tags[tags.PROCESSED_ITEMS]), int(run_tags[tags.FAILED_ITEMS])
    return (0, 0) if record.start_time is None else progress.of(record.dagster_run.run_id)


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
