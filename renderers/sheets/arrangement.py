"""The places of a symbol of a given X and of lines of a given size on one label, if they fit.

Inside this module, positions are millimetres from the label's centre, x to the right and y up. Results are
whole printer dots or millimetres from the label's lower left corner.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from renderers.sheets.model import LINE_ASCENT, LINE_HEIGHT, Align, LogoBox, Outline, TextLine
from renderers.units import MILLIMETRES_PER_POINT

# The space around a logo, in millimetres.
_LOGO_GAP_MM = 0.5

# Tolerance for rounding errors of positions, in dots.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Block:
    """A symbol's box and the margins it needs, in whole dots.

    Margins hold quiet zone, bearer bars and guard bars. Human-readable text below begins `text_gap` under
    the box. `heights` are the least and the greatest height, equal for matrix symbols; the greatest that fits
    is taken.
    """

    dot_mm: float
    width: int
    heights: tuple[int, int]
    left: int
    right: int
    top: int
    bottom: int
    text_gap: int
    text_within_box: bool = False

    @property
    def outer_width(self) -> int:
        return self.left + self.width + self.right


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text to be placed; the fields are those of TextLine. Without `align` the arrangement decides."""

    ais: tuple[str, ...]
    width_mm: float
    size_pt: float
    align: Align | None = None
    number: int | None = None
    bold: bool = False
    printer_font: bool = False

    @property
    def height_mm(self) -> float:
        return self.size_pt * MILLIMETRES_PER_POINT

    @property
    def leading_mm(self) -> float:
        """The space between this line and the next."""
        return self.height_mm * (LINE_HEIGHT - 1)

    def line(self, left_mm: float, top_mm: float, align: Align) -> TextLine:
        return TextLine(
            left_mm,
            top_mm - LINE_ASCENT * self.height_mm,
            self.width_mm,
            self.size_pt,
            self.ais,
            align,
            self.number,
            self.bold,
            self.printer_font,
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A logo to be placed."""

    width_mm: float
    height_mm: float
    align: Align | None = None

    @property
    def leading_mm(self) -> float:
        return _LOGO_GAP_MM


#: What stands above, below or beside a symbol.
Item: TypeAlias = Text | Picture


@dataclass(frozen=True, slots=True)
class Placement:
    """The places of a symbol's box, of its human-readable text and of the rest, from the label's lower left corner."""

    left_dots: int
    bottom_dots: int
    height_dots: int
    hri: tuple[TextLine, ...]
    lines: tuple[TextLine, ...] = ()
    logo: LogoBox | None = None


def text_below(
    outline: Outline,
    block: Block,
    hri: Sequence[Text],
    above: Sequence[Item] = (),
    below: Sequence[Item] = (),
) -> Placement | None:
    """Return what is above, symbol, human-readable text and what is below it, from top to bottom; None if too large.

    All are centred, unless they are aligned with the edges of the symbol or of the widest of them.
    """
    dot = block.dot_mm
    left = round(outline.centre_x / dot - block.outer_width / 2)
    start, stop = left * dot - outline.centre_x, (left + block.outer_width) * dot - outline.centre_x
    # Quiet zones may differ left and right; the text is centred under the bars.
    middle = (left + block.left + block.width / 2) * dot - outline.centre_x
    reach = outline.reach_y(max(-start, stop))
    if reach < 0:
        return None
    wide = max([block.width * dot, *(item.width_mm for item in (*above, *hri, *below))])

    def reach_of(item: Item) -> float:
        span = item.width_mm if item.align in {None, "centre"} else wide
        return outline.reach_y(abs(middle) + span / 2)

    # The ranges in which the lower and the upper edge of the box may be.
    bottom_from, bottom_to = -reach + block.bottom * dot, math.inf
    top_from, top_to = -math.inf, reach - block.top * dot
    tops: list[float] = []
    edge = -block.text_gap * dot
    depth = block.bottom * dot
    if block.text_within_box and any(text.width_mm > block.width * dot for text in hri):
        return None
    for item in (*hri, *below):
        reach = reach_of(item)
        tops.append(edge)
        bottom_to = min(bottom_to, reach - edge)
        depth = max(depth, item.height_mm - edge)
        bottom_from = max(bottom_from, item.height_mm - edge - reach)
        edge -= item.height_mm + item.leading_mm
    rise = block.top * dot
    rises: list[float] = []
    for item in reversed(above):
        reach = reach_of(item)
        foot = rise + item.leading_mm
        rise = foot + item.height_mm
        rises.insert(0, rise)
        top_from, top_to = max(top_from, -reach - foot), min(top_to, reach - rise)

    lowest, highest = _dots(bottom_from, top_to, outline.centre_y, dot)
    height = min(block.heights[1], highest - lowest)
    if height < block.heights[0]:
        return None
    centred = outline.centre_y + (depth - rise - height * dot) / 2
    bottom = _within(
        centred / dot,
        *_dots(
            max(bottom_from, top_from - height * dot),
            min(top_to - height * dot, bottom_to),
            outline.centre_y,
            dot,
        ),
    )
    if bottom is None:
        return None
    axis = middle + outline.centre_x
    placed = [
        *((item, (bottom + height) * dot + top) for item, top in zip(above, rises, strict=True)),
        *((item, bottom * dot + top) for item, top in zip((*hri, *below), tops, strict=True)),
    ]
    return _placement(
        (left + block.left, bottom, height),
        [(item, _aligned(item, "centre", axis, wide), top) for item, top in placed],
        "centre",
        dot,
    )


def text_beside(
    outline: Outline,
    block: Block,
    hri: Sequence[Text],
    above: Sequence[Item] = (),
    below: Sequence[Item] = (),
) -> Placement | None:
    """Return symbol and, to its right, all else from top to bottom, left-aligned; None if they do not fit.

    All are centred vertically.
    """
    dot = block.dot_mm
    height = block.heights[1]
    outer_height, outer_width = block.bottom + height + block.top, block.outer_width * dot
    bottom = round(outline.centre_y / dot - outer_height / 2)
    start, stop = bottom * dot - outline.centre_y, (bottom + outer_height) * dot - outline.centre_y
    reach = outline.reach_x(max(-start, stop))
    left_from, left_to = -reach, reach - outer_width
    items = [*above, *hri, *below]
    if not items:
        return None
    wide = max(item.width_mm for item in items)
    top = (sum(item.height_mm + item.leading_mm for item in items) - items[-1].leading_mm) / 2
    tops: list[float] = []
    for item in items:
        tops.append(top)
        reach = outline.reach_x(max(abs(top), abs(top - item.height_mm)))
        span = item.width_mm if item.align in {None, "left"} else wide
        left_from = max(left_from, -reach - outer_width)
        left_to = min(left_to, reach - outer_width - span)
        top -= item.height_mm + item.leading_mm
    left = _within(
        (outline.centre_x - (outer_width + wide) / 2) / dot, *_dots(left_from, left_to, outline.centre_x, dot)
    )
    if left is None:
        return None
    edge = left * dot + outer_width
    return _placement(
        (left + block.left, bottom + block.bottom, height),
        [
            (item, _aligned(item, "left", edge + wide / 2, wide, edge), outline.centre_y + top)
            for item, top in zip(items, tops, strict=True)
        ],
        "left",
        dot,
    )


def _aligned(item: Item, default: Align, axis: float, wide: float, left: float | None = None) -> float:
    """Return the left edge of an item within a column around `axis`. `left` is the column's exact left edge."""
    match item.align or default:
        case "left":
            return axis - wide / 2 if left is None else left
        case "right":
            return axis + wide / 2 - item.width_mm
        case _:
            return axis - item.width_mm / 2


def _placement(
    box: tuple[int, int, int], placed: Sequence[tuple[Item, float, float]], default: Align, dot: float
) -> Placement:
    """Return the placement of a box and of items with the left and the upper edge of each."""
    lines = [
        item.line(left, top, item.align or default) for item, left, top in placed if isinstance(item, Text)
    ]
    logo = next(
        (
            # Inwards to whole dots: the logo never reaches beyond its room.
            LogoBox(
                math.ceil(left / dot - _ROUNDING),
                math.ceil((top - item.height_mm) / dot - _ROUNDING),
                max(1, math.floor(item.width_mm / dot) - 1),
                max(1, math.floor(item.height_mm / dot) - 1),
            )
            for item, left, top in placed
            if isinstance(item, Picture)
        ),
        None,
    )
    return Placement(
        *box,
        tuple(line for line in lines if line.number is None),
        tuple(line for line in lines if line.number is not None),
        logo,
    )


def _dots(start: float, stop: float, centre: float, dot: float) -> tuple[int, int]:
    """Return the first and last whole dot, from the label's edge, that are start … stop from its centre."""
    if start > stop:  # nothing fits; one of them may be infinite
        return 1, 0
    return math.ceil((start + centre) / dot - _ROUNDING), math.floor((stop + centre) / dot + _ROUNDING)


def _within(wanted: float, first: int, last: int) -> int | None:
    """Return the whole dot of first … last that is nearest to the wanted place; None if the range is empty."""
    return min(max(round(wanted), first), last) if first <= last else None
