"""Reads of stored exports and of the catalogue, without a job: previews, history, templates and files."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from accounts.identity import Organisation
from accounts.labels.designs import Designs
from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.designs.chosen import chosen, drawable, require_applicable
from exports.designs.document import Design
from exports.errors import ExportNotFound
from exports.jobs import decision, manifest_search
from exports.jobs.decision import Artefact
from exports.jobs.job_id import job_id_for
from exports.jobs.manifest_search import Found
from exports.jobs.plan import ExportPlan
from exports.ports import ExportJob, Page, Report, ReportFormat
from exports.previews import job_details, pictures, preview
from exports.previews.job_details import JobDetails
from exports.previews.preview import Preview
from exports.printers.profile import Profile, profile_of
from exports.printers.trays import Trays, filled
from exports.reports import files as reports
from exports.reports import tables
from exports.requests.export_types import ExportType
from exports.requests.request import ExportRequest
from exports.sheets import templates
from exports.symbols.links import require_links_possible
from renderers.engine import Engine
from renderers.sheets.model import SheetTemplate
from renderers.sheets.preview import page_of

#: The plan of a preview is never stored, so all previews may share a job id.
_PREVIEW_ID = job_id_for(uuid.UUID(int=0))


@dataclass(frozen=True, slots=True)
class PrintEvent:
    """One printed label: the entity, the time and the job. A reprint also has the requester and the reason.

    `carried` are the values in its symbols by Application Identifier. `resolver` is the beginning of its link.
    `carried` and `lines` are None if they were not recorded.
    """

    event_type: str
    entity_type: str
    entity_id: str
    gtin14: str
    lot_number: str | None
    serial_number: str | None
    occurred_at: datetime
    job_id: str | None
    actor: str | None
    reason: str | None
    carried: dict[str, str] | None = None
    resolver: str | None = None
    lines: list[str] | None = None

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "PrintEvent":
        """Return the event of a row of `lifecycle.history`."""
        known: dict[str, Any] = {
            field.name: event[field.name] for field in fields(cls) if field.name in event
        }
        known |= {"carried": lifecycle.carried(event), "lines": lifecycle.lines(event)}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class PrintHistory:
    """One page of events, newest first, and the number of events on all pages."""

    events: list[PrintEvent]
    total: int


@dataclass(frozen=True, slots=True)
class ExportReads:
    """Reads over a catalogue and an artefact store. Every method may block: call it from a thread.

    Without `designs`, previews know the built-in designs only; without `trays`, no printers.
    """

    catalogue: Catalogue
    artefacts: ArtefactStore
    engine: Engine = Engine.BATCH
    designs: Designs | None = None
    trays: Trays | None = None

    def require_storage(self) -> None:
        """Raise OSError or the storage driver's error if the storage cannot be written."""
        self.artefacts.require_writable()

    def preview(
        self,
        organisation: Organisation,
        request: ExportRequest,
        design: Design | None = None,
        *,
        at_once: bool = False,
    ) -> Preview:
        """Return what the request would make, without creating a job. `design` replaces the design that it names.

        `at_once` is that of `preview.preview`. Raises InvalidRequest, UnusableResolver and TrayTaken as a submission does.
        """
        if design is None:
            design = chosen(request, organisation.slug, self.designs)
        else:
            require_applicable(request, design)
        plan = ExportPlan(
            job_id=_PREVIEW_ID,
            organisation=organisation.slug,
            resolver=organisation.resolver,
            requested_by="preview",
            submitted_at=datetime.now(UTC),
            request=request,
            engine=self.engine,
            design=design,
            from_printer=filled(request, organisation.slug, _PREVIEW_ID, self.trays),
        )
        require_links_possible(plan)
        return preview.preview(plan, self.catalogue, self.artefacts, at_once=at_once)

    def templates(self, organisation: str) -> list[SheetTemplate]:
        """Return the sheet templates the organisation can use. Its own come last."""
        return list(templates.of_organisation(organisation, self.artefacts).values())

    def designs_for(self, organisation: str, export_type: ExportType) -> Mapping[str, Design]:
        """Return the designs that labels of the type can have, by name; none for files of symbols."""
        return drawable(export_type, organisation, self.designs)

    def printers(self, organisation: str) -> dict[str, Profile]:
        """Return the organisation's printers by name, each with the sheet in its tray."""
        found = self.trays.list(organisation) if self.trays else ()
        return {each.name: profile_of(each) for each in found}

    def print_history(
        self, organisation: str, page: Page, *, gtin14: str | None, lot: str | None, serial: str | None
    ) -> PrintHistory:
        """Return one page of PRINTED and REPRINTED events that match every filter given."""
        events, total = lifecycle.history(
            self.catalogue,
            organisation,
            gtin14=gtin14,
            lot=lot,
            serial=serial,
            offset=page.offset,
            limit=page.size,
        )
        return PrintHistory([PrintEvent.of(event) for event in events.iter_rows(named=True)], total)

    def details(self, job: ExportJob) -> JobDetails:
        """Return details of the job beyond its state."""
        return job_details.of(job, self.artefacts)

    def plan(self, job: ExportJob) -> ExportPlan | None:
        """Return the job's plan. None if it was removed, or if this release does not accept its settings."""
        return job_details.plan_of(job, self.artefacts)

    def picture(self, job: ExportJob) -> bytes | None:
        """Return the picture of the job's first symbol or page as a PNG, or None."""
        return pictures.first(job.job_id, self.artefacts)

    def further_picture(self, job: ExportJob, number: int) -> bytes | None:
        """Return another page of the job's PDF, or the symbol of another row, counted from 1. None if there is none.

        Pages are those of the file itself, if it is on the local disk.
        """
        plan = self.plan(job)
        if plan is None or number > job.total_items * (job.total_labels or 1):
            return None
        if not plan.has_labels:
            return pictures.of_row(plan, number - 1, self.artefacts) if number <= job.total_items else None
        path = self.artefact_path(job)
        return page_of(path, number - 1) if path and path.exists() and not plan.is_roll else None

    def rows(
        self, job: ExportJob, *, start: int, limit: int, text: str | None, keys: Mapping[str, str]
    ) -> Found:
        """Return some of the job's rows, see `manifest_search.search`. Raises ExportNotFound if they were removed."""
        try:
            return manifest_search.search(
                job.job_id, self.artefacts, start=start, limit=limit, text=text, keys=keys
            )
        except FileNotFoundError as error:
            raise ExportNotFound(job.job_id) from error

    def artefact_path(self, job: ExportJob) -> Path | None:
        """Return the artefact's path on the local disk, or None if it is not there."""
        artefact = self._artefact(job)
        return artefact and self.artefacts.local_path(artefact.key)

    def artefact_url(self, job: ExportJob, ttl_seconds: int) -> str | None:
        """Return a presigned URL of the artefact, valid for `ttl_seconds`, or None if the store has none."""
        artefact = self._artefact(job)
        return artefact and self.artefacts.presigned_url(artefact.key, ttl_seconds, artefact.filename)

    def open_artefact(self, job: ExportJob) -> BinaryIO:
        """Open the artefact. Raises ExportNotFound if the job has none or it has been deleted."""
        artefact = self._artefact(job)
        if artefact is None:
            raise ExportNotFound(job.job_id)
        return self._open(job, artefact.key)

    def open_report(
        self, job: ExportJob, report: Report, wanted: ReportFormat = ReportFormat.CSV
    ) -> BinaryIO:
        """Open the job's manifest or errors. Formats other than CSV are converted now, which takes time.

        Raises ExportNotFound if the job has no such report (any more), TooManyRows if there are too many rows for the
        format.
        """
        if report not in job.reports:
            raise ExportNotFound(job.job_id)
        stream = self._open(job, reports.key(job.job_id, report))
        return stream if wanted is ReportFormat.CSV else tables.converted(stream, report, wanted)

    def _artefact(self, job: ExportJob) -> Artefact | None:
        decided = decision.of(job.job_id, self.artefacts)
        return decided and decided.artefact

    def _open(self, job: ExportJob, key: str) -> BinaryIO:
        try:
            return self.artefacts.open(key)
        except FileNotFoundError as error:
            raise ExportNotFound(job.job_id) from error
