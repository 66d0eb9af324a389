"""A picture of a document's first page, for choosing a template and layout before anything is printed."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from renderers.fonts.subset import make_subset, shown
from renderers.sheets import placement
from renderers.sheets.document import SheetDocument
from renderers.sheets.model import MILLIMETRES_PER_INCH
from renderers.sheets.placement import PlacedText, SheetLabels, Stencil
from renderers.symbol import BarSymbols

_LEAST_DPI = 150
_OUTLINE = 176


def preview(document: SheetDocument, labels: SheetLabels) -> bytes:
    """Return the first page as a greyscale PNG; those of the labels that stand on others are left out.

    X of the first symbols is a whole number of pixels, the fewest that make at least 150 dpi, so that they can
    be read.
    Label edges are grey. Calibration, which only a printer needs, is left out.
    """
    sheet = _Sheet(document, labels, _scale(document, labels))
    sheet.draw()
    out = io.BytesIO()
    dpi = document.dpi * sheet.scale
    sheet.image.save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()


def _scale(document: SheetDocument, labels: SheetLabels) -> float:
    """Return pixels per dot: whole pixels to the X of the first symbols."""
    if not labels.groups:
        return _LEAST_DPI / document.dpi
    first = labels.groups[0]
    units = first.symbols.units_per_x if isinstance(first.symbols, BarSymbols) else 1
    x_dots = first.layout.x_dots
    return -(-x_dots * _LEAST_DPI // (document.dpi * units)) * units / x_dots


class _Sheet:
    """The picture being drawn; `scale` is pixels per dot."""

    def __init__(self, document: SheetDocument, labels: SheetLabels, scale: float) -> None:
        self._document, self._labels = document, labels
        self.scale = scale
        width, self._height = document.page_dots
        self.image = Image.new("L", (round(width * scale), round(self._height * scale)), 255)
        self._canvas = ImageDraw.Draw(self.image)
        self._font = make_subset(document.characters).font

    def draw(self) -> None:
        document, labels = self._document, self._labels
        per_page = document.template.labels_per_page
        origins: list[tuple[int, int]] = placement.label_origins(document).tolist()
        for left, bottom in origins:
            self._outline(left, bottom)
        for group in labels.groups:
            cells: list[int] = labels.cells[group.symbols.positions].tolist()
            here = [index for index, cell in enumerate(cells) if cell < per_page]
            for stencil in placement.stencils(group):
                for index in here:
                    self._stencil(stencil, index, *origins[cells[index]])
            for text in placement.texts(document, group):
                self._text(text, here, [origins[cells[index]] for index in here])

    def _down(self, dots: float) -> float:
        """Return pixels from the top for dots from the bottom."""
        return (self._height - dots) * self.scale

    def _outline(self, left: int, bottom: int) -> None:
        template, scale = self._document.template, self.scale
        right = left + self._document.dots(template.label_width_mm)
        top = bottom + self._document.dots(template.label_height_mm)
        box = (left * scale, self._down(top), right * scale - 1, self._down(bottom) - 1)
        if template.shape == "round":
            self._canvas.ellipse(box, outline=_OUTLINE)
        else:
            per_mm = self._document.dpi * scale / MILLIMETRES_PER_INCH
            self._canvas.rounded_rectangle(box, template.corner_radius_mm * per_mm, outline=_OUTLINE)

    def _stencil(self, stencil: Stencil, index: int, left: int, bottom: int) -> None:
        samples = stencil.samples[index if len(stencil.samples) > 1 else 0]
        size = max(1, round(stencil.width * self.scale)), max(1, round(stencil.height * self.scale))
        mask = Image.fromarray((samples * np.uint8(255)), "L").resize(size, Image.Resampling.NEAREST)
        corner = (
            round((left + stencil.left) * self.scale),
            round(self._down(bottom + stencil.bottom + stencil.height)),
        )
        self.image.paste(0, corner, mask)

    def _text(self, text: PlacedText, here: list[int], origins: list[tuple[int, int]]) -> None:
        strings = [shown(self._document.characters, text.strings[index]) for index in here]
        size = text.size_pt / self._document.points_per_dot * self.scale
        # Its other engine would set right-to-left text once more.
        font = ImageFont.truetype(io.BytesIO(self._font), size, layout_engine=ImageFont.Layout.BASIC)
        for string, (left, bottom) in zip(strings, origins, strict=True):
            self._canvas.text(
                ((left + text.x) * self.scale, self._down(bottom + text.baseline)),
                string,
                fill=0,
                font=font,
                anchor="ms" if text.centred else "ls",
            )
