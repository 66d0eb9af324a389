"""The places of symbols and texts of labels, in whole dots of the layout's printer.

Lengths are counted from the page's or the label's lower left corner, to the right and up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gs1.symbol_size import symbol_size
from renderers.errors import RenderError
from renderers.fonts.subset import UNITS_PER_EM, set_text
from renderers.sheets.document import SheetDocument
from renderers.sheets.model import Align, LabelLayout, TextLine
from renderers.symbol import BarSymbols, MatrixSymbols, SymbolGroup
from renderers.units import MILLIMETRES_PER_POINT


@dataclass(frozen=True, slots=True)
class LabelGroup:
    """Labels that share a layout and a size of symbol. A label with two symbols is in two groups.

    `hri` has, for each line of the layout's human-readable text, one string per symbol; `lines` has the same for
    the layout's other lines. `data` has what the encoder took for each symbol. Only formats in which the printer draws
    the symbols need it.
    """

    layout: LabelLayout
    symbols: SymbolGroup
    hri: Sequence[Sequence[str]]
    lines: Sequence[Sequence[str]] = ()
    data: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SheetLabels:
    """Labels to draw, in ascending order of their places.

    `cells`, shape (n,), counts the document's places from 0, page by page and row by row. The symbols'
    `positions` are indexes into it; a label without a symbol stays empty.
    """

    cells: NDArray[np.intp]
    groups: Sequence[LabelGroup]


@dataclass(frozen=True, slots=True)
class Stencil:
    """Dark and light samples stretched over a rectangle of the label.

    `samples`, shape (n, rows, columns), is 1 for dark; n is the number of labels in the group, or 1 if all
    have the same samples. Every sample is whole dots wide and high.
    """

    samples: NDArray[np.uint8]
    left: int
    bottom: int
    width: int
    height: int


#: How much of a text's width is to the left of where it is anchored.
SHARE_TO_THE_LEFT: Mapping[Align, float] = {"left": 0.0, "centre": 0.5, "right": 1.0}


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One string for each label of a group, all at the same place: `x` is its left end, middle or right end.

    On rolls they may be in the printer's own font if `printer_font` says so.
    """

    strings: Sequence[str]
    x: float
    baseline: int
    size_pt: float
    room_mm: float
    printer_font: bool
    align: Align = "centre"
    bold: bool = False


def label_origins(document: SheetDocument) -> NDArray[np.intp]:
    """Return the lower left corner of every label of a page, shape (labels per page, 2)."""
    template = document.template
    _, page_height = document.page_dots
    corners = [template.label_origin_mm(cell) for cell in range(template.labels_per_page)]
    return np.array(
        [(document.dots(x), page_height - document.dots(y + template.label_height_mm)) for x, y in corners],
        np.intp,
    )


def stencils(group: LabelGroup) -> list[Stencil]:
    """Return the symbols of a group, then the guard or bearer bars.

    Raises RenderError if bars would not be whole dots wide.
    """
    symbols = group.symbols
    if isinstance(symbols, MatrixSymbols):
        return [_matrix(group.layout, symbols)]
    return _bars_and_more(group.layout, symbols)


def _matrix(layout: LabelLayout, symbols: MatrixSymbols) -> Stencil:
    _, rows, columns = symbols.modules.shape
    width, height = columns * layout.x_dots, rows * layout.x_dots
    slack = round(layout.box_height_x * layout.x_dots) - height
    return Stencil(
        symbols.modules, _left(layout, symbols), layout.box_bottom_dots + slack // 2, width, height
    )


def _left(layout: LabelLayout, symbols: SymbolGroup) -> int:
    """Return the left edge of a symbol that is centred in its box."""
    return layout.box_left_dots + int((layout.box_width_x - symbols.width_x) * layout.x_dots / 2)


def _bars_and_more(layout: LabelLayout, symbols: BarSymbols) -> list[Stencil]:
    if layout.x_dots % symbols.units_per_x:
        raise RenderError(
            "Bars would be a broken number of dots wide",
            value=layout.x_dots,
            expected=f"an X-dimension of a multiple of {symbols.units_per_x} dots",
        )
    count, elements = symbols.widths.shape
    dark = np.zeros(elements, np.uint8)
    dark[::2] = 1
    samples = np.repeat(np.tile(dark, count), symbols.widths.ravel()).reshape(count, 1, -1)
    left, bottom = _left(layout, symbols), layout.box_bottom_dots
    width, height = round(symbols.width_x * layout.x_dots), layout.bar_height_dots
    found = [Stencil(samples, left, bottom, width, height)]
    if symbols.guards and (reach := layout.guard_bar_dots):
        guards = np.zeros(elements, np.uint8)
        guards[list(symbols.guards)] = 1
        rows = np.repeat(np.tile(guards, count), symbols.widths.ravel()).reshape(count, 1, -1)
        # Those of UPC-A have the bars of two digits among them.
        same = bool((rows == rows[0]).all())
        found.append(Stencil(rows[:1] if same else rows, left, bottom - reach, width, reach))
    if thick := layout.bearer_bar_dots:
        size = symbol_size(layout.kind)
        start = left - size.quiet_left_x * layout.x_dots
        span = width + (size.quiet_left_x + size.quiet_right_x) * layout.x_dots
        solid = np.ones((1, 1, 1), np.uint8)
        found += [Stencil(solid, start, at, span, thick) for at in (bottom - thick, bottom + height)]
    return found


def texts(document: SheetDocument, group: LabelGroup) -> list[PlacedText]:
    """Return the texts of a group: lines of human-readable text, or digits in their zones, and the other lines."""
    symbols = group.symbols
    found: list[PlacedText] = []
    for line, strings in zip(group.layout.hri, group.hri, strict=True):
        if isinstance(symbols, BarSymbols) and symbols.zones:
            found += _zones(document, group.layout, symbols, line, strings)
        else:
            found.append(_line(document, line, strings))
    for line, strings in zip(group.layout.lines, group.lines, strict=True):
        found.append(_line(document, line, strings))
    return found


def _line(document: SheetDocument, line: TextLine, strings: Sequence[str]) -> PlacedText:
    return PlacedText(
        strings,
        document.dots(line.anchor_mm),
        document.dots(line.baseline_mm),
        line.size_pt,
        line.width_mm,
        bool(line.ais) or line.printer_font,
        line.align,
        line.bold,
    )


def _zones(
    document: SheetDocument, layout: LabelLayout, symbols: BarSymbols, line: TextLine, strings: Sequence[str]
) -> list[PlacedText]:
    """Return the digits of EAN/UPC between the guard bars; if some have too little room, all are smaller."""
    parts = [[text[zone.start : zone.stop] for text in strings] for zone in symbols.zones]
    rooms_mm = [zone.width_x * layout.x_dimension_mm for zone in symbols.zones]
    shrink = 1.0
    for zone, digits, room_mm in zip(symbols.zones, parts, rooms_mm, strict=True):
        widest = int(set_text(document.characters, digits).widths.max(initial=1)) / UNITS_PER_EM
        shrink = min(shrink, room_mm / (widest * line.size_pt * zone.size * MILLIMETRES_PER_POINT))
    left, baseline = _left(layout, symbols), document.dots(line.baseline_mm)
    return [
        PlacedText(
            digits,
            left + zone.centre_x * layout.x_dots,
            baseline,
            line.size_pt * zone.size * shrink,
            room_mm,
            printer_font=True,
        )
        for zone, digits, room_mm in zip(symbols.zones, parts, rooms_mm, strict=True)
    ]
