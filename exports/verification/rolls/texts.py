"""The text of one label of a roll: each line against the frozen manifest, whether the printer sets it or a picture shows it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import lines
from exports.verification.formats.zpl_fields import Box
from exports.verification.formats.zpl_file import Label
from exports.verification.label import Symbol
from exports.verification.lines import Expected
from exports.verification.rolls import places
from exports.verification.rolls.places import Ink
from renderers.fonts.subset import missing, width_mm
from renderers.fonts.visual_order import ELLIPSIS, visual
from renderers.sheets.model import LabelLayout, TextLine
from renderers.units import POINTS_PER_INCH

#: More than guard and bearer bars reach beyond a symbol, and how far its digits stand from the bars at most, in X.
_AROUND_X, _DIGITS_X = 6, 12

#: How far the ink of digits reaches below their baseline, relative to their size.
_DESCENT = 0.3

#: The most characters of a name that is shortened, and the tolerance of widths that were multiplied in another order.
_MOST_SHOWN, _ROUNDING_MM = 1_000, 1e-6


def require_texts(
    plan: ExportPlan, sheet: SheetPlan, row: Row, symbols: Sequence[Symbol], label: Label
) -> None:
    """Raise SymbolDoesNotDecode unless each line shows what it must, and there are no other pictures.

    Digits of EAN/UPC may be pictures around their symbol, which are not compared.
    """
    layouts = [layout for layout, _ in symbols]
    by_printer = places.texts(sheet, label.form, layouts)
    pictures = [ink for ink in places.pictures(sheet, label, layouts) if ink.dark.size]
    for layout, carried in symbols:
        values = {carrying.place_of(ai, plan.carry): f"({ai}){value}" for ai, value in carried.elements}
        for line in () if carried.digits else layout.hri:
            words = "".join(values.pop(ai, "") for ai in line.ais)
            if line not in by_printer:
                _take(sheet, label, pictures, line, [words] if words else [])
            elif (shown := label.shown(by_printer[line])) != words:
                raise SymbolDoesNotDecode(f"{label.name} shows {shown!r}", value=shown, expected=words)
        for line in layout.lines:
            if line not in by_printer:
                expected = lines.of_line(plan.label_design, line.number or 0, row)
                _take(sheet, label, pictures, line, _texts(line, expected, row["product_name"] or ""))
    around = [_around(sheet, layout, digits=bool(carried.digits)) for layout, carried in symbols]
    for ink in pictures:
        if not any(_is_within(ink, place) for place in around):
            raise SymbolDoesNotDecode(f"{label.name} has a picture that belongs to nothing", value=ink[:2])


def _texts(line: TextLine, expected: Expected, name: str) -> Iterator[str]:
    """Yield what a line may show: all of its text, or else as much of the name as there is room for."""
    # A name that no font has leaves its line out.
    if not expected.text or (expected.shows_name and missing(visual(name))):
        return
    if not expected.shows_name or _fits(line, expected.ordered):
        yield expected.ordered
        return
    text, before, after = expected.ordered, expected.before, expected.after
    name = normalize("NFC", text[len(before) : len(text) - len(after)])
    for kept in range(min(len(name), _MOST_SHOWN), 0, -1):
        shown = f"{before}{name[:kept].rstrip()}{ELLIPSIS}{after}"
        if _fits(line, shown):
            yield shown


def _fits(line: TextLine, text: str) -> bool:
    return width_mm(text, line.size_pt, bold=line.bold) <= line.width_mm + _ROUNDING_MM


def _take(sheet: SheetPlan, label: Label, pictures: list[Ink], line: TextLine, said: Iterable[str]) -> None:
    """Remove the picture of one of the texts on this line. Raises SymbolDoesNotDecode if there is none.

    Nothing is removed, and nothing wrong, if the line has no text.
    """
    tried = ""
    for tried in said:
        expected = places.line_ink(sheet, line, tried)
        for at, ink in enumerate(pictures):
            if ink.is_same(expected):
                del pictures[at]
                return
        if not expected.dark.size:
            return
    if tried:
        raise SymbolDoesNotDecode(f"{label.name} lacks the picture of {tried!r}", value=tried)


def _around(sheet: SheetPlan, layout: LabelLayout, *, digits: bool) -> Box:
    """Return where the pictures of a symbol are: it, its guard bars, and the digits of EAN/UPC."""
    (left, bottom), x = places.corner(sheet), layout.x_dots
    height = layout.bar_height_dots or round(layout.box_height_x * x)
    foot = bottom - layout.box_bottom_dots
    stop = foot + _AROUND_X * x
    for line in layout.hri if digits else ():
        em = line.size_pt * sheet.document.dpi / POINTS_PER_INCH
        stop = max(stop, bottom - sheet.document.dots(line.baseline_mm) + math.ceil(_DESCENT * em))
    beside = _DIGITS_X * x
    width = round(layout.box_width_x * x) + 2 * beside
    return Box(left + layout.box_left_dots - beside, foot - height, width, stop - foot + height)


def _is_within(ink: Ink, box: Box) -> bool:
    rows, columns = ink.dark.shape
    across = box.x <= ink.x and ink.x + columns <= box.x + box.width
    return across and box.y <= ink.y and ink.y + rows <= box.y + box.height
