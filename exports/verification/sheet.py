"""Check a finished PDF before it is published: count its labels and decode a sample as printed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import polars as pl
import pypdfium2
from numpy.typing import NDArray

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk, Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.sheets.plan import SheetPlan
from exports.verification import geometry, label, sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.formats import pdf_pages
from exports.verification.formats.pdf_pages import PdfPages
from exports.verification.reading import require_reads
from exports.verification.tables import Entities, Tables
from gs1.symbol_size import Environment, symbol_size
from renderers.sheets.model import LabelLayout
from renderers.sheets.pdf import CorruptFragment, PdfSummary
from renderers.units import POINTS_PER_MILLIMETRE

_PIXELS_PER_MODULE = 4

#: Most labels of one entity that are compared with the decoded one.
_MOST_COMPARED = 1_000

_FRAME_ROWS = 50_000

#: Entities between two checks for a cancellation.
_CANCEL_EVERY = 50


class _Page(NamedTuple):
    """An opened page: its drawings by cell, and the page to render."""

    cells: Mapping[int, label.Drawing]
    page: pypdfium2.PdfPage


class _Entity(NamedTuple):
    """A sampled entity that was drawn.

    `cells` are the cells of its checked labels, counted over all pages from 0. `symbols` are those of each label, and
    `told` has the row of each symbol in the report.
    """

    row: Row
    symbols: Sequence[label.Symbol]
    cells: Sequence[int]
    told: Sequence[Mapping[str, str]]


def checks(
    summary: PdfSummary,
    plan: ExportPlan,
    sheet: SheetPlan,
    entities: Entities,
    store: ArtefactStore,
    path: Path,
) -> Checks:
    """Yield the checks of a PDF with the labels of these entities.

    Raises CorruptFragment, SymbolDoesNotDecode, CountsDisagree, ExportCancelled.
    """
    each = len(sheet.slots)
    frame = sample.rows(plan, store, Chunk(0, entities.total), entities.total, each)
    found: list[Tables] = []
    labels: list[int] = []

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
        found.append(tables.read(plan.job_id, store, (frame["row"] + 1).to_list(), each))
        tables.require_counts(found[0], entities.processed * each, entities.failed + entities.unmatched)
        with PdfPages(path) as pages:
            labels.append(_require_labels_counted(pages, plan, sheet, found[0].failed_rows, store))
        return {"pages": sheet.document.pages, "entities": entities.processed, "labels": labels[0]}

    yield Check.WHOLE, whole
    yield Check.COUNTS, counts
    yield (
        Check.SAMPLE,
        lambda: {
            "decoded": require_labels_read(path, plan, sheet, frame, found[0], store),
            "labels": labels[0],
        },
    )


def _require_labels_counted(
    pages: PdfPages, plan: ExportPlan, sheet: SheetPlan, failed_rows: Sequence[int], store: ArtefactStore
) -> int:
    """Return the number of labels. Failed rows count from 1.

    Raises CountsDisagree unless every page has the expected number of symbols.
    """
    if len(pages) != sheet.document.pages:
        raise CountsDisagree("pages", len(pages), sheet.document.pages)
    per_page = sheet.template.labels_per_page
    begins = np.arange(len(pages)) * per_page
    first, last = sheet.cell(0), sheet.cell(sheet.labels)
    expected = np.clip(last - begins, 0, per_page) - np.clip(first - begins, 0, per_page)
    expected -= np.diff(
        _blank_before(np.append(begins, len(pages) * per_page), plan, sheet, failed_rows, store)
    )
    # A matrix symbol is one mask. A linear symbol has a mask for its bars and others, of other heights, for guard and
    # bearer bars; all its masks have one row of samples.
    heights = {layout.bar_height_dots for layout in sheet.layouts}
    has_matrix = 0 in heights
    marks = [b".98 0 0 %d.98 " % (height - 1) for height in heights]
    for page, labels in enumerate(expected.tolist()):
        content = pages.content(page)
        if has_matrix:
            drawn = content.count(b"BI/W ") - content.count(b"/H 1/IM true")
        else:
            drawn = sum(map(content.count, marks))
        if drawn != labels:
            raise CountsDisagree(f"labels on page {page + 1}", drawn, labels)
    return int(expected.sum())


def _blank_before(
    cells: NDArray[np.int64],
    plan: ExportPlan,
    sheet: SheetPlan,
    failed_rows: Sequence[int],
    store: ArtefactStore,
) -> NDArray[np.int64]:
    """Return for each cell how many cells before it belong to failed rows. Rows count from 1."""
    if not failed_rows:
        return np.zeros_like(cells)
    failed = pl.Series(failed_rows, dtype=pl.Int64) - 1
    places = [
        frame.filter(pl.col("row").is_in(failed.implode())).select("first_label", "copies")
        for frame in manifests.read_rows(plan, store, Chunk(0, sheet.rows), _FRAME_ROWS)
    ]
    found = pl.concat(places)
    starts = np.append(sheet.cell(0) + found["first_label"].to_numpy(), np.iinfo(np.int64).max)
    copies = found["copies"].to_numpy()
    # Count the cells of rows that begin before a cell, without the cells of the last row from the cell on.
    rows = np.searchsorted(starts, cells, side="left")
    totals, last = np.append(0, np.cumsum(copies)), np.maximum(rows - 1, 0)
    after = np.where(rows > 0, starts[last] + copies[last] - cells, 0)
    return totals[rows] - np.maximum(after, 0)


def require_labels_read(
    path: Path,
    plan: ExportPlan,
    sheet: SheetPlan,
    frame: pl.DataFrame,
    reports: Tables,
    store: ArtefactStore,
) -> int:
    """Return the number of decoded labels: one of each sampled entity.

    Up to a thousand other labels of the entity are checked to have the same drawing.

    Raises SymbolDoesNotDecode if a label, or its row in the report, differs from the frozen manifest; ExportCancelled.
    """
    entities = _entities(plan, sheet, frame, reports)
    per_page = sheet.template.labels_per_page
    wanted = {cell for entity in entities for cell in entity.cells}
    in_hand: dict[int, _Page] = {}
    with PdfPages(path) as pages, pypdfium2.PdfDocument(path) as document:

        def read(page: int) -> _Page:
            drawn = pdf_pages.drawings(f"page {page + 1}", pages.content(page))
            cells = {cell for cell in range(per_page) if page * per_page + cell in wanted}
            return _Page(label.by_cell(f"page {page + 1}", sheet, drawn, cells), document[page])

        for number, entity in enumerate(entities):
            if number % _CANCEL_EVERY == 0:
                decision.require_not_cancelled(plan.job_id, store)
            places = [divmod(cell, per_page) for cell in entity.cells]
            # Entities are in order on the pages, so earlier pages are not needed again.
            in_hand = {page: in_hand.get(page) or read(page) for page, _ in places}
            drawn = [in_hand[page].cells.get(cell, ()) for page, cell in places]
            page, cell = places[number % len(places)]
            name = f"page {page + 1} label {cell + 1}"
            for copy in drawn:
                label.require_same(name, drawn[0], copy)
            label.require_text(name, plan, sheet, entity.row, entity.symbols, drawn[0])
            for symbol, told in zip(entity.symbols, entity.told, strict=True):
                picture = _picture(in_hand[page].page, sheet, symbol[0], cell)
                _require_symbol(name, plan, sheet, entity, symbol, told, picture)
    return len(entities)


def _entities(plan: ExportPlan, sheet: SheetPlan, frame: pl.DataFrame, reports: Tables) -> list[_Entity]:
    entities: list[_Entity] = []
    for row in frame.iter_rows(named=True):
        if tables.has_failed(reports, row):
            continue
        symbols = label.symbols_of(plan, sheet, row)
        first, copies = sheet.cell(row["first_label"]), row["copies"]
        cells = range(first, first + copies, -(-copies // _MOST_COMPARED))
        entities.append(_Entity(row, symbols, cells, reports.drawn[row["row"] + 1]))
    return entities


def _require_symbol(
    name: str,
    plan: ExportPlan,
    sheet: SheetPlan,
    entity: _Entity,
    symbol: label.Symbol,
    told: Mapping[str, str],
    picture: NDArray[np.uint8],
) -> None:
    """Raise SymbolDoesNotDecode unless the symbol and its row in the report have the right data and size."""
    row, (layout, carried) = entity.row, symbol
    decoded = require_reads(name, picture, carried)
    size = symbol_size(carried.kind, plan.config.environment or Environment.RETAIL)
    width_x = geometry.width_x(
        name,
        decoded.dark,
        decoded.position,
        carried.kind,
        size,
        _PIXELS_PER_MODULE,
        layout.bar_height_dots / layout.x_dots if layout.bar_height_dots else None,
        slack_px=1,
    )
    rows = geometry.rows(
        name, decoded.dark, decoded.position, carried.kind, width_x, _PIXELS_PER_MODULE, slack_px=1
    )
    first_page, first_cell = divmod(entity.cells[0], sheet.template.labels_per_page)
    tables.require_row(
        Report.MANIFEST,
        told,
        row,
        file=f"page {first_page + 1} label {first_cell + 1}",
        scope=row["scope"],
        expiry=row["expiry"] or "",
        symbology=carried.kind.value,
        payload=decoded.text,
        message=decoded.message,
        modules=geometry.modules_text(width_x, rows),
        x_dimension_mm=f"{layout.x_dimension_mm:.3f}",
    )
    tables.require_note(name, told, carried)


def _picture(page: pypdfium2.PdfPage, sheet: SheetPlan, layout: LabelLayout, cell: int) -> NDArray[np.uint8]:
    """Return one label as printed, with whole pixels per module, without the page's rotation."""
    calibration, template = sheet.document.calibration, sheet.document.printed
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
    # The stub allows whole scales only, but the library accepts any.
    picture = page.render(scale=cast("int", pixels), crop=crop, grayscale=True).to_numpy()
    return np.ascontiguousarray(np.rot90(picture, sheet.document.rotate // 90))
