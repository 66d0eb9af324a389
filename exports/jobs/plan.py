"""The frozen document of one job: who asked for what. Ops get its reference, never its content."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.selection import Selection
from exports import documents
from exports.artefacts import ArtefactStore, canonical_json
from exports.jobs.job_id import folder_of
from exports.requests.export_types import SLOTS_OF, ExportType, Slot
from exports.requests.request import AssetConfig, ExportRequest
from renderers.engine import Engine
from renderers.registry import FileFormat


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """One accepted export. `resolver` is the organisation's at the time of asking.

    `engine` is the service's then: a resumed job draws what is missing as it drew what is there. A reprint
    has the rows of the job `reprint_of`, and a reason.
    """

    job_id: str
    organisation: str
    resolver: str | None
    requested_by: str
    submitted_at: datetime
    request: ExportRequest
    engine: Engine = Engine.BATCH
    reprint_of: str | None = None
    reason: str | None = None

    @property
    def folder(self) -> str:
        """The job's folder in the artefact store."""
        return folder_of(self.job_id)

    @property
    def selection(self) -> Selection:
        return self.request.selection(self.organisation)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The symbols of each entity, in the order of their files."""
        return SLOTS_OF[self.request.export_type]

    @property
    def is_sheet(self) -> bool:
        """Whether the artefact is a PDF of label sheets, and not a ZIP of symbol files."""
        return self.request.export_type is ExportType.SHEET_PDF

    @property
    def config(self) -> AssetConfig:
        return self.request.asset_config or AssetConfig()

    @property
    def file_format(self) -> FileFormat:
        return FileFormat(self.request.file_format)

    @property
    def records_printed(self) -> bool:
        return self.config.record_printed is not False

    @property
    def holds_lease(self) -> bool:
        """Whether no other such job of the organisation may run meanwhile, lest both print one entity."""
        filters = self.request.filters
        return (
            self.records_printed
            and self.reprint_of is None
            and filters is not None
            and filters.never_printed is True
        )

    def output_filename(self, members: int) -> str:
        """Return the artefact's name for people: kind, scope, the start of the job's id, entities drawn."""
        if self.is_sheet:
            return f"sheet-{self.job_id[:4]}-{members}.pdf"
        return f"{self.request.export_type}-{self.request.scope}-{self.job_id[:4]}-{members}.zip"

    def to_document(self) -> dict[str, Any]:
        return {
            "job_id": self.job_id,
            "organisation": self.organisation,
            "resolver": self.resolver,
            "requested_by": self.requested_by,
            "submitted_at": self.submitted_at.isoformat(),
            "request": self.request.normalised(),
            "engine": self.engine.value,
            "reprint_of": self.reprint_of,
            "reason": self.reason,
        }


def save(plan: ExportPlan, store: ArtefactStore) -> bool:
    """Store the plan unless the job has one; return whether it was stored."""
    return store.create(_key(plan.job_id), canonical_json(documents.versioned(plan.to_document())))


def find(job_id: str, store: ArtefactStore) -> ExportPlan | None:
    """Return the job's plan, or None where there is none."""
    try:
        return load(job_id, store)
    except FileNotFoundError:
        return None


def load(job_id: str, store: ArtefactStore) -> ExportPlan:
    """Return the job's plan. Raises FileNotFoundError where there is none, UnreadableDocument.

    An unknown field of the request itself is not ignored: the labels would not be those that were asked for.
    """
    return documents.load(ExportPlan, _key(job_id), store)


def _key(job_id: str) -> str:
    return f"{folder_of(job_id)}/request.json"
