"""A page to print once for each printer and sheet; it shows how to move later pages onto the labels."""

import io
from collections.abc import Iterator

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from renderers.fonts.subset import FONT_NAME, make_subset, shown_characters, width_mm
from renderers.sheets.document import Calibration
from renderers.sheets.model import LINE_HEIGHT, SheetTemplate
from renderers.units import MILLIMETRES_PER_POINT, POINTS_PER_MILLIMETRE

_LINE_MM, _TICK_MM, _CROSS_MM = 0.1, 1.0, 5
_LARGEST_PT, _SMALLEST_PT = 9.0, 2.0

# Shares of the page: the height of the ruler above the bottom, and the room for the text above it.
_RULER_AT, _TEXT_ROOM, _TEXT_WIDTH = 0.36, 0.35, 0.8
_TEXT_ABOVE_RULER_MM = 3


def calibration_page(template: SheetTemplate, calibration: Calibration | None = None) -> bytes:
    """Return a PDF page with every label's outline, rulers and instructions; the same bytes every time.

    The page is moved and scaled by the calibration, so that a second print shows whether the values are right.
    """
    moved = calibration or Calibration()
    width, height = (
        template.page_width_mm * POINTS_PER_MILLIMETRE,
        template.page_height_mm * POINTS_PER_MILLIMETRE,
    )
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height), invariant=1, pageCompression=1)
    canvas.setTitle(f"Calibration of {template.id}")
    canvas.setViewerPreference("PrintScaling", "None")
    scale = moved.scale_percent / 100
    canvas.transform(
        scale,
        0,
        0,
        scale,
        moved.offset_x_mm * POINTS_PER_MILLIMETRE,
        height * (1 - scale) - moved.offset_y_mm * POINTS_PER_MILLIMETRE,
    )
    canvas.scale(POINTS_PER_MILLIMETRE, POINTS_PER_MILLIMETRE)
    canvas.setLineWidth(_LINE_MM)
    _outlines(canvas, template)
    for cell in {0, template.labels_per_page - 1}:
        x, y = template.label_origin_mm(cell)
        _cross(
            canvas,
            x + template.label_width_mm / 2,
            template.page_height_mm - y - template.label_height_mm / 2,
            min(_CROSS_MM, int(min(template.label_width_mm, template.label_height_mm) / 2)),
        )
    ruler_mm = max(10, int(template.page_width_mm * _TEXT_WIDTH) // 10 * 10)
    _panel(canvas, template, ruler_mm, moved)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _outlines(canvas: Canvas, template: SheetTemplate) -> None:
    width, height = template.label_width_mm, template.label_height_mm
    for cell in range(template.labels_per_page):
        x, down = template.label_origin_mm(cell)
        y = template.page_height_mm - down - height
        if template.shape == "round":
            canvas.circle(x + width / 2, y + height / 2, width / 2)
        else:
            canvas.roundRect(x, y, width, height, template.corner_radius_mm)


def _cross(canvas: Canvas, x: float, y: float, arm: int) -> None:
    """Draw a cross-hair with a tick every millimetre."""
    canvas.line(x - arm, y, x + arm, y)
    canvas.line(x, y - arm, x, y + arm)
    for at in range(-arm, arm + 1):
        half = _TICK_MM / (1 if at % 5 == 0 else 2)
        canvas.line(x + at, y - half, x + at, y + half)
        canvas.line(x - half, y + at, x + half, y + at)


def _instructions(template: SheetTemplate, ruler_mm: int, moved: Calibration) -> list[str]:
    return [
        f"{template.description} ({template.id})",
        "Print this page at actual size on plain paper, lay it on a sheet of labels and hold both to the light.",
        f"1. Measure the ruler below. scale_percent = {moved.scale_percent:g} x {ruler_mm} / its length in mm.",
        f"2. offset_x_mm = {moved.offset_x_mm:g} + the millimetres that the outlines must go to the right (negative: left).",
        f"3. offset_y_mm = {moved.offset_y_mm:g} + the millimetres that the outlines must go down (negative: up).",
        "Set them for this printer and print this page again with them: the outlines then meet the labels.",
    ]


def _panel(canvas: Canvas, template: SheetTemplate, ruler_mm: int, moved: Calibration) -> None:
    """Draw the ruler and the instructions on a white ground, over the outlines."""
    page_width, page_height = template.page_width_mm, template.page_height_mm
    room_mm = page_width * _TEXT_WIDTH
    paragraphs = _instructions(template, ruler_mm, moved)
    size = _LARGEST_PT
    while True:
        lines = [line for text in paragraphs for line in _wrapped(text, size, room_mm)]
        leading = size * LINE_HEIGHT * MILLIMETRES_PER_POINT
        if len(lines) * leading <= page_height * _TEXT_ROOM or size <= _SMALLEST_PT:
            break
        size -= 0.5
    left, ruler_y = (page_width - ruler_mm) / 2, page_height * _RULER_AT
    bottom = ruler_y + _TEXT_ABOVE_RULER_MM
    canvas.setFillGray(1)
    canvas.rect(
        (page_width - room_mm) / 2 - 2,
        ruler_y - 2,
        room_mm + 4,
        bottom - ruler_y + 2 + (len(lines) + 0.5) * leading,
        stroke=0,
        fill=1,
    )
    canvas.setFillGray(0)
    canvas.line(left, ruler_y, left + ruler_mm, ruler_y)
    for at in range(ruler_mm + 1):
        canvas.line(left + at, ruler_y, left + at, ruler_y + (2 if at % 10 == 0 else 1) * _TICK_MM)
    # In millimetres, like all lengths on this canvas.
    subset = make_subset(shown_characters(paragraphs))
    registerFont(TTFont(FONT_NAME + subset.tag, io.BytesIO(subset.font)))
    canvas.setFont(FONT_NAME + subset.tag, size * MILLIMETRES_PER_POINT)
    for index, line in enumerate(reversed(lines)):
        canvas.drawString((page_width - room_mm) / 2, bottom + index * leading, line)


def _wrapped(text: str, size_pt: float, room_mm: float) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if line and width_mm(longer, size_pt) > room_mm:
            yield line
            longer = word
        line = longer
    yield line
