"""Where on a roll's label things must be: the printer's text, the logo, and pictures of text.

Places are dots to the right and down from the upper left corner of the label's page before it is turned and moved.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from exports.sheets.plan import SheetPlan
from exports.verification.formats import zpl_fields
from exports.verification.formats.zpl_fields import Box, Field
from exports.verification.formats.zpl_file import Form, Label
from renderers.fonts.visual_order import visual
from renderers.logos.logo import DotPicture
from renderers.sheets.model import LabelLayout, TextLine
from renderers.units import POINTS_PER_INCH
from renderers.writers.glyph_bitmap import glyph_bitmap

#: Places are rounded to whole dots.
_ROUNDING = 2

#: How far the baseline of the printer's font 0 is below the top of a line, relative to its height. Source: `^A`.
_BASELINE = 0.75

_SHARES = {"left": 0.0, "centre": 0.5, "right": 1.0}


class Ink(NamedTuple):
    """Black dots without white edges, and where the first one is."""

    x: int
    y: int
    dark: NDArray[np.bool_]

    @classmethod
    def of(cls, x: int, y: int, dark: NDArray[np.bool_]) -> "Ink":
        """Return the ink of a picture whose corner is at (x, y)."""
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        if not rows.size:
            return cls(x, y, dark[:0, :0])
        return cls(
            x + int(columns[0]),
            y + int(rows[0]),
            dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
        )

    def is_same(self, other: "Ink") -> bool:
        """Return whether both are the same dots, at most a dot apart."""
        near = abs(self.x - other.x) <= 1 and abs(self.y - other.y) <= 1
        return near and np.array_equal(self.dark, other.dark)


def corner(sheet: SheetPlan) -> tuple[int, int]:
    """Return the label's lower left corner."""
    document, template = sheet.document, sheet.template
    return document.dots(template.left_mm), document.dots(template.top_mm + template.label_height_mm)


def offset(sheet: SheetPlan) -> tuple[int, int]:
    """Return how far all is moved to the right and down after the label was turned."""
    calibration = sheet.document.calibration
    return sheet.document.dots(calibration.offset_x_mm), sheet.document.dots(calibration.offset_y_mm)


