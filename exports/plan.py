"""The frozen document of one job: who asked for what. Ops get its reference, never its content."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.selection import Selection
from exports.artefacts import ArtefactStore, canonical_json
from exports.request import ExportRequest
from renderers.registry import FileFormat, Symbology

SYMBOLOGY_OF = {"qr_codes": Symbology.QR_CODE, "datamatrix": Symbology.GS1_DATAMATRIX}


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """One accepted export. `resolver` is the organisation's at the time of asking."""

    job_id: str
    organisation: str
    resolver: str | None
    requested_by: str
    submitted_at: datetime
    request: ExportRequest

    @property
    def folder(self) -> str:
        """The job's folder in the artefact store."""
        return f"exports/{self.job_id}"

    @property
    def selection(self) -> Selection:
        return self.request.selection(self.organisation)

    @property
    def symbology(self) -> Symbology:
        return SYMBOLOGY_OF[self.request.export_type]

    @property
    def file_format(self) -> FileFormat:
        return FileFormat(self.request.file_format)

    @property
    def records_printed(self) -> bool:
        config = self.request.asset_config
        return config is None or config.record_printed is not False

    @property
    def holds_lease(self) -> bool:
        """Whether no other such job of the organisation may run meanwhile, lest both print one entity."""
        filters = self.request.filters
        return self.records_printed and filters is not None and filters.never_printed is True

    def output_filename(self, members: int) -> str:
        return f"{self.request.export_type}-{self.request.scope}-{self.job_id[:4]}-{members}.zip"

    def to_document(self) -> dict[str, Any]:
        return {
            "job_id": self.job_id,
            "organisation": self.organisation,
            "resolver": self.resolver,
            "requested_by": self.requested_by,
            "submitted_at": self.submitted_at.isoformat(),
            "request": self.request.normalised(),
        }


def save(plan: ExportPlan, store: ArtefactStore) -> None:
    store.write_json(f"{plan.folder}/request.json", plan.to_document())


def load(job_id: str, store: ArtefactStore) -> ExportPlan:
    """Return the job's plan. Raises FileNotFoundError where there is none."""
    document = store.read_json(f"exports/{job_id}/request.json")
    return ExportPlan(
        job_id=document["job_id"],
        organisation=document["organisation"],
        resolver=document["resolver"],
        requested_by=document["requested_by"],
        submitted_at=datetime.fromisoformat(document["submitted_at"]),
        request=ExportRequest.model_validate_json(canonical_json(document["request"])),
    )
