"""What a printer's profile fills in a request, and the sheet in its tray, on which two jobs never print the same cell.

A request that gives no `start_position` takes the tray before its job exists, and holds it once that exists. Nothing in
the job gives it back: whoever reads the profile next looks what became of the job.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from accounts.errors import NoSuchName
from accounts.labels.printers import Printers, StoredPrinter
from exports.errors import Detail, ExportNotFound, InvalidRequest, TrayChanged, TrayTaken
from exports.jobs.plan import ExportPlan
from exports.ports import ANSWER_SECONDS, ExportJob, JobStatus
from exports.printers.profile import Templates, profile_of
from exports.requests.export_types import LABEL_TYPES, ExportType
from exports.requests.request import AssetConfig, ExportRequest
from exports.requests.settings import OF_PRINTER, applies
from renderers.sheets.templates import DEFAULT_ROLL_ID, DEFAULT_TEMPLATE_ID

#: A job that does not exist so long after its submission took the tray will not exist.
_RESERVED_FOR = timedelta(seconds=3 * ANSWER_SECONDS)

_OPEN = "Wait until it ends, cancel it, or give start_position."
_SUBMITTED = "It is being submitted: try again in a moment, or give start_position."
_GONE = "It is no longer kept: tell which cell of the sheet is free, or give start_position."


@dataclass(frozen=True, slots=True)
class Trays:
    """The printers of all organisations. `job` returns an organisation's job, or raises ExportNotFound."""

    stored: Printers
    templates: Templates
    job: Callable[[str, str], ExportJob]

    def get(self, organisation: str, name: str) -> StoredPrinter:
        """Return the printer, after its tray was freed if the job that had it has ended.

        Raises NoSuchOrganisation, NoSuchName.
        """
        return self._settled(organisation, self.stored.get(organisation, name))

    def list(self, organisation: str) -> list[StoredPrinter]:
        """Return the organisation's printers by name, each as `get` does. Raises NoSuchOrganisation."""
        return [self._settled(organisation, each) for each in self.stored.list(organisation)]

    def filled(self, request: ExportRequest, organisation: str, job_id: str) -> AssetConfig | None:
        """Return the settings that the request leaves out and its printer has, None if it names no printer.

        They include `start_position` if the job is to take the tray. Raises InvalidRequest if there is no such printer,
        or it cannot print what is asked for; TrayTaken.
        """
        config = request.asset_config or AssetConfig()
        if config.printer is None:
            return None
        try:
            printer = self.get(organisation, config.printer)
        except NoSuchName as error:
            raise self._unknown(organisation, config.printer) from error
        profile = profile_of(printer)
        drawn = request.drawn
        fills = {
            name: value
            for name in OF_PRINTER
            if getattr(config, name) is None
            and (value := getattr(profile, name)) is not None
            and applies(name, drawn)
        }
        if request.export_type in LABEL_TYPES:
            self._fill_sheet(request, organisation, job_id, printer, fills)
        _require_printable(request, config.printer, fills)
        return AssetConfig(**fills)

    def filled_again(self, original: ExportPlan, job_id: str) -> AssetConfig | None:
        """Return what a reprint has from its original's printer: the same, except for the cell that is free now.

        It begins on a new sheet if that printer is gone or has another sheet in its tray. Raises TrayTaken.
        """
        before = original.from_printer
        if before is None or before.start_position is None:
            return before
        name, template = _tray_of(original)
        now: int | None = None
        try:
            printer = self.get(original.organisation, name)
        except NoSuchName:
            printer = None
        if printer is not None and printer.sheet_template == template:
            now = self._free_position(original.organisation, printer, job_id)
        return before.model_copy(update={"start_position": now})

    def take(self, plan: ExportPlan) -> None:
        """Take the tray for the plan's job, which need not exist yet, if it relies on it. Again is no error.

        Raises TrayTaken, TrayChanged.
        """
        if not _relies_on_tray(plan):
            return
        name, template = _tray_of(plan)
        position = plan.config.start_position or 1
        if not self.stored.take(plan.organisation, name, plan.job_id, template, position):
            try:
                self._free_position(plan.organisation, self.get(plan.organisation, name), plan.job_id)
            except NoSuchName as error:
                raise TrayChanged(name) from error
            raise TrayChanged(name)

    def hold(self, plan: ExportPlan) -> None:
        """Keep the tray until the plan's job, which exists now, has ended.

        Raises TrayChanged if the job has lost it meanwhile.
        """
        if _relies_on_tray(plan):
            name, _ = _tray_of(plan)
            if not self.stored.hold(plan.organisation, name, plan.job_id):
                raise TrayChanged(name)

    def _settled(self, organisation: str, printer: StoredPrinter) -> StoredPrinter:
        if printer.taken_by is None:
            return printer
        position = printer.next_position
        try:
            job = self.job(organisation, printer.taken_by)
            if not job.status.is_terminal:
                return printer
            if job.status is JobStatus.COMPLETED:
                position = job.next_position or position
        except ExportNotFound:
            if printer.reserved_at is None or datetime.now(UTC) - printer.reserved_at < _RESERVED_FOR:
                return printer
        # Somebody else may do so at the same moment: one of the two changes the tray, and both read it.
        self.stored.free(organisation, printer, position)
        return self.stored.get(organisation, printer.name)

    def _fill_sheet(
        self,
        request: ExportRequest,
        organisation: str,
        job_id: str,
        printer: StoredPrinter,
        fills: dict[str, Any],
    ) -> None:
        """Leave out what only rolls take where there are sheets, and the reverse; add the tray's free cell."""
        config = request.asset_config or AssetConfig()
        roll = request.export_type is ExportType.ROLL_LABELS
        several = {each.id for each in self.templates(organisation) if each.labels_per_page > 1}
        if roll and fills.get("sheet_template") in several:
            del fills["sheet_template"]
        template = (
            config.sheet_template
            or fills.get("sheet_template")
            or (DEFAULT_ROLL_ID if roll else DEFAULT_TEMPLATE_ID)
        )
        if template not in several:
            return
        fills.pop("rotate", None)
        if config.start_position is None and template == printer.sheet_template and not roll:
            fills["start_position"] = self._free_position(organisation, printer, job_id)

    def _free_position(self, organisation: str, printer: StoredPrinter, job_id: str) -> int:
        """Return the first free cell of the sheet in the tray. Raises TrayTaken if another job has it."""
        holder = printer.taken_by
        if holder is None or holder == job_id:
            return printer.next_position
        try:
            self.job(organisation, holder)
            remedy = _OPEN
        except ExportNotFound:
            remedy = _GONE if printer.reserved_at is None else _SUBMITTED
        raise TrayTaken(printer.name, holder, remedy)

    def _unknown(self, organisation: str, name: str) -> InvalidRequest:
        known = [each.name for each in self.stored.list(organisation)]
        near = get_close_matches(name, known, n=3) or known[:10]
        there = f"; there are {', '.join(near)}" if near else ": the organisation has none"
        return _fault(f"There is no printer {name!r}{there}", "unknown_printer")


