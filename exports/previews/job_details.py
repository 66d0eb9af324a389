"""What there is to tell of one job, beside its state: how it came about, what was checked, and what failed."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from exports.artefacts import ArtefactStore
from exports.errors import UnreadableDocument
from exports.jobs import decision
from exports.jobs import plan as plans
from exports.jobs.plan import ExportPlan
from exports.ports import ExportJob, Report
from exports.reports import files as reports
from exports.verification import findings
from exports.verification.findings import Finding

#: Failed entities that are told one by one. `errors.csv` has them all.
MOST_FAILURES = 50


@dataclass(frozen=True, slots=True)
class JobDetails:
    """What is stored of a job. `plan` is None if it is gone, or this release no longer takes its settings.

    `published_at` is when the artefact was committed. `failures` are the first rows of `errors.csv`, by column.
    """

    plan: ExportPlan | None
    published_at: datetime | None
    findings: list[Finding]
    failures: list[dict[str, str]]


def of(job: ExportJob, store: ArtefactStore) -> JobDetails:
    """Return the details of the job. What has been removed since is left out."""
    decided = decision.of(job.job_id, store)
    return JobDetails(
        plan=plan_of(job, store),
        published_at=decided.decided_at if decided and not decided.cancelled else None,
        findings=findings.of(job.job_id, store),
        failures=_failures(job, store) if Report.ERRORS in job.reports else [],
    )


def plan_of(job: ExportJob, store: ArtefactStore) -> ExportPlan | None:
    """Return the job's plan. None if it is gone, or this release no longer takes its settings."""
    try:
        return plans.find(job.job_id, store)
    except UnreadableDocument:
        return None


def _failures(job: ExportJob, store: ArtefactStore) -> list[dict[str, str]]:
    try:
        stream = store.open(reports.key(job.job_id, Report.ERRORS))
    except FileNotFoundError:
        return []
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        # The one apostrophe that `csv_rows` may have put before a text.
        return [
            {column: cell.removeprefix("'") for column, cell in row.items()}
            for row in islice(csv.DictReader(text), MOST_FAILURES)
        ]
