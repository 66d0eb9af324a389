"""The PDF operators of pages: calibration, cut marks and labels.

Lengths are whole dots of the layout's printer; one transformation at the head of each page converts them to
points. Modules and bars are image masks with one sample per module or unit of X: renderers paint every dot
that an outline touches, so drawn shapes grow (the bars of EAN-13 at 300 dpi by 17 % in poppler, at 203
dpi beyond reading), while a mask's samples on whole dots keep their size.

Source: ISO 32000-1:2008, 8.3.4 (transformations), 8.9.6.2 (stencil masks), 8.9.7 (inline images), 9.4 (text).
"""

import numpy as np
from numpy.typing import NDArray

from renderers.errors import RenderError
from renderers.fonts.subset import UNITS_PER_EM, set_text
from renderers.sheets import placement
from renderers.sheets.document import SheetDocument
from renderers.sheets.model import LogoBox
from renderers.sheets.placement import PlacedText, SheetLabels, Stencil
from renderers.units import MILLIMETRES_PER_POINT

FONT_RESOURCE, BOLD_RESOURCE = "F", "B"
LOGO_RESOURCE = "Logo"
CUT_MARKS_RESOURCE = "Cut"

# Tolerance for rounding in the widths with which the layout was solved, in millimetres.
_WIDTH_TOLERANCE_MM = 0.05

_CUT_MARK_MM, _CUT_LINE_MM = 1.5, 0.1


class TextTooWide(RenderError):
    """A text is wider than its line on the label."""

    code = "text_too_wide"


def page_head(document: SheetDocument) -> bytes:
    """Return the operators that begin every page: calibration, dots instead of points, the page's turn, cut marks."""
    calibration, k = document.calibration, document.points_per_dot
    scale = calibration.scale_percent / 100
    width, height = document.page_dots
    turns = {
        90: f"0 -1 1 0 0 {width} cm\n",
        180: f"-1 0 0 -1 {width} {height} cm\n",
        270: f"0 1 -1 0 {height} 0 cm\n",
    }
    if document.rotate in {90, 270}:
        height = width
    right, down = document.dots(calibration.offset_x_mm), document.dots(calibration.offset_y_mm)
    up = height * (1 - scale) - down
    marks = f"/{CUT_MARKS_RESOURCE} Do\n" if document.cut_marks else ""
    matrix = f"{k * scale:.10f} 0 0 {k * scale:.10f} {k * right:.8f} {k * up:.8f} cm\n"
    return (matrix + turns.get(document.rotate, "") + marks).encode()


def cut_marks(document: SheetDocument) -> bytes:
    """Return the operators for lines that lead away from the corners of each label's bounding box."""
    template = document.template
    arm = document.dots(_CUT_MARK_MM)
    lines = [f"{max(1, document.dots(_CUT_LINE_MM))} w 0.5 G"]
    width, height = document.dots(template.label_width_mm), document.dots(template.label_height_mm)
    for left, bottom in placement.label_origins(document).tolist():
        for x, outward_x in ((left, -arm), (left + width, arm)):
            for y, outward_y in ((bottom, -arm), (bottom + height, arm)):
                lines.append(f"{x + outward_x} {y} m {x} {y} l")
                lines.append(f"{x} {y + outward_y} m {x} {y} l")
    return "\n".join([*lines, "S", ""]).encode()


def draw(document: SheetDocument, labels: SheetLabels) -> list[str]:
    """Return the operators of each label, empty for one without a symbol.

    Raises TextTooWide if a text exceeds its line; in a layout solved for these labels none does.
    """
    drawn = [""] * len(labels.cells)
    all_origins = placement.label_origins(document)
    for group in labels.groups:
        positions = group.symbols.positions
        origins = all_origins[labels.cells[positions] % document.template.labels_per_page]
        parts = [_masks(stencil, origins) for stencil in placement.stencils(group)]
        parts += [_text(document, text, origins) for text in placement.texts(document, group)]
        if group.layout.logo is not None:
            parts.append(_logos(group.layout.logo, origins))
        for position, *operators in zip(positions.tolist(), *parts, strict=True):
            drawn[position] += "".join(operators)
    return drawn


def _masks(stencil: Stencil, origins: NDArray[np.intp]) -> list[str]:
    """Return a stencil mask for every label, as an inline image."""
    _, rows, columns = stencil.samples.shape
    packed = np.packbits(stencil.samples, axis=2)
    size = 2 * packed.shape[1] * packed.shape[2]
    digits = packed.tobytes().hex()
    each = [digits[at : at + size] for at in range(0, len(digits), size)]
    if len(each) == 1:
        each *= len(origins)
    # A hundredth of a dot inside the mask's edges: some renderers paint one more row or column if a coordinate
    # is slightly beyond a whole dot.
    before = f"q {stencil.width - 1}.98 0 0 {stencil.height - 1}.98 "
    after = f".01 cm BI/W {columns}/H {rows}/IM true/BPC 1/D[1 0]/F/AHx ID "
    corners = (origins + np.array([stencil.left, stencil.bottom])).tolist()
    return [
        f"{before}{x}.01 {y}{after}{samples}>\nEI Q\n" for (x, y), samples in zip(corners, each, strict=True)
    ]


def _logos(logo: LogoBox, origins: NDArray[np.intp]) -> list[str]:
    """Return the operators that draw the document's logo, whose unit is a dot, on each label."""
    corners = (origins + np.array([logo.left_dots, logo.bottom_dots])).tolist()
    return [f"q 1 0 0 1 {x} {y} cm/{LOGO_RESOURCE} Do Q\n" for x, y in corners]


def _text(document: SheetDocument, placed: PlacedText, origins: NDArray[np.intp]) -> list[str]:
    """Return the text operators of each label for one line."""
    text = set_text(document.characters, placed.strings, bold=placed.bold)
    size = placed.size_pt / document.points_per_dot
    widths = text.widths * (size / UNITS_PER_EM)
    room = (placed.room_mm + _WIDTH_TOLERANCE_MM) / MILLIMETRES_PER_POINT / document.points_per_dot
    if widths.max(initial=0) > room:
        worst = int(widths.argmax())
        raise TextTooWide(
            f"At {placed.size_pt:g} pt the text does not fit its line",
            value=placed.strings[worst],
            expected=f"at most {placed.room_mm:.2f} mm wide",
        )
    x = np.rint(origins[:, 0] + placed.x - widths * placement.SHARE_TO_THE_LEFT[placed.align]).astype(np.intp)
    y = origins[:, 1] + placed.baseline
    head = f"BT/{BOLD_RESOURCE if placed.bold else FONT_RESOURCE} {size:.6g} Tf "
    return [
        f"{head}{left} {baseline} Td<{glyphs}>Tj ET\n" if glyphs else ""
        for left, baseline, glyphs in zip(x.tolist(), y.tolist(), text.glyphs, strict=True)
    ]
