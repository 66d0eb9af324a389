"""The JSON the façade answers with."""

from datetime import UTC, datetime
from typing import Any

from exports.ports import ExportJob, JobStatus

ROOT = "/products/api/v1/labels/export/"


def poll_path(job_id: str) -> str:
    """Return the path of the job's poll endpoint."""
    return f"{ROOT}{job_id}/"


def receipt(job: ExportJob) -> dict[str, Any]:
    """Return the published receipt of a submission."""
    return {"job_id": job.job_id, "status": job.status.value, "poll_url": poll_path(job.job_id)}


def poll_body(job: ExportJob, download: tuple[str, datetime] | None) -> dict[str, Any]:
    """Return the state of a job; `download` is the URL and its expiry, for a completed one."""
    completed = job.status is JobStatus.COMPLETED
    failed = job.status is JobStatus.FAILED
    url, expires_at = download if completed and download is not None else (None, None)
    return {
        "job_id": job.job_id,
        "status": job.status.value,
        "total_items": job.total_items,
        "processed_items": job.processed_items,
        "progress_percent": job.progress_percent,
        "download_url": url,
        "expires_at": _time(expires_at),
        "output_filename": job.output_filename if completed else None,
        "file_size_bytes": job.file_size_bytes if completed else None,
        "error": (job.error or "The label export failed.") if failed else None,
        "error_code": (job.error_code or "internal_error") if failed else None,
        "cancelled": failed and job.error_code == "cancelled",
        "failed_items": job.failed_items,
        "unmatched": job.unmatched,
        # Null with a ZIP, which holds manifest.csv and errors.csv itself and has no label cells.
        "manifest_url": None,
        "errors_url": None,
        "next_position": None,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
