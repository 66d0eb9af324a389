"""Compare one label of a roll with the frozen manifest and the layout."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import geometry, tables
from exports.verification.formats import zpl_fields
from exports.verification.formats.zpl_fields import Box, Field
from exports.verification.formats.zpl_file import Label
from exports.verification.label import Symbol
from exports.verification.reading import require_reads
from exports.verification.rolls import places, texts
from gs1.check_digit import check_digit
from gs1.symbol_size import Environment, SymbolKind, SymbolSize, symbol_size
from renderers.sheets.model import LabelLayout

#: The kinds that each command draws.
_KINDS: Mapping[str, frozenset[SymbolKind]] = {
    "BX": frozenset({SymbolKind.GS1_DATAMATRIX}),
    "BC": frozenset({SymbolKind.GS1_128}),
    "BE": frozenset({SymbolKind.EAN_13, SymbolKind.UPC_A}),
    "B2": frozenset({SymbolKind.ITF_14}),
}

#: Margin in X, wider than guard and bearer bars reach beyond a symbol.
_AROUND_X = 6


def require_label(
    plan: ExportPlan,
    sheet: SheetPlan,
    row: Row,
    symbols: Sequence[Symbol],
    label: Label,
    told: Sequence[Mapping[str, str]],
) -> None:
    """Raise SymbolDoesNotDecode unless symbols and lines say and measure what they must, and the report tells them so."""
    for symbol, cells in zip(symbols, told, strict=True):
        _require_symbol(plan, sheet, row, symbol, label, cells)
    texts.require_texts(plan, sheet, row, symbols, label)


def _require_symbol(
    plan: ExportPlan, sheet: SheetPlan, row: Row, symbol: Symbol, label: Label, told: Mapping[str, str]
) -> None:
    layout, carried = symbol
    size = symbol_size(carried.kind, plan.config.environment or Environment.RETAIL)
    native = next((each for each in label.form.symbols if carried.kind in _KINDS[each.command]), None)
    if native is not None:
        text, message, modules = _native(sheet, size, symbol, label, native)
    else:
        text, message, modules = _pictured(sheet, size, symbol, label)
    tables.require_row(
        Report.MANIFEST,
        told,
        row,
        file=label.name,
        scope=row["scope"],
        expiry=row["expiry"] or "",
        symbology=carried.kind.value,
        payload=text,
        message=message,
        modules=modules,
        x_dimension_mm=f"{layout.x_dimension_mm:.3f}",
    )
    tables.require_note(label.name, told, carried)


_Said = tuple[str, str, str]


def _native(sheet: SheetPlan, size: SymbolSize, symbol: Symbol, label: Label, field: Field) -> _Said:
    """Return the payload of the symbol that the printer draws, as in the manifest, and its number of modules."""
    name, (layout, carried) = label.name, symbol
    said = zpl_fields.message(field.command, label.shown(field))
    if field.command == "BE":
        said += str(check_digit(said))
    text = carrying.require_carried(name, said.removeprefix("\x1d").encode(), carried)
    box = _place(sheet, label, field)
    if field.x_dots != layout.x_dots:
        raise SymbolDoesNotDecode(f"{name} has {field.command} of {field.x_dots} dots", value=field)
    if layout.bar_height_dots not in {0, box.height}:
        raise SymbolDoesNotDecode(f"{name} has bars of {box.height} dots", value=box.height)
    _require_quiet(sheet, size, layout, label, field)
    return text, text if carried.digits else said.replace("\x1d", "^"), f"{box.width / field.x_dots:g}"


def _require_quiet(
    sheet: SheetPlan, size: SymbolSize, layout: LabelLayout, label: Label, symbol: Field
) -> None:
    """Raise SymbolDoesNotDecode if anything but bearer bars, or the label's edge, is in the quiet zone."""
    x, box = layout.x_dots, _place(sheet, label, symbol)
    left, top = box.x - size.quiet_left_x * x, box.y - size.quiet_top_x * x
    right, bottom = box.x + box.width + size.quiet_right_x * x, box.y + box.height + size.quiet_bottom_x * x
    for field in label.form.fields:
        if field == symbol or field.command in {"GB", "GF"}:
            continue
        other = _place(sheet, label, field)
        beside = other.x + other.width <= left or other.x >= right
        if not (beside or other.y + other.height <= top or other.y >= bottom):
            raise SymbolDoesNotDecode(f"{label.name}: the quiet zone is not light", value=other)
    # Pictures are wider than their ink and may overlap with the zone, so their ink is checked.
    if _ink(sheet, label, "GF")[max(0, top) : bottom, max(0, left) : right].any():
        raise SymbolDoesNotDecode(f"{label.name}: the quiet zone is not light", value=box)


def _place(sheet: SheetPlan, label: Label, field: Field) -> Box:
    return places.upright(sheet, label.form, label.box(field))


def _pictured(sheet: SheetPlan, size: SymbolSize, symbol: Symbol, label: Label) -> _Said:
    """Return the payload decoded from the label's pictures, as in the manifest, and its number of modules."""
    name, (layout, carried) = label.name, symbol
    decoded = require_reads(name, _picture(sheet, size, layout, label), carried)
    width_x = geometry.width_x(
        name,
        decoded.dark,
        decoded.position,
        carried.kind,
        size,
        layout.x_dots,
        layout.bar_height_dots / layout.x_dots if layout.bar_height_dots else None,
    )
    rows = geometry.rows(name, decoded.dark, decoded.position, carried.kind, width_x, layout.x_dots)
    return decoded.text, decoded.message, geometry.modules_text(width_x, rows)


def _picture(sheet: SheetPlan, size: SymbolSize, layout: LabelLayout, label: Label) -> NDArray[np.uint8]:
    """Return the symbol's picture, with what is drawn in its quiet zone and a little around it."""
    (page_left, page_bottom), x = places.corner(sheet), layout.x_dots
    width = round(layout.box_width_x * x)
    height = layout.bar_height_dots or round(layout.box_height_x * x)
    box_left, box_bottom = page_left + layout.box_left_dots, page_bottom - layout.box_bottom_dots
    left = box_left - (size.quiet_left_x + _AROUND_X) * x
    right = box_left + width + (size.quiet_right_x + _AROUND_X) * x
    top = box_bottom - height - (size.quiet_top_x + _AROUND_X) * x
    bottom = box_bottom + (size.quiet_bottom_x + _AROUND_X) * x
    dark = _ink(sheet, label, "GF", "GB")[max(0, top) : bottom, max(0, left) : right]
    return np.where(dark, 0, 255).astype(np.uint8)


def _ink(sheet: SheetPlan, label: Label, *commands: str) -> NDArray[np.bool_]:
    """Return the dots that fields of these commands blacken, as they were before the label was moved and turned."""
    form, (right, down) = label.form, places.offset(sheet)
    dark = np.zeros((form.length, form.width), np.bool_)
    for field in form.fields:
        if field.command in commands:
            solid = field.command == "GB"
            picture = (
                np.ones(field.box[:1:-1], np.bool_)
                if solid
                else zpl_fields.picture(label.shown(field), field.box)
            )
            place = dark[max(0, field.box.y - down) :, max(0, field.box.x - right) :]
            place = place[: picture.shape[0], : picture.shape[1]]
            place |= picture[: place.shape[0], : place.shape[1]]
    return np.rot90(dark, sheet.document.rotate // 90)
