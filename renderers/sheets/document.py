"""A PDF of label sheets apart from its labels: all that a worker needs to write any of its pages."""

import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from renderers.errors import RenderError
from renderers.sheets.model import SheetTemplate
from renderers.units import MILLIMETRES_PER_INCH, POINTS_PER_INCH


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the pages for one printer are moved so that labels meet their die cuts.

    The page is scaled about its top left corner, then shifted: x to the right, y down, by whole dots.
    Scaling changes the X-dimension as well: modules are then no longer whole dots.
    """

    offset_x_mm: float = 0
    offset_y_mm: float = 0
    scale_percent: float = 100


@dataclass(frozen=True, slots=True)
class SheetDocument:
    """A PDF of label sheets. Two documents that are equal, with equal labels, are the same bytes.

    `dpi` is the printer's, and that of every layout on the sheets.
    `pages` is at least 1; pages without labels are blank. `characters` are those of the embedded font, from
    `renderers.fonts.subset.shown_characters`. `created` has a time zone and comes from the caller, so that a
    repeated export has the same bytes. `cut_marks` draws the corners of each label, for sheets that are not
    die-cut.
    """

    template: SheetTemplate
    dpi: int
    pages: int
    title: str
    characters: str
    created: datetime
    calibration: Calibration = field(default_factory=Calibration)
    cut_marks: bool = False

    def __post_init__(self) -> None:
        if self.pages < 1:
            raise RenderError("A PDF has at least one page", value=self.pages, expected="1 or more")
        if self.created.tzinfo is None:
            raise RenderError("The date has no time zone", value=self.created, expected="an aware datetime")

    @property
    def page_dots(self) -> tuple[int, int]:
        """Width and height of the page in whole dots of the printer.

        Renderers disagree whether dots are counted from the page's top or bottom edge: on a page of whole
        dots both give the same result.
        """
        return self.dots(self.template.page_width_mm), self.dots(self.template.page_height_mm)

    @property
    def page_points(self) -> tuple[float, float]:
        """Width and height of the page in points, rounded down to millionths.

        Renderers add a row or column of dots if the page is slightly larger than whole dots.
        """
        width, height = self.page_dots
        return math.floor(width * 72e6 / self.dpi) / 1e6, math.floor(height * 72e6 / self.dpi) / 1e6

    @property
    def points_per_dot(self) -> float:
        return POINTS_PER_INCH / self.dpi

    def dots(self, millimetres: float) -> int:
        """Return the whole dots nearest to a length."""
        return round(millimetres * self.dpi / MILLIMETRES_PER_INCH)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as values for JSON."""
        return {**asdict(self), "created": self.created.astimezone(UTC).isoformat()}
