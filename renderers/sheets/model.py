"""The geometry of a label sheet, and the layout that all labels of one kind share."""

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from gs1.symbol_size import SymbolKind
from renderers.units import MILLIMETRES_PER_INCH

# Room for a line of text, relative to its size: above the baseline, and from one baseline to the next.
LINE_ASCENT = 0.8
LINE_HEIGHT = 1.2

#: Tolerance of the die cut, in millimetres: nothing is printed nearer the edge.
DIE_TOLERANCE_MM = 0.8

Align: TypeAlias = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class SheetTemplate:
    """A sheet of die-cut labels, or a roll with one label a page. Lengths in millimetres.

    `left_mm` and `top_mm` lead from the page's top left corner to that of the first label; pitches from
    one label to the next. A round label's width is its diameter. `also_known_as` are product numbers of
    the same geometry, `source` names the origin of the measures.
    """

    id: str
    description: str
    page_width_mm: float
    page_height_mm: float
    columns: int
    rows: int
    shape: Literal["rectangle", "round"]
    label_width_mm: float
    label_height_mm: float
    corner_radius_mm: float
    left_mm: float
    top_mm: float
    pitch_x_mm: float
    pitch_y_mm: float
    also_known_as: tuple[str, ...] = ()
    source: str = ""

    @property
    def labels_per_page(self) -> int:
        return self.columns * self.rows

    def label_origin_mm(self, cell: int) -> tuple[float, float]:
        """Return the top left corner of cell 0 … labels_per_page - 1, row by row, from the page's top left."""
        row, column = divmod(cell, self.columns)
        return self.left_mm + column * self.pitch_x_mm, self.top_mm + row * self.pitch_y_mm

    def turned(self, degrees: int) -> "SheetTemplate":
        """Return the page as it lies before it is turned clockwise, by 0, 90, 180 or 270 degrees, into this one.

        It must have one label.
        """
        sheet = self
        for _ in range(degrees // 90):
            sheet = replace(
                sheet,
                page_width_mm=sheet.page_height_mm,
                page_height_mm=sheet.page_width_mm,
                label_width_mm=sheet.label_height_mm,
                label_height_mm=sheet.label_width_mm,
                left_mm=sheet.top_mm,
                top_mm=sheet.page_width_mm - sheet.left_mm - sheet.label_width_mm,
                pitch_x_mm=sheet.pitch_y_mm,
                pitch_y_mm=sheet.pitch_x_mm,
            )
        return sheet


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
class TextLine:
    """One line of text on the label; lengths in millimetres from the label's lower left corner.

    `ais` are the Application Identifiers whose elements stand on it, in order; a line of the design has none, but
    its `number` among the design's lines. Text is at most `width_mm` wide and is aligned within this width. On rolls it
    may be in the printer's own font if `printer_font` says so.
    """

    left_mm: float
    baseline_mm: float
    width_mm: float
    size_pt: float
    ais: tuple[str, ...] = ()
    align: Align = "centre"
    number: int | None = None
    bold: bool = False
    printer_font: bool = False

    @property
    def anchor_mm(self) -> float:
        """Where every text of the line begins, has its middle or ends, by its alignment."""
        return self.left_mm + {"left": 0, "centre": self.width_mm / 2, "right": self.width_mm}[self.align]


@dataclass(frozen=True, slots=True)
class LogoBox:
    """The place of the logo in whole dots, from the label's lower left corner."""

    left_dots: int
    bottom_dots: int
    width_dots: int
    height_dots: int


@dataclass(frozen=True, slots=True)
class LabelLayout:
    """The places of a symbol and of text on every label of an export, solved once before rendering.

    X is `x_dots` whole dots of a printer with `dpi` dots per inch. The box holds the largest symbol of
    the job without its quiet zone; its lower left corner is in dots from the label's lower left corner,
    its size in X (a linear symbol's height in dots is `bar_height_dots`). A smaller symbol is centred in the
    box, on whole dots. Outside the box, in room that the layout keeps free, are bearer bars `bearer_bar_dots`
    thick above and below it, which span the quiet zones too, and guard bars that reach `guard_bar_dots`
    further down (EAN/UPC).

    `hri` is the symbol's human-readable text, `lines` are the design's other lines. A label with two symbols has
    two layouts, and `partner` is the kind of the other symbol. Lines and logo are in the one of the matrix symbol.
    """

    kind: SymbolKind
    dpi: int
    x_dots: int
    box_left_dots: int
    box_bottom_dots: int
    box_width_x: float
    box_height_x: float
    bar_height_dots: int
    hri: tuple[TextLine, ...]
    lines: tuple[TextLine, ...] = ()
    bearer_bar_dots: int = 0
    guard_bar_dots: int = 0
    logo: LogoBox | None = None
    partner: SymbolKind | None = None

    @property
    def x_dimension_mm(self) -> float:
        return self.x_dots * MILLIMETRES_PER_INCH / self.dpi
