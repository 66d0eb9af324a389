"""Compare the drawing of one label of a sheet with the frozen plan of the sheets."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from unicodedata import bidirectional, normalize

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import lines
from exports.verification.carried import Carried
from exports.verification.formats.pdf_pages import Drawn, Logo, Text
from exports.verification.lines import Expected
from renderers.fonts.clusters import JOINERS, text_of
from renderers.sheets.model import LabelLayout, SheetTemplate, TextLine
from renderers.units import MILLIMETRES_PER_INCH

#: The drawing of one label. Positions count from the label's lower left corner.
Drawing: TypeAlias = Sequence[Drawn]

#: One of a label's symbols: its layout, and what it must carry.
Symbol: TypeAlias = tuple[LabelLayout, Carried]

#: The largest distance of the outer digits of EAN/UPC from the bars, in X: within the quiet zone.
_BESIDE_X = 12

#: Tolerance in dots: positions are rounded to whole dots on the label and on the page.
_ROUNDING = 2


def symbols_of(plan: ExportPlan, sheet: SheetPlan, row: Row) -> list[Symbol]:
    """Return the symbols that the row's label must have, in the order of the report.

    Raises SymbolDoesNotDecode if there is no layout for them.
    """
    layout_of = {(layout.kind, layout.partner): layout for layout in sheet.layouts}
    carried = [carrying.of_row(slot, row, plan.resolver, plan.carry) for slot in sheet.slots]
    kinds = [each.kind for each in carried]
    partners = [None] if sheet.second is None else kinds[::-1]
    keys = list(zip(kinds, partners, strict=True))
    if absent := [key for key in keys if key not in layout_of]:
        raise SymbolDoesNotDecode(f"No layout for {absent[0][0]}", value=absent[0])
    return [(layout_of[key], each) for key, each in zip(keys, carried, strict=True)]


def by_cell(
    name: str, sheet: SheetPlan, drawn: Iterable[Drawn], wanted: Collection[int]
) -> Mapping[int, Drawing]:
    """Return the drawing in each of the wanted cells of the page, counted from 0.

    Positions count from the label's lower left corner. Raises SymbolDoesNotDecode for drawings outside of labels.
    """
    template = sheet.template
    width, height = (
        sheet.document.dots(side) for side in (template.label_width_mm, template.label_height_mm)
    )
    lefts, bottoms = _corners(template, sheet.document.dpi)
    cells: dict[int, list[Drawn]] = {}
    for each in drawn:
        column, row = bisect_right(lefts, each.x) - 1, bisect_right(bottoms, each.y) - 1
        if min(column, row) < 0 or each.x >= lefts[column] + width or each.y >= bottoms[row] + height:
            raise SymbolDoesNotDecode(f"{name} draws beside its labels", value=(each.x, each.y))
        cell = (template.rows - 1 - row) * template.columns + column
        if cell in wanted:
            moved = each._replace(x=each.x - lefts[column], y=each.y - bottoms[row])
            cells.setdefault(cell, []).append(moved)
    return cells


@lru_cache(maxsize=4)
def _corners(template: SheetTemplate, dpi: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return the left edge of each column, and the lower edge of each row from the lowest up, in dots."""

    def dots(length_mm: float) -> int:
        return round(length_mm * dpi / MILLIMETRES_PER_INCH)

    origins = [template.label_origin_mm(cell) for cell in range(template.labels_per_page)]
    # Rows count from the top of the page, heights from its lower edge.
    page_height = dots(template.page_height_mm)
    tops = [y for _, y in origins[:: template.columns]]
    return (
        [dots(x) for x, _ in origins[: template.columns]],
        [page_height - dots(y + template.label_height_mm) for y in reversed(tops)],
    )


def require_same(name: str, label: Drawing, copy: Drawing) -> None:
    """Raise SymbolDoesNotDecode unless both labels have the same drawing.

    Centred text may differ by one dot, because the label's corner is rounded.
    """
    same = len(label) == len(copy) and all(
        one[1:] == other[1:] and abs(one.x - other.x) <= isinstance(one, Text)
        for one, other in zip(label, copy, strict=False)
    )
    if not same:
        raise SymbolDoesNotDecode(f"{name} is not the same as the entity's first label")


