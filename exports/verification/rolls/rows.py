"""All labels of a roll against the frozen manifest: their data, text, logo, copies and size.

What the printer draws, symbols and text in its own font, is read from the data. Pictures are not: `rolls.label` reads
those of the sample.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from exports.errors import SymbolDoesNotDecode
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import LINEAR, Slot
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import lines
from exports.verification.formats import zpl_fields
from exports.verification.formats.zpl_fields import Field
from exports.verification.formats.zpl_file import Form, Label
from exports.verification.rolls import places
from gs1.symbol_size import SymbolKind
from renderers.sheets.model import LabelLayout

#: The commands that may draw a slot's symbol. A printer draws no QR Code: it would choose the mask.
_COMMANDS: Mapping[Slot, frozenset[str]] = {
    Slot.QR: frozenset(),
    Slot.DATAMATRIX: frozenset({"BX"}),
    Slot.LINEAR: frozenset({"BC", "BE", "B2"}),
    Slot.GTIN: frozenset({"BE", "B2"}),
}


class _Alike(NamedTuple):
    """Labels with the same commands and kinds of symbols, with their places among the rows, and the layouts they have."""

    form: Form
    layouts: Sequence[LabelLayout]
    places: list[int]
    labels: list[Label]

    def shown(self, field: Field) -> list[str]:
        """Return the data of a field of each label."""
        return [label.data[field.data] for label in self.labels]

    def require(self, what: str, found: Sequence[str], expected: Sequence[str | None]) -> None:
        """Raise SymbolDoesNotDecode for the first label of which something else was found than expected."""
        if found == expected:
            return
        for label, one, other in zip(self.labels, found, expected, strict=True):
            if one != other:
                raise SymbolDoesNotDecode(f"{label.name} {what} {one!r}", value=one, expected=str(other))


def require_rows(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame, labels: Sequence[Label]) -> None:
    """Raise SymbolDoesNotDecode unless each row's label is what the manifest and the layout ask for."""
    carried = [carrying.columns(slot, rows.item(0, "scope"), rows, plan.carry) for slot in sheet.slots]
    copies = rows["copies"].to_list()
    hri = [""] * rows.height
    for slot, columns in zip(sheet.slots, carried, strict=True):
        if plan.label_design.hri or slot in LINEAR:
            hri = [before + text for before, text in zip(hri, columns.texts, strict=True)]
    texts: dict[int, list[str | None]] = {}
    for alike in _alike(sheet, labels, [columns.kinds for columns in carried]):
        _require_size(sheet, alike)
        alike.require(
            "is printed so often:",
            [str(alike.form.copies)] * len(alike.labels),
            [str(copies[place]) for place in alike.places],
        )
        _require_symbols(sheet, alike, [columns.messages for columns in carried])
        places.require_logo(sheet, alike.labels[0], alike.layouts)
        _require_same_logo(sheet, alike)
        others = alike.form.of("A0")
        for line, field in places.texts(sheet, alike.form, alike.layouts).items():
            if (number := line.number) is None:
                continue
            if number not in texts:
                texts[number] = lines.column(plan.label_design, number, rows)
            alike.require(
                "shows the text", alike.shown(field), [texts[number][place] for place in alike.places]
            )
            others.remove(field)
        _require_hri(sheet, alike, others, [hri[place] for place in alike.places])


def _alike(
    sheet: SheetPlan, labels: Sequence[Label], kinds: Sequence[Sequence[SymbolKind]]
) -> Iterator[_Alike]:
    """Yield the labels by their form and the kinds of their symbols."""
    layout_of = {(layout.kind, layout.partner): layout for layout in sheet.layouts}
    found: dict[tuple[object, ...], _Alike] = {}
    for place, (label, *own) in enumerate(zip(labels, *kinds, strict=True)):
        # Forms are compared by identity: labels of one form share it, and comparing it costs more than a second look.
        key = (id(label.form), *own)
        alike = found.get(key)
        if alike is None:
            partners = [None] if len(own) == 1 else own[::-1]
            layouts = [layout_of[pair] for pair in zip(own, partners, strict=True) if pair in layout_of]
            alike = found[key] = _Alike(label.form, layouts, [], [])
        alike.places.append(place)
        alike.labels.append(label)
    yield from found.values()


def _require_size(sheet: SheetPlan, alike: _Alike) -> None:
    """Raise SymbolDoesNotDecode for another size, and for a field beside the label."""
    document, form = sheet.document, alike.form
    size = document.dots(document.printed.page_width_mm), document.dots(document.printed.page_height_mm)
    if (form.width, form.length) != size:
        raise SymbolDoesNotDecode(
            "A label has another size", value=(form.width, form.length), expected=str(size)
        )
    reach = [(form.right, form.bottom)]
    for field in form.of("BC"):
        boxes = [label.box(field) for label in alike.labels]
        reach += [(box.x + box.width, box.y + box.height) for box in boxes]
    width, length = size
    for right, bottom in reach:
        if right > width or bottom > length:
            raise SymbolDoesNotDecode(f"{alike.labels[0].name} has a field beside it", value=(right, bottom))


def _require_symbols(sheet: SheetPlan, alike: _Alike, messages: Sequence[Sequence[str]]) -> None:
    """Raise SymbolDoesNotDecode if a symbol that the printer draws says something else, or is none of the label's."""
    left = list(range(len(sheet.slots)))
    for symbol in alike.form.symbols:
        at = next((at for at in left if symbol.command in _COMMANDS[sheet.slots[at]]), None)
        if at is None:
            raise SymbolDoesNotDecode(f"{alike.labels[0].name} has {symbol.command}", value=symbol.command)
        left.remove(at)
        said = [zpl_fields.message(symbol.command, data) for data in alike.shown(symbol)]
        alike.require("says", said, [_said(symbol.command, messages[at][place]) for place in alike.places])


def _said(command: str, message: str) -> str:
    """Return the message as the printer gets it: it adds the check digit of an EAN-13."""
    return f"{message[:-1]:0>12}" if command == "BE" else message


def _require_same_logo(sheet: SheetPlan, alike: _Alike) -> None:
    """Raise SymbolDoesNotDecode unless all have the logo of the first, whose dots were compared."""
    for field in places.logo_fields(sheet, alike.form, alike.layouts):
        shown = alike.shown(field)
        if shown.count(shown[0]) != len(shown):
            raise SymbolDoesNotDecode(f"{alike.labels[0].name} and others differ in their logo")


def _require_hri(sheet: SheetPlan, alike: _Alike, fields: Sequence[Field], expected: Sequence[str]) -> None:
    """Raise SymbolDoesNotDecode unless the fields show each label's human-readable text, but for what is in pictures."""
    found = list(map("".join, zip(*map(alike.shown, fields), strict=True)))
    if found != expected:
        for label, text in zip(alike.labels, expected, strict=True):
            _require_parts(sheet, label, fields, text)


def _require_parts(sheet: SheetPlan, label: Label, fields: Sequence[Field], text: str) -> None:
    """Raise SymbolDoesNotDecode unless the label shows the text but for what may be in its pictures."""
    place = 0
    pictured = len(sheet.slots) - len(label.form.symbols)
    for field in fields:
        words = label.shown(field)
        at = text.find(words, place)
        if at < 0 or len(label.form.of("GF")) <= pictured:
            raise SymbolDoesNotDecode(f"{label.name} shows the text {words!r}", value=words, expected=text)
        place = at + len(words)
