"""Label sheets drawn by reportlab, one label at a time: slow, and independent of our PDF writer."""

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from reportlab import rl_config
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from renderers.fonts.subset import FONT_NAME, make_subset, shown
from renderers.sheets import placement
from renderers.sheets.document import SheetDocument
from renderers.sheets.placement import LabelGroup, PlacedText, SheetLabels

# Binary streams: some readers refuse those encoded as printable characters.
rl_config.useA85 = 0


def draw(document: SheetDocument, batches: Iterable[SheetLabels]) -> bytes:
    """Return the PDF with the labels of all batches, whose cells ascend. The whole PDF is held in memory.

    It has no outline, cut marks or calibration and is not PDF/A.
    """
    width, height = document.page_dots
    k = document.points_per_dot
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width * k, height * k), invariant=1, pageCompression=1)
    canvas.setTitle(document.title)
    canvas.setViewerPreference("PrintScaling", "None")
    subset = make_subset(document.characters)
    font = FONT_NAME + subset.tag
    # reportlab keeps the first font registered under a name, so each subset has its own.
    registerFont(TTFont(font, io.BytesIO(subset.font)))
    page = 0
    canvas.scale(k, k)
    for labels in batches:
        for cell, index, drawing in _in_order(document, labels):
            while page < cell // document.template.labels_per_page:
                canvas.showPage()
                canvas.scale(k, k)
                page += 1
            _label(canvas, drawing, index, font)
    for _ in range(page, document.pages):
        canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Group:
    """The symbols and texts of a group's labels, with their places."""

    def __init__(self, document: SheetDocument, labels: SheetLabels, group: LabelGroup) -> None:
        self.cells: list[int] = labels.cells[group.symbols.positions].tolist()
        self.stencils = placement.stencils(group)
        self.texts = placement.texts(document, group)
        self.document = document
        self.origins: list[tuple[int, int]] = placement.label_origins(document).tolist()


def _in_order(document: SheetDocument, labels: SheetLabels) -> list[tuple[int, int, _Group]]:
    groups = [_Group(document, labels, group) for group in labels.groups]
    return sorted(
        ((cell, index, group) for group in groups for index, cell in enumerate(group.cells)),
        key=lambda entry: entry[0],
    )


def _label(canvas: Canvas, group: _Group, index: int, font: str) -> None:
    per_page = group.document.template.labels_per_page
    left, bottom = group.origins[group.cells[index] % per_page]
    for stencil in group.stencils:
        samples = stencil.samples[index if len(stencil.samples) > 1 else 0]
        canvas.saveState()
        canvas.transform(stencil.width, 0, 0, stencil.height, left + stencil.left, bottom + stencil.bottom)
        # reportlab's own images are objects of their own, five times as slow and six times as large.
        canvas._code.append(_inline_mask(samples))  # pyright: ignore[reportAttributeAccessIssue]
        canvas.restoreState()
    for text in group.texts:
        _text(canvas, group.document, text, text.strings[index], left, bottom, font)


def _inline_mask(samples: NDArray[np.uint8]) -> str:
    """Return one sample per module in hexadecimal: binary data would be encoded as if it were text."""
    rows, columns = samples.shape
    data = b"".join(np.packbits(row).tobytes() for row in samples).hex()
    return f"BI /W {columns} /H {rows} /IM true /BPC 1 /D [1 0] /F /AHx ID {data}> EI"


def _text(
    canvas: Canvas, document: SheetDocument, text: PlacedText, string: str, left: int, bottom: int, font: str
) -> None:
    canvas.setFont(font, text.size_pt / document.points_per_dot)
    place = {
        "left": canvas.drawString,
        "centre": canvas.drawCentredString,
        "right": canvas.drawRightString,
    }[text.align]
    place(left + text.x, bottom + text.baseline, shown(document.characters, string))
