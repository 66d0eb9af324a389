"""Compare one label of a roll with the frozen manifest and the layout."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import geometry, lines, tables
from exports.verification.formats import zpl_file
from exports.verification.formats.zpl_file import Box, Field, Form, Label
from exports.verification.label import Symbol
from exports.verification.reading import require_reads
from gs1.check_digit import check_digit
from gs1.symbol_size import Environment, SymbolKind, SymbolSize, symbol_size
from renderers.sheets.model import LabelLayout, TextLine
from renderers.units import POINTS_PER_INCH

#: The kinds that each command draws.
_KINDS: Mapping[str, frozenset[SymbolKind]] = {
    "BX": frozenset({SymbolKind.GS1_DATAMATRIX}),
    "BC": frozenset({SymbolKind.GS1_128}),
    "BE": frozenset({SymbolKind.EAN_13, SymbolKind.UPC_A}),
    "B2": frozenset({SymbolKind.ITF_14}),
}

#: Margin in X, wider than guard and bearer bars reach beyond a symbol.
_AROUND_X = 6

#: How far the ink of a line reaches above and below its baseline, relative to its size, with accents and descenders.
_ASCENT, _DESCENT = 0.95, 0.3


def require_label(
    plan: ExportPlan,
    sheet: SheetPlan,
    row: Row,
    symbols: Sequence[Symbol],
    label: Label,
    told: Sequence[Mapping[str, str]],
) -> None:
    """Raise SymbolDoesNotDecode unless the symbols and their rows in the report have the right data and sizes.

    Lines of the design are pictures, whose text is not read. A line must have ink if the row has its values.
    """
    for symbol, cells in zip(symbols, told, strict=True):
        _require_symbol(plan, sheet, row, symbol, label, cells)
    _require_lines(plan, sheet, row, [line for layout, _ in symbols for line in layout.lines], label)


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
    said = zpl_file.message(field.command, label.data[field.data])
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
    """Return the field's box without the label's offset and rotation."""
    right, down = _offset(sheet)
    box = label.box(field)
    return _unturned(label.form, box._replace(x=box.x - right, y=box.y - down), sheet.document.rotate)


def _offset(sheet: SheetPlan) -> tuple[int, int]:
    document = sheet.document
    return document.dots(document.calibration.offset_x_mm), document.dots(document.calibration.offset_y_mm)


def _unturned(form: Form, box: Box, rotate: int) -> Box:
    """Return a box without the label's clockwise rotation."""
    width, length = form.width, form.length
    for _ in range(rotate // 90):
        # A quarter turn back: the right edge of the media becomes the upper one.
        box = Box(box.y, width - box.x - box.width, box.height, box.width)
        width, length = length, width
    return box


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
    """Return the picture of the symbol with its quiet zone and a small margin."""
    pictures = [_place(sheet, label, field) for field in label.form.of("GF")]
    if not pictures:
        raise SymbolDoesNotDecode(f"{label.name} has no symbol", value=label.name)
    x, (axis, middle) = layout.x_dots, _centre(sheet, layout)
    box = min(pictures, key=lambda at: abs(at.x + at.width / 2 - axis) + abs(at.y + at.height / 2 - middle))
    left, top = box.x - (size.quiet_left_x + _AROUND_X) * x, box.y - (size.quiet_top_x + _AROUND_X) * x
    right = box.x + box.width + (size.quiet_right_x + _AROUND_X) * x
    bottom = box.y + box.height + (size.quiet_bottom_x + _AROUND_X) * x
    dark = _ink(sheet, label, "GF", "GB")[max(0, top) : bottom, max(0, left) : right]
    return np.where(dark, 0, 255).astype(np.uint8)


def _ink(sheet: SheetPlan, label: Label, *commands: str) -> NDArray[np.bool_]:
    """Return the black dots of fields with these commands, without the label's offset and rotation."""
    form, (right, down) = label.form, _offset(sheet)
    dark = np.zeros((form.length, form.width), np.bool_)
    for field in form.fields:
        if field.command in commands:
            solid = field.command == "GB"
            picture = (
                np.ones(field.box[:1:-1], np.bool_) if solid else zpl_file.picture(label.data[field.data])
            )
            place = dark[max(0, field.box.y - down) :, max(0, field.box.x - right) :]
            place = place[: picture.shape[0], : picture.shape[1]]
            place |= picture[: place.shape[0], : place.shape[1]]
    return np.rot90(dark, sheet.document.rotate // 90)


def _corner(sheet: SheetPlan) -> tuple[int, int]:
    """Return the label's lower left corner, counted right and down from the page's upper left corner."""
    document, template = sheet.document, sheet.template
    return document.dots(template.left_mm), document.dots(template.top_mm + template.label_height_mm)


def _centre(sheet: SheetPlan, layout: LabelLayout) -> tuple[float, float]:
    """Return the centre of the symbols' box, counted right and down from the page's upper left corner."""
    left, bottom = _corner(sheet)
    height = layout.bar_height_dots or layout.box_height_x * layout.x_dots
    across = layout.box_left_dots + layout.box_width_x * layout.x_dots / 2
    return left + across, bottom - layout.box_bottom_dots - height / 2


def _require_lines(
    plan: ExportPlan, sheet: SheetPlan, row: Row, of_design: Iterable[TextLine], label: Label
) -> None:
    """Raise SymbolDoesNotDecode if a line that must have text has no ink."""
    expected = [(line, lines.of_line(plan.label_design, line.number or 0, row)) for line in of_design]
    # The line is left out if no font has the name's characters.
    certain = [(line, said.text) for line, said in expected if said.text and not said.shows_name]
    if not certain:
        return
    ink, document, (left, bottom) = _ink(sheet, label, "GF"), sheet.document, _corner(sheet)
    for line, text in certain:
        baseline, em = bottom - document.dots(line.baseline_mm), line.size_pt * document.dpi / POINTS_PER_INCH
        above, below = max(0, int(baseline - _ASCENT * em)), math.ceil(baseline + _DESCENT * em)
        start, stop = (left + document.dots(line.left_mm + more) for more in (0, line.width_mm))
        if not ink[above:below, max(0, start) : stop + 1].any():
            raise SymbolDoesNotDecode(f"{label.name} lacks {text!r}", value=text)
