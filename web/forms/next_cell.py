"""Where the sheet in the tray goes on: the first free cell behind the organisation's last job on sheets like it."""

from dataclasses import dataclass

from exports.ports import Exports, JobStatus, Page
from exports.reads import ExportReads
from exports.requests.export_types import ExportType
from exports.sheets.templates import default_id

#: Jobs that are looked at, newest first. A sheet that was begun before those has been put away.
_JOBS = 10


@dataclass(frozen=True, slots=True)
class NextCell:
    """The first free cell, counted from 1, of the sheet that the job began."""

    position: int
    job_id: str


def next_cell(exports: Exports, reads: ExportReads, organisation: str, template: str) -> NextCell | None:
    """Return where the last job with this template stopped. None if there is none, or if it filled its last sheet."""
    for job in exports.jobs(organisation, Page(1, _JOBS), JobStatus.COMPLETED).jobs:
        if job.next_position is None or (plan := reads.plan(job)) is None:
            continue
        if plan.request.export_type is not ExportType.SHEET_PDF:
            continue
        if (plan.config.sheet_template or default_id(ExportType.SHEET_PDF)) == template:
            return NextCell(job.next_position, job.job_id) if job.next_position > 1 else None
    return None
