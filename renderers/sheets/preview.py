"""A picture of a document's first page: PDFium draws the PDF of that page."""

import io
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import cast

import pypdfium2

from renderers.sheets.document import SheetDocument
from renderers.sheets.pdf import PdfFragmentWriter, join
from renderers.sheets.placement import SheetLabels
from renderers.symbol import BarSymbols
from renderers.units import POINTS_PER_INCH
from renderers.writers.png import greyscale

_LEAST_DPI = 150

# The page's size is rounded to 32 bits: without this, one that is whole pixels may come out a pixel larger.
_ROUNDING = 1 - 1e-6

# A letter page at 300 dpi has 8.4 million pixels; each takes a byte.
_MOST_PIXELS = 10_000_000

# Only one thread of a process may call PDFium at a time. Source: pypdfium2's README, "Incompatibility with
# Threading".
_PDFIUM = Lock()


def preview(document: SheetDocument, batches: Iterable[SheetLabels]) -> bytes:
    """Return the first page with these labels, all of which stand on it, as a greyscale PNG.

    X of the first symbols is a whole number of pixels, the fewest that make at least 150 dpi. The resolution
    is lower where the page would have more than 10 million pixels. Raises RenderError for a label on another
    page, and TextTooWide.
    """
    page = replace(document, pages=1)
    dpi: float = _LEAST_DPI
    content = io.BytesIO()
    writer = PdfFragmentWriter(page, content, 0, 1)
    for number, labels in enumerate(batches):
        if number == 0:
            dpi = _resolution(page, labels)
        writer.add(labels)
    fragment = writer.close()
    content.seek(0)
    pdf = io.BytesIO()
    join(page, [(fragment, content)], pdf)
    return _png(pdf.getvalue(), dpi)


def page_of(pdf: Path, number: int) -> bytes | None:
    """Return a page of a stored PDF, counted from 0, as a greyscale PNG. None if it has no such page."""
    with _PDFIUM, pypdfium2.PdfDocument(pdf) as opened:
        return _drawn(opened, number, _LEAST_DPI) if number < len(opened) else None


def _resolution(document: SheetDocument, labels: SheetLabels) -> float:
    """Return the pixels per inch at which X of the first symbols is whole pixels."""
    if not labels.groups:
        return _LEAST_DPI
    first = labels.groups[0]
    units = first.symbols.units_per_x if isinstance(first.symbols, BarSymbols) else 1
    x_dots = first.layout.x_dots
    return -(-x_dots * _LEAST_DPI // (document.dpi * units)) * units / x_dots * document.dpi


def _png(pdf: bytes, dpi: float) -> bytes:
    """Return the first page of the PDF at this resolution, or less if it has too many pixels."""
    with _PDFIUM, pypdfium2.PdfDocument(pdf) as opened:
        return _drawn(opened, 0, dpi)


def _drawn(opened: pypdfium2.PdfDocument, number: int, dpi: float) -> bytes:
    page = opened[number]
    width, height = page.get_size()
    scale = min(dpi / POINTS_PER_INCH, math.sqrt(_MOST_PIXELS / (width * height)))
    # The stub says whole scales only; the library takes any.
    bitmap = page.render(scale=cast("int", scale * _ROUNDING), grayscale=True)
    # The page is stretched to whole pixels, so both directions have a resolution of their own.
    resolution = bitmap.width * POINTS_PER_INCH / width, bitmap.height * POINTS_PER_INCH / height
    return greyscale(bitmap.to_numpy(), resolution)