def filled(request: ExportRequest, organisation: str, job_id: str, trays: Trays | None) -> AssetConfig | None:
    """Return what `Trays.filled` does. Without `trays` there are no printers."""
    if trays is not None:
        return trays.filled(request, organisation, job_id)
    if request.asset_config is not None and request.asset_config.printer is not None:
        raise _fault("Printers are not known here", "unknown_printer")
    return None


def _relies_on_tray(plan: ExportPlan) -> bool:
    return plan.from_printer is not None and plan.from_printer.start_position is not None


def _tray_of(plan: ExportPlan) -> tuple[str, str]:
    """Return the printer and the template of a plan that relies on the tray."""
    config = plan.config
    # Where the tray is relied on, both are given.
    assert config.printer is not None  # noqa: S101
    assert config.sheet_template is not None  # noqa: S101
    return config.printer, config.sheet_template


def _require_printable(request: ExportRequest, printer: str, fills: dict[str, Any]) -> None:
    """Raise InvalidRequest if the request cannot have what the printer fills in."""
    document = request.normalised()
    document["asset_config"] = {**document.get("asset_config", {}), **fills}
    try:
        ExportRequest.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(fault["msg"] for fault in error.errors(include_url=False, include_input=False))
        raise _fault(f"The printer {printer!r} cannot print this: {faults}", "incoherent_setting") from error


def _fault(message: str, kind: str) -> InvalidRequest:
    return InvalidRequest([Detail(loc=["body", "asset_config", "printer"], msg=message, type=kind)])
