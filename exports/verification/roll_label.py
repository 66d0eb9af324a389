"""What is printed on one label of a roll, against the frozen manifest and the layout."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import geometry, tables
from exports.verification.carried import Carried
from exports.verification.formats import zpl_file
from exports.verification.formats.zpl_file import Box, Form, Label
from exports.verification.reading import require_reads
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

#: More than guard and bearer bars reach beyond a symbol, in X.
_AROUND_X = 6


def require_label(
    plan: ExportPlan,
    sheet: SheetPlan,
    row: Row,
    carried: Carried,
    layout: LabelLayout,
    label: Label,
    told: Mapping[str, str],
) -> None:
    """Raise SymbolDoesNotDecode unless the symbol says and measures what it must, and the report tells it so."""
    name = label.name
    size = symbol_size(carried.kind, plan.config.environment or Environment.RETAIL)
    look = _native if label.form.symbol is not None else _pictured
    text, message, width_x = look(name, sheet, size, carried, layout, label)
    tables.require_row(
        Report.MANIFEST,
        told,
        row,
        file=name,
        scope=row["scope"],
        expiry=row["expiry"] or "",
        symbology=carried.kind.value,
        payload=text,
        message=message,
        modules=f"{width_x:g}",
        x_dimension_mm=f"{layout.x_dimension_mm:.3f}",
    )
    tables.require_note(name, told, carried)


_Said = tuple[str, str, float]


def _native(
    name: str, sheet: SheetPlan, size: SymbolSize, carried: Carried, layout: LabelLayout, label: Label
) -> _Said:
    """Return what the symbol that the printer draws says, as the manifest tells it, and its width in X."""
    symbol = label.form.symbol
    assert symbol is not None  # noqa: S101 - the caller has looked
    said = zpl_file.message(symbol.command, label.data[symbol.data])
    if symbol.command == "BE":
        said += str(check_digit(said))
    text = carrying.require_carried(name, said.removeprefix("\x1d").encode(), carried)
    box = _unturned(label.form, label.box(symbol), sheet.document.rotate)
    width_x = box.width / symbol.x_dots
    if carried.kind not in _KINDS[symbol.command] or symbol.x_dots != layout.x_dots:
        raise SymbolDoesNotDecode(f"{name} has {symbol.command} of {symbol.x_dots} dots", value=symbol)
    if layout.bar_height_dots not in {0, box.height}:
        raise SymbolDoesNotDecode(f"{name} has bars of {box.height} dots", value=box.height)
    _require_quiet(name, sheet, size, layout, label, box)
    return text, text if carried.digits else said.replace("\x1d", "^"), width_x


def _require_quiet(
    name: str, sheet: SheetPlan, size: SymbolSize, layout: LabelLayout, label: Label, box: Box
) -> None:
    """Raise SymbolDoesNotDecode where another field than bearer bars, or the label's edge, is in the quiet zone."""
    x = layout.x_dots
    left, top = box.x - size.quiet_left_x * x, box.y - size.quiet_top_x * x
    right, bottom = box.x + box.width + size.quiet_right_x * x, box.y + box.height + size.quiet_bottom_x * x
    for field in label.form.fields:
        if field == label.form.symbol or field.command == "GB":
            continue
        other = _unturned(label.form, label.box(field), sheet.document.rotate)
        beside = other.x + other.width <= left or other.x >= right
        if not (beside or other.y + other.height <= top or other.y >= bottom):
            raise SymbolDoesNotDecode(f"{name}: the quiet zone is not light", value=other)


def _unturned(form: Form, box: Box, rotate: int) -> Box:
    """Return a box as it was before the label was turned clockwise."""
    width, length = form.width, form.length
    for _ in range(rotate // 90):
        # A quarter turn back: the right edge of the media becomes the upper one.
        box = Box(box.y, width - box.x - box.width, box.height, box.width)
        width, length = length, width
    return box


def _pictured(
    name: str, sheet: SheetPlan, size: SymbolSize, carried: Carried, layout: LabelLayout, label: Label
) -> _Said:
    """Return what a decoder reads in the label's pictures, as the manifest tells it, and the symbol's width in X."""
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
    return decoded.text, decoded.message, width_x


def _picture(sheet: SheetPlan, size: SymbolSize, layout: LabelLayout, label: Label) -> NDArray[np.uint8]:
    """Return the first picture of the label, turned back, with what is drawn in its quiet zone and a little around it."""
    form = label.form
    dark = np.zeros((form.length, form.width), np.bool_)
    for field in form.of("GB"):
        dark[field.box.y : field.box.y + field.box.height, field.box.x : field.box.x + field.box.width] = True
    symbol, *_ = pictures = form.of("GF")
    for field in pictures:
        picture = zpl_file.picture(label.data[field.data])
        place = dark[field.box.y :, field.box.x :][: picture.shape[0], : picture.shape[1]]
        place |= picture[: place.shape[0], : place.shape[1]]
    back = np.rot90(dark, sheet.document.rotate // 90)
    box, x = _unturned(form, label.box(symbol), sheet.document.rotate), layout.x_dots
    left, top = box.x - (size.quiet_left_x + _AROUND_X) * x, box.y - (size.quiet_top_x + _AROUND_X) * x
    right = box.x + box.width + (size.quiet_right_x + _AROUND_X) * x
    bottom = box.y + box.height + (size.quiet_bottom_x + _AROUND_X) * x
    return np.where(back[max(0, top) : bottom, max(0, left) : right], 0, 255).astype(np.uint8)
