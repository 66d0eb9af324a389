"""A PDF of label sheets apart from its labels: all that a worker needs to write any of its pages."""

import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from renderers.errors import RenderError
from renderers.logos.logo import DotPicture
from renderers.sheets.errors import LeavesPage
from renderers.sheets.model import DIE_TOLERANCE_MM, SheetTemplate
from renderers.units import MILLIMETRES_PER_INCH, POINTS_PER_INCH

# What published inches, rounded to hundredths of a millimetre, may lie beside the page's edge.
_ROUNDING_MM = 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the pages for one printer are moved so that labels meet their die cuts.

    The page is scaled about its top left corner, then shifted: x to the right, y down, by whole dots.
    Scaling changes the X-dimension as well: modules are then no longer whole dots.
    """

    offset_x_mm: float = 0
    offset_y_mm: float = 0
    scale_percent: float = 100


def require_on_page(template: SheetTemplate, calibration: Calibration) -> None:
    """Raise LeavesPage where something that a label may show would be moved off the page.

    `field` of the error is the setting that moves it: the offset, or the scale where that alone is too much.
    """
    across = (template.page_width_mm, template.left_mm, template.pitch_x_mm, template.columns)
    down = (template.page_height_mm, template.top_mm, template.pitch_y_mm, template.rows)
    for (page_mm, start_mm, pitch_mm, labels), label_mm, offset_mm, field_name in (
        (across, template.label_width_mm, calibration.offset_x_mm, "offset_x_mm"),
        (down, template.label_height_mm, calibration.offset_y_mm, "offset_y_mm"),
    ):
        scale = calibration.scale_percent / 100
        first_mm = (start_mm + DIE_TOLERANCE_MM) * scale
        last_mm = (start_mm + (labels - 1) * pitch_mm + label_mm - DIE_TOLERANCE_MM) * scale
        if first_mm + offset_mm < -_ROUNDING_MM or last_mm + offset_mm > page_mm + _ROUNDING_MM:
            by_scale = not offset_mm or last_mm > page_mm + _ROUNDING_MM
            raise LeavesPage(
                f"At a scale of {calibration.scale_percent:g} % and {field_name} {offset_mm:g} the labels of "
                f"{template.id} need {first_mm + offset_mm:.2f} to {last_mm + offset_mm:.2f} mm of a page that has 0 to {page_mm:.2f} mm",
                value=calibration.scale_percent if by_scale else offset_mm,
                expected=f"{-first_mm:.2f} to {page_mm - last_mm:.2f} mm",
                field="scale_percent" if by_scale else field_name,
            )


@dataclass(frozen=True, slots=True)
class SheetDocument:
    """A PDF of label sheets. Two documents that are equal, with equal labels, are the same bytes.

    `dpi` is the printer's, and that of every layout on the sheets. `bold` says that a line is bold, `logo` is drawn on
    each label: operators of a page, the logo's lower left corner at the origin, its unit a dot, or for rolls its dots.
    `pages` is at least 1; pages without labels are blank. `characters` are the units of the embedded font, from
    `renderers.fonts.subset.shown_characters`; plans of earlier releases have them as one string. `created` has a time
    zone and comes from the caller, so that a repeated export has the same bytes. `cut_marks` draws the corners of each
    label, for sheets that are not die-cut. `template` is the sheet before it is turned clockwise by `rotate` degrees, as
    it is printed.
    """

    template: SheetTemplate
    dpi: int
    pages: int
    title: str
    characters: str | tuple[str, ...]
    created: datetime
    calibration: Calibration = field(default_factory=Calibration)
    cut_marks: bool = False
    bold: bool = False
    logo: str | DotPicture | None = None
    rotate: int = 0

    def __post_init__(self) -> None:
        if self.pages < 1:
            raise RenderError("A PDF has at least one page", value=self.pages, expected="1 or more")
        if self.created.tzinfo is None:
            raise RenderError("The date has no time zone", value=self.created, expected="an aware datetime")

    @property
    def printed(self) -> SheetTemplate:
        """The sheet as it is printed."""
        return self.template.turned(-self.rotate % 360)

    @property
    def page_dots(self) -> tuple[int, int]:
        """Width and height of the page in whole dots of the printer, before it is turned.

        Renderers disagree whether dots are counted from the page's top or bottom edge: on a page of whole
        dots both give the same result.
        """
        return self.dots(self.template.page_width_mm), self.dots(self.template.page_height_mm)

    @property
    def page_points(self) -> tuple[float, float]:
        """Width and height of the page as it is printed, in points, rounded down to millionths.

        Renderers add a row or column of dots if the page is slightly larger than whole dots.
        """
        width, height = self.page_dots
        if self.rotate in {90, 270}:
            width, height = height, width
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
