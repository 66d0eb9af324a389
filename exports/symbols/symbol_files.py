"""Draws rows of a manifest as symbol files, in batches. Rows that cannot be drawn become errors with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import polars as pl

from exports.jobs.plan import ExportPlan
from exports.reports.rows import ErrorRow, ManifestRow
from exports.symbols.notes import Note, NoteCode, note_text
from exports.symbols.payloads import Payload, Row, payload_maker
from gs1.element_string import hri_elements
from gs1.errors import LabelError
from gs1.symbol_size import Environment, SymbolKind, fitting_x_dimension_mm, symbol_size, x_dimension_mm
from renderers.file_names import member_name
from renderers.registry import WRITERS, FileFormat, encoders
from renderers.symbol import Captions, Drawing, QuietZone, SymbolGroup
from renderers.whole_dots import WholeDots

_NAMES: Mapping[SymbolKind, str] = {
    SymbolKind.QR_CODE: "QR Code",
    SymbolKind.GS1_DATAMATRIX: "GS1 DataMatrix",
    SymbolKind.EAN_13: "EAN-13",
    SymbolKind.UPC_A: "UPC-A",
    SymbolKind.EAN_8: "EAN-8",
    SymbolKind.ITF_14: "ITF-14",
    SymbolKind.GS1_128: "GS1-128",
}


class SymbolFile(NamedTuple):
    """One drawn symbol: `row` counts from 0, `name` is its place in the ZIP, `title` and `text` tell it in words."""

    row: int
    name: str
    data: bytes
    payload: Payload

    @property
    def title(self) -> str:
        return _title(self.payload)

    @property
    def text(self) -> str:
        return self.payload.text


@dataclass(frozen=True, slots=True)
class DrawnBatch:
    """The results for the rows of a batch, in their order. Every row is in the files or in the errors."""

    files: list[SymbolFile] = field(default_factory=list[SymbolFile])
    manifest_rows: list[ManifestRow] = field(default_factory=list[ManifestRow])
    error_rows: list[ErrorRow] = field(default_factory=list[ErrorRow])
    notes: list[tuple[Note, ...]] = field(default_factory=list[tuple[Note, ...]])


class _Size(NamedTuple):
    """What the manifest says about symbols of one size."""

    modules: str
    x_dimension_mm: str
    notes: tuple[Note, ...]


#: The place of a symbol in a batch: position of its row, index of its slot.
_Place = tuple[int, int]


def draw(plan: ExportPlan, frame: pl.DataFrame, *, screen_dpi: int | None = None) -> DrawnBatch:
    """Encode and draw the frame's rows. An entity fails whole if one of its symbols cannot be made.

    With `screen_dpi` the files are PNGs for a screen of that resolution, whatever the plan's format.
    """
    rows: list[Row] = list(frame.iter_rows(named=True))
    payloads, refused = _payloads(plan, rows)
    drawn = _draw_symbols(plan, payloads, refused, screen_dpi)
    batch = DrawnBatch()
    slots, extension = plan.slots, plan.file_format.value
    for position, row in enumerate(rows):
        identity = (row["entity_id"], row["gtin14"], row["lot_number"], row["serial_number"])
        if error := refused.get(position):
            batch.error_rows.append(ErrorRow(row["row"] + 1, *identity, error.code, str(error)))
            continue
        for index, slot in enumerate(slots):
            payload = payloads[position, index]
            data, size = drawn[position, index]
            parts = [part for part in identity[1:] if part]
            if len(slots) > 1:
                parts.append(slot.value)
            name = member_name(row["row"] + 1, parts, extension)
            batch.files.append(SymbolFile(row["row"], name, data, payload))
            notes = payload.notes + size.notes
            batch.notes.append(notes)
            batch.manifest_rows.append(
                ManifestRow(
                    row["row"] + 1,
                    name,
                    row["scope"],
                    *identity,
                    row["expiry"],
                    payload.kind.value,
                    payload.text,
                    size.modules,
                    size.x_dimension_mm,
                    note_text(notes),
                    payload.message,
                )
            )
    return batch


def drawing_of(plan: ExportPlan, kind: SymbolKind, group: SymbolGroup) -> Drawing:
    """Return how the group's symbols are put on paper, by the plan and GS1's table.

    X in a PNG is whole dots of the printer, so that the resolution of the file is the printer's.
    Raises XDimensionOutOfRange or SymbolTooWide.
    """
    config = plan.config
    environment = config.environment or Environment.RETAIL
    size = symbol_size(kind, environment)
    quiet = QuietZone(size.quiet_left_x, size.quiet_right_x, size.quiet_top_x, size.quiet_bottom_x)
    width_x = quiet.left + group.width_x + quiet.right
    if plan.file_format is FileFormat.PNG:
        dots = WholeDots(kind, environment, plan.dpi)
        x_mm = dots.fitting(config.module_size_mm, width_x) * dots.dot_mm
    else:
        x_mm = fitting_x_dimension_mm(kind, environment, config.module_size_mm, width_x)
    linear = size.height_mm is not None
    return Drawing(
        x_dimension_mm=x_mm,
        quiet_zone=quiet,
        dpi=plan.dpi,
        bar_height_mm=size.height_at_mm(x_mm),
        bearer_bar_x=size.bearer_bar_x,
        # A linear symbol always has its text (GS1 General Specifications, 4.14); a matrix symbol where asked for.
        hri=linear or config.hri is True,
    )


def _payloads(plan: ExportPlan, rows: Sequence[Row]) -> tuple[dict[_Place, Payload], dict[int, LabelError]]:
    makers = [payload_maker(slot, plan.resolver, plan.config.environment) for slot in plan.slots]
    payloads: dict[_Place, Payload] = {}
    refused: dict[int, LabelError] = {}
    for position, row in enumerate(rows):
        try:
            for index, make in enumerate(makers):
                payloads[position, index] = make(row)
        except LabelError as error:
            refused[position] = error
    return payloads, refused


def _draw_symbols(
    plan: ExportPlan,
    payloads: Mapping[_Place, Payload],
    refused: dict[int, LabelError],
    screen_dpi: int | None,
) -> dict[_Place, tuple[bytes, _Size]]:
    """Return the drawn symbols and their sizes. Add the first reason of each row that cannot be drawn to `refused`."""
    drawn: dict[_Place, tuple[bytes, _Size]] = {}
    write = WRITERS[plan.file_format if screen_dpi is None else FileFormat.PNG]
    for kind, places in _by_kind(payloads, refused).items():
        encode = encoders(plan.engine)[kind]
        encoded = encode([payloads[place].data for place in places], plan.config.error_correction or "M")
        for index, error in encoded.refused.items():
            refused.setdefault(places[index][0], error)
        for group in encoded.groups:
            members = [places[index] for index in group.positions.tolist()]
            try:
                drawing = drawing_of(plan, kind, group)
            except LabelError as error:
                for position, _ in members:
                    refused.setdefault(position, error)
                continue
            if screen_dpi is not None:
                drawing = replace(drawing, dpi=screen_dpi)
            size = _Size(f"{group.width_x:g}", f"{drawing.x_dimension_mm:.3f}", _notes(plan, kind, drawing))
            captions = _captions([payloads[place] for place in members])
            for place, data in zip(members, write(group, drawing, captions), strict=True):
                drawn[place] = data, size
    return drawn


def _by_kind(
    payloads: Mapping[_Place, Payload], refused: Mapping[int, LabelError]
) -> dict[SymbolKind, list[_Place]]:
    by_kind: dict[SymbolKind, list[_Place]] = {}
    for place, payload in payloads.items():
        if place[0] not in refused:
            by_kind.setdefault(payload.kind, []).append(place)
    return by_kind


def _captions(payloads: Sequence[Payload]) -> Captions:
    return Captions(
        titles=[_title(payload) for payload in payloads],
        descriptions=[payload.text for payload in payloads],
        elements=[hri_elements(payload.elements) or [payload.hri] for payload in payloads],
    )


def _title(payload: Payload) -> str:
    return f"{_NAMES[payload.kind]} {payload.hri}"


def _notes(plan: ExportPlan, kind: SymbolKind, drawing: Drawing) -> tuple[Note, ...]:
    environment, requested_mm = plan.config.environment or Environment.RETAIL, plan.config.module_size_mm
    wanted_mm = x_dimension_mm(kind, environment, requested_mm)
    if plan.file_format is FileFormat.PNG:
        dots = WholeDots(kind, environment, plan.dpi)
        wanted_mm = dots.nearest(requested_mm) * dots.dot_mm
    if drawing.x_dimension_mm == wanted_mm:
        return ()
    return (Note(NoteCode.X_REDUCED, f"{wanted_mm:.3f}"),)
