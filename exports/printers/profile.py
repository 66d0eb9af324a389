"""Printer profiles as documents: what a printer does to every export, and the sheet in its tray."""

import json
from collections.abc import Callable, Iterable
from typing import Annotated, TypeAlias

from pydantic import Field

from accounts.labels.printers import Printers, StoredPrinter
from exports.errors import Detail, InvalidRequest
from exports.requests.fields import Body, Dpi, OffsetMm, Position, Rotation, ScalePercent, TemplateId
from exports.requests.json_body import parse
from exports.requests.names import require_name
from renderers.sheets.model import SheetTemplate

#: organisation -> the templates it can use
Templates: TypeAlias = Callable[[str], Iterable[SheetTemplate]]


class Tray(Body):
    """The sheet in a printer's tray: its template, by default the one before, and its first free cell, by default 1."""

    sheet_template: TemplateId | None = None
    next_position: Annotated[Position, Field(description="The first free cell, counted from 1.")] | None = (
        None
    )


class Profile(Body):
    """What a printer does to every export. With `sheet_template` it also tells which sheet is in the tray now."""

    offset_x_mm: OffsetMm | None = None
    offset_y_mm: OffsetMm | None = None
    scale_percent: ScalePercent | None = None
    dpi: Dpi | None = None
    rotate: Rotation | None = None
    sheet_template: TemplateId | None = None
    next_position: Position | None = None


_OF_TRAY = frozenset(Tray.model_fields)


def save(
    printers: Printers, templates: Templates, organisation: str, name: str, body: bytes, *, changed_by: str
) -> StoredPrinter:
    """Store the profile of a JSON body under the name. The tray stays as it is unless the body tells of it.

    Raises InvalidRequest, NoSuchOrganisation, TooManyNames.
    """
    profile = parse(body, Profile)
    require_name(name, "printer")
    told = profile.model_dump(include=set(_OF_TRAY), exclude_none=True)
    before = next((each for each in printers.list(organisation) if each.name == name), None)
    tray = _checked(Tray(**told), before, templates, organisation) if told else None
    document = json.dumps(profile.model_dump(mode="json", exclude_none=True, exclude=set(_OF_TRAY)))
    saved = printers.save(organisation, name, document, changed_by=changed_by)
    if tray is None:
        return saved
    printers.load(organisation, name, *tray)
    return printers.get(organisation, name)


def load_tray(
    printers: Printers, templates: Templates, organisation: str, name: str, tray: Tray
) -> StoredPrinter:
    """Record which sheet is in the tray, whatever job had it, and return the printer.

    Raises InvalidRequest, NoSuchOrganisation, NoSuchName.
    """
    before = printers.get(organisation, name)
    printers.load(organisation, name, *_checked(tray, before, templates, organisation))
    return printers.get(organisation, name)


def profile_of(printer: StoredPrinter) -> Profile:
    """Return the printer's profile, with the sheet in its tray."""
    settings = Profile.model_validate_json(printer.document)
    sheet = {"sheet_template": printer.sheet_template, "next_position": printer.next_position}
    return settings if printer.sheet_template is None else settings.model_copy(update=sheet)


def _checked(
    tray: Tray, before: StoredPrinter | None, templates: Templates, organisation: str
) -> tuple[str, int]:
    """Return the id of the tray's template and its first free cell.

    Raises InvalidRequest if no template is known, or it has fewer cells.
    """
    name = tray.sheet_template
    if name is None and before is not None:
        name = before.sheet_template
    template = next((each for each in templates(organisation) if each.id == name), None)
    if template is None:
        message = "Say which sheet is in the tray" if name is None else f"There is no sheet template {name!r}"
        raise _fault("sheet_template", message, "unknown_template")
    position = tray.next_position or 1
    if position > template.labels_per_page:
        message = f"A sheet of {template.id} has labels 1 to {template.labels_per_page}"
        raise _fault("next_position", message, "invalid_start_position")
    return template.id, position


def _fault(field: str, message: str, kind: str) -> InvalidRequest:
    return InvalidRequest([Detail(loc=["body", field], msg=message, type=kind)])
