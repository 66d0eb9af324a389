"""The places of a symbol of a given X and of lines of a given size on one label, if they fit.

Inside this module, positions are millimetres from the label's centre, x to the right and y up. Results are
whole printer dots or millimetres from the label's lower left corner.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from renderers.sheets.model import LINE_ASCENT, LINE_HEIGHT, SheetTemplate, TextLine
from renderers.units import MILLIMETRES_PER_POINT

#: Tolerance of the die cut, in millimetres: nothing is printed nearer the edge.
DIE_TOLERANCE_MM = 0.8

# Tolerance for rounding errors of positions, in dots.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Outline:
    """The part of a label that may be printed: a rounded rectangle or a circle.

    `centre_x` and `centre_y` lead from the label's lower left corner to its centre.
    """

    centre_x: float
    centre_y: float
    half_width: float
    half_height: float
    radius: float

    def reach_y(self, x: float) -> float:
        """Return the half height at a distance `x` from the vertical axis; negative outside the outline."""
        return _reach(x, self.half_width, self.half_height, self.radius)

    def reach_x(self, y: float) -> float:
        """Return the half width at a distance `y` from the horizontal axis; negative outside the outline."""
        return _reach(y, self.half_height, self.half_width, self.radius)


def _reach(distance: float, half_across: float, half_along: float, radius: float) -> float:
    beyond = distance - (half_across - radius)
    if beyond <= 0:
        return half_along
    if beyond > radius:
        return -math.inf
    return half_along - radius + math.sqrt(radius**2 - beyond**2)


def printable_outline(template: SheetTemplate) -> Outline:
    """Return the label's outline, DIE_TOLERANCE_MM inside its edge."""
    width, height = template.label_width_mm / 2, template.label_height_mm / 2
    radius = width if template.shape == "round" else template.corner_radius_mm
    return Outline(
        width,
        height,
        width - DIE_TOLERANCE_MM,
        height - DIE_TOLERANCE_MM,
        max(radius - DIE_TOLERANCE_MM, 0.0),
    )


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
    """A line of text to be placed; `ais` are those of TextLine."""

    ais: tuple[str, ...]
    width_mm: float
    size_pt: float

    @property
    def height_mm(self) -> float:
        return self.size_pt * MILLIMETRES_PER_POINT

    @property
    def leading_mm(self) -> float:
        """The space between this line and the next."""
        return self.height_mm * (LINE_HEIGHT - 1)

    def line(self, *, left_mm: float, top_mm: float, centred: bool) -> TextLine:
        return TextLine(
            left_mm, top_mm - LINE_ASCENT * self.height_mm, self.width_mm, self.size_pt, self.ais, centred
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """The places of box and lines, from the label's lower left corner."""

    left_dots: int
    bottom_dots: int
    height_dots: int
    hri: tuple[TextLine, ...]
    name: TextLine | None


def text_below(outline: Outline, block: Block, hri: Sequence[Text], name: Text | None) -> Placement | None:
    """Return name, symbol and human-readable text from top to bottom, each centred; None if they do not fit."""
    dot = block.dot_mm
    left = round(outline.centre_x / dot - block.outer_width / 2)
    start, stop = left * dot - outline.centre_x, (left + block.outer_width) * dot - outline.centre_x
    # Quiet zones may differ left and right; the text is centred under the bars.
    middle = (left + block.left + block.width / 2) * dot - outline.centre_x
    reach = outline.reach_y(max(-start, stop))
    if reach < 0:
        return None
    # The ranges in which the lower and the upper edge of the box may be.
    bottom_from, bottom_to = -reach + block.bottom * dot, math.inf
    top_from, top_to = -math.inf, reach - block.top * dot
    tops: list[float] = []
    edge = -block.text_gap * dot
    depth = block.bottom * dot
    for text in hri:
        if block.text_within_box and text.width_mm > block.width * dot:
            return None
        reach = outline.reach_y(abs(middle) + text.width_mm / 2)
        tops.append(edge)
        bottom_to = min(bottom_to, reach - edge)
        depth = max(depth, text.height_mm - edge)
        bottom_from = max(bottom_from, text.height_mm - edge - reach)
        edge -= text.height_mm + text.leading_mm
    rise = block.top * dot
    if name is not None:
        reach = outline.reach_y(abs(middle) + name.width_mm / 2)
        foot = rise + name.leading_mm
        rise = foot + name.height_mm
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
    return Placement(
        left + block.left,
        bottom,
        height,
        tuple(
            text.line(left_mm=axis - text.width_mm / 2, top_mm=bottom * dot + top, centred=True)
            for text, top in zip(hri, tops, strict=True)
        ),
        name
        and name.line(left_mm=axis - name.width_mm / 2, top_mm=(bottom + height) * dot + rise, centred=True),
    )


def text_beside(outline: Outline, block: Block, hri: Sequence[Text], name: Text | None) -> Placement | None:
    """Return symbol and, to its right, name and human-readable text, left-aligned; None if they do not fit.

    All are centred vertically.
    """
    dot = block.dot_mm
    height = block.heights[1]
    outer_height, outer_width = block.bottom + height + block.top, block.outer_width * dot
    bottom = round(outline.centre_y / dot - outer_height / 2)
    start, stop = bottom * dot - outline.centre_y, (bottom + outer_height) * dot - outline.centre_y
    reach = outline.reach_x(max(-start, stop))
    left_from, left_to = -reach, reach - outer_width
    texts = [*([name] if name else []), *hri]
    top = (sum(text.height_mm + text.leading_mm for text in texts) - texts[-1].leading_mm) / 2
    tops: list[float] = []
    for text in texts:
        tops.append(top)
        reach = outline.reach_x(max(abs(top), abs(top - text.height_mm)))
        left_from = max(left_from, -reach - outer_width)
        left_to = min(left_to, reach - outer_width - text.width_mm)
        top -= text.height_mm + text.leading_mm
    group = outer_width + max(text.width_mm for text in texts)
    left = _within((outline.centre_x - group / 2) / dot, *_dots(left_from, left_to, outline.centre_x, dot))
    if left is None:
        return None
    lines = [
        text.line(left_mm=left * dot + outer_width, top_mm=outline.centre_y + top, centred=False)
        for text, top in zip(texts, tops, strict=True)
    ]
    first = lines.pop(0) if name else None
    return Placement(left + block.left, bottom + block.bottom, height, tuple(lines), first)


def _dots(start: float, stop: float, centre: float, dot: float) -> tuple[int, int]:
    """Return the first and last whole dot, from the label's edge, that are start … stop from its centre."""
    if start > stop:  # nothing fits; one of them may be infinite
        return 1, 0
    return math.ceil((start + centre) / dot - _ROUNDING), math.floor((stop + centre) / dot + _ROUNDING)


def _within(wanted: float, first: int, last: int) -> int | None:
    """Return the whole dot of first … last that is nearest to the wanted place; None if the range is empty."""
    return min(max(round(wanted), first), last) if first <= last else None