def require_text(
    name: str, plan: ExportPlan, sheet: SheetPlan, row: Row, symbols: Sequence[Symbol], drawing: Drawing
) -> None:
    """Raise SymbolDoesNotDecode unless each line has the data of its symbol, or the text of the design.

    Digits of EAN/UPC are in several pieces on one baseline. In a line with the product's name only the other values are
    compared, because names may be shortened.
    """
    drawn = sorted(each for each in drawing if isinstance(each, Text))
    for layout, carried in symbols:
        _require_hri(name, plan, sheet, drawn, layout, carried)
        for line in layout.lines:
            _require_design_line(
                name, sheet, drawn, line, lines.of_line(plan.label_design, line.number or 0, row)
            )
    logos = sum(isinstance(each, Logo) for each in drawing)
    if logos != sum(layout.logo is not None for layout, _ in symbols):
        raise SymbolDoesNotDecode(f"{name} has {logos} logos", value=logos)


def _require_hri(
    name: str,
    plan: ExportPlan,
    sheet: SheetPlan,
    drawn: Sequence[Text],
    layout: LabelLayout,
    carried: Carried,
) -> None:
    values = {carrying.place_of(ai, plan.carry): f"({ai}){value}" for ai, value in carried.elements}
    values[""] = carried.shown_digits
    for line in layout.hri:
        first, last = _span(sheet, line)
        if carried.digits:
            # The digits of EAN/UPC are around its box.
            beside, width = _BESIDE_X * layout.x_dots, round(layout.box_width_x * layout.x_dots)
            first = min(first, layout.box_left_dots - beside)
            last = max(last, layout.box_left_dots + width + beside)
        words = "".join(values.pop(ai, "") for ai in line.ais)
        _require_line(name, sheet, drawn, line, (first, last), words)
    if (plan.label_design.hri or layout.bar_height_dots) and (left := "".join(values.values())):
        raise SymbolDoesNotDecode(f"{name} has no line for {left!r}", value=left)


def _require_design_line(
    name: str, sheet: SheetPlan, drawn: Sequence[Text], line: TextLine, expected: Expected
) -> None:
    if expected.text and (expected.shows_name or is_mixed(expected.text)):
        # The letters may be joined and reordered, but each value stays in one piece.
        shown = _shown(sheet, drawn, line, _span(sheet, line))
        broken = [value for value in expected.values if value.isascii() and value not in shown]
        # The line is left out if no font has the name's characters.
        if broken and (shown or not expected.shows_name):
            raise SymbolDoesNotDecode(f"{name} shows {shown!r}", value=shown, expected=broken[0])
    elif not expected.shows_name:
        _require_line(name, sheet, drawn, line, _span(sheet, line), expected.text or "")


def _span(sheet: SheetPlan, line: TextLine) -> tuple[int, int]:
    return sheet.document.dots(line.left_mm), sheet.document.dots(line.left_mm + line.width_mm)


def _require_line(
    name: str, sheet: SheetPlan, drawn: Sequence[Text], line: TextLine, span: tuple[int, int], words: str
) -> None:
    shown = _shown(sheet, drawn, line, span)
    if shown != _seen(normalize("NFC", words)):
        raise SymbolDoesNotDecode(f"{name} shows the text {shown!r}", value=shown, expected=words)


def _shown(sheet: SheetPlan, drawn: Iterable[Text], line: TextLine, span: tuple[int, int]) -> str:
    """Return the text drawn on a line between the first and last dot given, from left to right."""
    characters, baseline = sheet.document.characters, sheet.document.dots(line.baseline_mm)
    words: list[str] = []
    for text in drawn:
        if text.y == baseline and span[0] - _ROUNDING <= text.x <= span[1] + _ROUNDING:
            glyphs = bytes.fromhex(text.glyphs.decode())
            numbers = [int.from_bytes(glyphs[at : at + 2]) for at in range(0, len(glyphs), 2)]
            words += [text_of(characters[number - 1]) for number in numbers if 0 < number <= len(characters)]
    return _seen("".join(words))


def _seen(text: str) -> str:
    """Return the text without joiners, which shape the letters beside them and are not drawn."""
    return text.translate(dict.fromkeys(map(ord, JOINERS)))


def is_mixed(text: str) -> bool:
    """Return whether the text has right-to-left letters."""
    return any(bidirectional(character) in {"R", "AL"} for character in text)
