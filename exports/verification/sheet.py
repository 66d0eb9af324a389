"""A finished PDF is looked at as a printer would draw it, and its labels read, before anything is published."""

import hashlib
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, cast

import pypdfium2
from PIL import Image

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs.plan import ExportPlan
from exports.sheets.pages import encode
from exports.sheets.plan import SheetPlan
from exports.symbols.payloads import Expected
from exports.verification import sample
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.reading import require_reads
from renderers.sheets.model import LabelLayout
from renderers.sheets.pdf import CorruptFragment, PdfSummary
from renderers.units import POINTS_PER_MILLIMETRE

_PIXELS_PER_MODULE = 4


class _Label(NamedTuple):
    """One label that is looked at: its place, both counted from 0, and what must be there."""

    page: int
    cell: int
    layout: LabelLayout
    expected: Expected


def checks(
    summary: PdfSummary, plan: ExportPlan, sheet: SheetPlan, processed: int, store: ArtefactStore, path: Path
) -> Checks:
    """Yield what is to be checked of a PDF with the labels of `processed` entities.

    Raises CorruptFragment, SymbolDoesNotDecode, CountsDisagree.
    """

    def whole() -> Facts:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != summary.sha256:
            raise CorruptFragment("The PDF is not what was joined", value=digest, expected=summary.sha256)
        try:
            with pypdfium2.PdfDocument(path) as document:
                return {"bytes": path.stat().st_size, "pages": len(document)}
        except pypdfium2.PdfiumError as error:
            raise SymbolDoesNotDecode(f"The PDF cannot be opened: {error}") from error

    def counts() -> Facts:
        with pypdfium2.PdfDocument(path) as document:
            if len(document) != sheet.document.pages:
                raise CountsDisagree("pages", len(document), sheet.document.pages)
        return {"pages": sheet.document.pages, "entities": processed, "labels": processed * sheet.copies}

    yield Check.WHOLE, whole
    yield Check.COUNTS, counts
    yield (
        Check.SAMPLE,
        lambda: {
            "decoded": require_labels_read(path, plan, sheet, store),
            "labels": processed * sheet.copies,
        },
    )


def require_labels_read(path: Path, plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore) -> int:
    """Return how many labels of the PDF were read, each saying just what it should.

    Raises SymbolDoesNotDecode where one does not, or its page is missing.
    """
    read = 0
    with pypdfium2.PdfDocument(path) as document:
        for number, labels in groupby(_sampled(plan, sheet, store), key=lambda label: label.page):
            if number >= len(document):
                raise SymbolDoesNotDecode(f"Page {number + 1} is missing", value=len(document))
            page = document[number]
            for label in labels:
                picture = _picture(page, sheet, label.layout, label.cell)
                require_reads(f"page {number + 1} label {label.cell + 1}", picture, label.expected)
                read += 1
            page.close()
    return read


def _sampled(plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore) -> list[_Label]:
    """Return the labels to look at, in their order: one of each sampled entity, the first copy or a later one."""
    batch = encode(plan, sheet, sample.rows(plan, store, sheet.rows, 1))
    layouts = {position: layout for layout, group in batch.symbols for position in group.positions.tolist()}
    labels: list[_Label] = []
    for position, payload in sorted(batch.payloads.items()):
        copy = position % sheet.copies
        place = sheet.first_cell(batch.rows[position]["row"]) + copy
        page, cell = divmod(place, sheet.template.labels_per_page)
        labels.append(_Label(page, cell, layouts[position], Expected(payload.kind, payload.data)))
    return labels


def _picture(page: pypdfium2.PdfPage, sheet: SheetPlan, layout: LabelLayout, cell: int) -> Image.Image:
    """Return one label as it is printed, whole pixels to a module."""
    calibration, template = sheet.document.calibration, sheet.template
    scale = calibration.scale_percent / 100
    left_mm, top_mm = template.label_origin_mm(cell)
    x_mm = left_mm * scale + calibration.offset_x_mm
    y_mm = top_mm * scale + calibration.offset_y_mm
    width_mm, height_mm = template.label_width_mm * scale, template.label_height_mm * scale
    page_width, page_height = page.get_size()
    left, top = x_mm * POINTS_PER_MILLIMETRE, y_mm * POINTS_PER_MILLIMETRE
    right = page_width - left - width_mm * POINTS_PER_MILLIMETRE
    bottom = page_height - top - height_mm * POINTS_PER_MILLIMETRE
    crop = tuple(max(0.0, side) for side in (left, bottom, right, top))
    pixels = _PIXELS_PER_MODULE / (layout.x_dimension_mm * scale * POINTS_PER_MILLIMETRE)
    # The stub says whole scales only; the library takes any.
    return page.render(scale=cast("int", pixels), crop=crop, grayscale=True).to_pil()
