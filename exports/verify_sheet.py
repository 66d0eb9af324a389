"""A finished PDF is looked at as a printer would draw it, and its labels read, before anything is published."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pypdfium2
from PIL import Image

from exports import manifest as manifests
from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.manifest import Chunk
from exports.plan import ExportPlan
from exports.sheet_pages import encode
from exports.sheet_plan import SheetPlan
from exports.verify import Expected, require_reads
from renderers.sheets.model import LabelLayout

#: Pages whose labels are read, spread over the document, and labels of each.
_PAGES = 5
_LABELS_PER_PAGE = 10

_PIXELS_PER_MODULE = 4
_POINTS_PER_MILLIMETRE = 72 / 25.4


def require_labels_read(path: Path, plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore) -> int:
    """Return how many labels of the PDF were read, each saying just what it should.

    Raises SymbolDoesNotDecode where one does not, or pages are missing.
    """
    document = pypdfium2.PdfDocument(path)
    try:
        if len(document) != sheet.document.pages:
            raise SymbolDoesNotDecode(
                "Pages are missing", value=len(document), expected=f"{sheet.document.pages}"
            )
        return sum(
            _require_page_reads(document, page, plan, sheet, store) for page in _sampled(sheet.document.pages)
        )
    finally:
        document.close()


def _sampled(pages: int) -> list[int]:
    return sorted({round(index * (pages - 1) / (_PAGES - 1)) for index in range(_PAGES)})


def _require_page_reads(
    document: pypdfium2.PdfDocument, number: int, plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore
) -> int:
    page = document[number]
    read = 0
    for cell, layout, expected in _labels_on(number, plan, sheet, store):
        require_reads(f"page {number + 1} label {cell + 1}", _label(page, sheet, layout, cell), expected)
        read += 1
        if read == _LABELS_PER_PAGE:
            break
    return read


def _labels_on(
    number: int, plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore
) -> Iterator[tuple[int, LabelLayout, Expected]]:
    """Yield cell, layout and content of the page's labels, one of each entity."""
    per_page = sheet.template.labels_per_page
    first = max(0, -(-(number * per_page - sheet.start_position + 1) // sheet.copies))
    rows = Chunk(first, min(sheet.rows, first + _LABELS_PER_PAGE * 2))
    for frame in manifests.read_rows(plan, store, rows, _LABELS_PER_PAGE * 2):
        batch = encode(plan, sheet, frame)
        layouts = {
            position: layout for layout, group in batch.symbols for position in group.positions.tolist()
        }
        for position, payload in batch.payloads.items():
            page, cell = divmod(sheet.first_cell(batch.first_row + position), per_page)
            if page == number:
                yield cell, layouts[position], Expected(payload.kind, payload.data)


def _label(page: pypdfium2.PdfPage, sheet: SheetPlan, layout: LabelLayout, cell: int) -> Image.Image:
    """Return one label as it is printed, whole pixels to a module."""
    calibration, template = sheet.document.calibration, sheet.template
    scale = calibration.scale_percent / 100
    left_mm, top_mm = template.label_origin_mm(cell)
    x_mm = left_mm * scale + calibration.offset_x_mm
    y_mm = top_mm * scale + calibration.offset_y_mm
    width_mm, height_mm = template.label_width_mm * scale, template.label_height_mm * scale
    page_width, page_height = page.get_size()
    left, top = x_mm * _POINTS_PER_MILLIMETRE, y_mm * _POINTS_PER_MILLIMETRE
    right = page_width - left - width_mm * _POINTS_PER_MILLIMETRE
    bottom = page_height - top - height_mm * _POINTS_PER_MILLIMETRE
    crop = tuple(max(0.0, side) for side in (left, bottom, right, top))
    pixels = _PIXELS_PER_MODULE / (layout.x_dimension_mm * scale * _POINTS_PER_MILLIMETRE)
    # The stub says whole scales only; the library takes any.
    return page.render(scale=cast("int", pixels), crop=crop, grayscale=True).to_pil()