def upright(sheet: SheetPlan, form: Form, box: Box) -> Box:
    """Return a field's box as it was before the label was moved, and turned clockwise."""
    right, down = offset(sheet)
    box = box._replace(x=box.x - right, y=box.y - down)
    width, length = form.width, form.length
    for _ in range(sheet.document.rotate // 90):
        # A quarter turn back: the right edge of the media becomes the upper one.
        box = Box(box.y, width - box.x - box.width, box.height, box.width)
        width, length = length, width
    return box


def _on_media(sheet: SheetPlan, box: Box) -> Box:
    """Return where a box of the upright label is printed."""
    width, height = sheet.document.page_dots
    for _ in range(sheet.document.rotate // 90):
        box = Box(height - box.y - box.height, box.x, box.height, box.width)
        width, height = height, width
    right, down = offset(sheet)
    return box._replace(x=max(0, box.x + right), y=max(0, box.y + down))


def texts(sheet: SheetPlan, form: Form, layouts: Sequence[LabelLayout]) -> dict[TextLine, Field]:
    """Return the fields of the printer's own text by the line that they stand on; digits of EAN/UPC are on none."""
    left, bottom = corner(sheet)
    dots = sheet.document.dots
    found: dict[TextLine, Field] = {}
    for field in form.of("A0"):
        box = upright(sheet, form, field.box)
        for line in (line for layout in layouts for line in (*layout.hri, *layout.lines)):
            off = (
                box.y + _BASELINE * box.height - bottom + dots(line.baseline_mm),
                box.x - left - dots(line.left_mm),
                box.width - dots(line.width_mm),
            )
            if max(map(abs, off)) <= _ROUNDING:
                found[line] = field
    return found


def logo_fields(sheet: SheetPlan, form: Form, layouts: Sequence[LabelLayout]) -> list[Field]:
    """Return the fields at the place of the logo, none where the label has no logo."""
    place = _logo_place(sheet, layouts)
    if place is None:
        return []
    return [
        field
        for field in form.of("GF")
        if place.x <= field.box.x < place.x + place.width
        and place.y <= field.box.y
        and field.box.y + field.box.height <= place.y + place.height
    ]


def require_logo(sheet: SheetPlan, label: Label, layouts: Sequence[LabelLayout]) -> None:
    """Raise SymbolDoesNotDecode unless the label has exactly the dots of the plan's logo, where it has one."""
    place, logo = _logo_place(sheet, layouts), sheet.document.logo
    if place is None:
        return
    if not isinstance(logo, DotPicture):
        raise SymbolDoesNotDecode("The plan of a roll has no dots of its logo", value=sheet.document.logo)
    fields = logo_fields(sheet, label.form, layouts)
    found = _joined(tuple((field.box, label.shown(field)) for field in fields), place)
    if not np.array_equal(found, np.rot90(logo.samples, -sheet.document.rotate // 90)):
        raise SymbolDoesNotDecode(f"{label.name} has another logo", value=place)


def _logo_place(sheet: SheetPlan, layouts: Sequence[LabelLayout]) -> Box | None:
    """Return where on the media the logo must be."""
    logo = next((layout.logo for layout in layouts if layout.logo), None)
    if logo is None:
        return None
    left, bottom = corner(sheet)
    top = bottom - logo.bottom_dots - logo.height_dots
    return _on_media(sheet, Box(left + logo.left_dots, top, logo.width_dots, logo.height_dots))


@lru_cache(maxsize=4)
def _joined(strips: tuple[tuple[Box, str], ...], place: Box) -> NDArray[np.bool_]:
    """Return what strips of a picture show at this place, false where there are none."""
    dark = np.zeros((place.height, place.width + max((box.width for box, _ in strips), default=0)), np.bool_)
    for box, digits in strips:
        right, down = box.x - place.x, box.y - place.y
        dark[down : down + box.height, right : right + box.width] |= zpl_fields.picture(digits, box)
    return dark if dark[:, place.width :].any() else dark[:, : place.width]


def pictures(sheet: SheetPlan, label: Label, layouts: Sequence[LabelLayout]) -> Iterator[Ink]:
    """Yield what the label's pictures show, but for the logo."""
    logo = logo_fields(sheet, label.form, layouts)
    for field in label.form.of("GF"):
        if field not in logo:
            box = upright(sheet, label.form, field.box)
            dark = np.rot90(zpl_fields.picture(label.shown(field), field.box), sheet.document.rotate // 90)
            yield Ink.of(box.x, box.y, dark)


def line_ink(sheet: SheetPlan, line: TextLine, text: str) -> Ink:
    """Return the picture of a text on its line. Its characters are set here, and drawn as the writer draws them."""
    left, bottom = corner(sheet)
    ink, width = _set(text, line.size_pt * sheet.document.dpi / POINTS_PER_INCH, bold=line.bold)
    start = round(left + sheet.document.dots(line.anchor_mm) - width * _SHARES[line.align])
    return ink._replace(x=ink.x + start, y=ink.y + bottom - sheet.document.dots(line.baseline_mm))


@lru_cache(maxsize=1024)
def _set(text: str, em_dots: float, *, bold: bool) -> tuple[Ink, float]:
    """Return the ink of a text from its pen and baseline, and its width."""
    pen, placed = 0.0, list[tuple[int, int, NDArray[np.uint8]]]()
    for unit in visual(text, bold=bold):
        glyph = glyph_bitmap(unit, None, em_dots, 1.0, bold=bold)
        if glyph.pixels.size:
            placed.append((round(pen) + glyph.left, glyph.top, glyph.pixels))
        pen += glyph.advance
    left = min((x for x, _, _ in placed), default=0)
    top = min((y for _, y, _ in placed), default=0)
    right = max((x + pixels.shape[1] for x, _, pixels in placed), default=0)
    bottom = max((y + pixels.shape[0] for _, y, pixels in placed), default=0)
    dark = np.zeros((bottom - top, right - left), np.bool_)
    for x, y, pixels in placed:
        height, width = pixels.shape
        dark[y - top : y - top + height, x - left : x - left + width] |= pixels == 0
    return Ink.of(left, top, dark), pen
