"""Preview of an export: the number of entities, which of the first fail and why, and a few pictures."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC

import polars as pl
from PIL import Image

from catalogue.queries import selected
from catalogue.queries.entities import in_any_state
from catalogue.queries.selected import PrintCounts, Size
from catalogue.selection import Selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs.plan import ExportPlan
from exports.previews.pictures import first_page
from exports.sheets import pages as sheet_pages
from exports.sheets.check import require_possible
from exports.sheets.plan import SheetPlan, plan_sheets
from exports.sheets.templates import template_of
from exports.symbols import symbol_files
from exports.symbols.notes import counts_by_code
from gs1.errors import LabelError
from renderers.sheets.model import SheetTemplate
from renderers.units import MILLIMETRES_PER_INCH

#: Entities that are drawn to find failures, and pictures that are shown.
TRIED_ROWS = 200
PICTURES = 6

_SCREEN_DPI = 200

#: Entities of a selection that is counted at once. A list of twice as many takes DuckDB a second to find.
AT_ONCE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class PreviewFailure:
    """An entity that could not be drawn. The fields are those of `errors.csv`."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """A PNG of one symbol or sheet page, with a title, a description and the printed size."""

    png: bytes
    title: str
    description: str
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What an export would make.

    `total_items` counts the selected entities and `total_labels` their labels, `printed` what the print history says
    of them, `tried_items` those that were drawn for the preview; `failures`, `pictures` and `notes`, which counts notes by code, are of the latter.
    Unless it `is_whole`, it is of the first GTINs alone, and nothing is counted: the totals and `printed` are 0.
    """

    total_items: int
    total_labels: int
    tried_items: int
    failures: list[PreviewFailure]
    pictures: list[PreviewPicture]
    printed: PrintCounts
    notes: dict[str, int] = field(default_factory=dict[str, int])
    is_whole: bool = True


def preview(
    plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore, *, at_once: bool = False
) -> Preview:
    """Return the preview of a plan, which need not be stored. Raises InvalidRequest as a submission does.

    With `at_once`, that of more than `AT_ONCE_ROWS` entities is not whole, and does not take longer than that of so many.
    """
    version = catalogue.version()
    first, size = selected.beginning(catalogue, plan.selection, AT_ONCE_ROWS, version=version)
    chosen = first if at_once else plan.selection
    as_of = plan.submitted_at.astimezone(UTC).date()
    rows = list(selected.resolve(catalogue, chosen, version=version, limit=TRIED_ROWS, as_of=as_of))
    sheet = _sheet_plan(plan, catalogue, store, first, rows) if plan.has_labels else None
    is_whole = not at_once or size is not None
    total, printed = Size(0, 0), PrintCounts(0, 0, 0)
    if is_whole:
        if size is None or first != in_any_state(first):
            size = selected.size(catalogue, chosen, version=version)
        total = size
        printed = selected.print_counts(catalogue, chosen, version=version, total=total.entities)
    shown = (
        _symbols(plan, total, printed, rows) if sheet is None else _sheet(plan, sheet, total, printed, rows)
    )
    return replace(shown, is_whole=is_whole)


def _sheet_plan(
    plan: ExportPlan,
    catalogue: Catalogue,
    store: ArtefactStore,
    first: Selection,
    rows: Sequence[pl.DataFrame],
) -> SheetPlan | None:
    """Return the plan of the first page, laid out for these rows, None without rows. Raises InvalidRequest.

    If one of these rows has a label, so has the selection: it is not read to find out.
    """
    if rows:
        last = rows[-1].row(-1, named=True)
        tried, labels = last["row"] + 1, last["first_label"] + last["copies"]
        try:
            return plan_sheets(plan, template_of(plan, store), tried, lambda: iter(rows), labels=labels)
        except LabelError:
            require_possible(plan, catalogue, store, first)
            raise
    require_possible(plan, catalogue, store, first)
    return None


def _symbols(plan: ExportPlan, total: Size, printed: PrintCounts, rows: Iterable[pl.DataFrame]) -> Preview:
    failures: list[PreviewFailure] = []
    pictures: list[PreviewPicture] = []
    notes: Counter[str] = Counter()
    tried = 0
    for frame in rows:
        tried += frame.height
        drawn = symbol_files.draw(plan, frame, screen_dpi=_SCREEN_DPI)
        failures += _failures(drawn.errors)
        shown = drawn.symbols.head(PICTURES - len(pictures)).select("title", "text")
        pictures += map(_picture, drawn.files, *shown)
        notes.update(counts_by_code(drawn.symbols))
    return Preview(total.entities, total.labels, tried, failures, pictures, printed, dict(notes))


def _sheet(
    plan: ExportPlan, sheet: SheetPlan, total: Size, printed: PrintCounts, rows: Iterable[pl.DataFrame]
) -> Preview:
    batches = [sheet_pages.encode(plan, sheet, frame) for frame in rows]
    png = first_page(sheet, batches)
    failures = [failure for batch in batches for failure in _failures(batch.errors)]
    template = sheet.document.printed
    picture = PreviewPicture(
        png,
        f"First page on {template.id}",
        template.description,
        template.page_width_mm,
        template.page_height_mm,
    )
    notes: Counter[str] = Counter()
    for batch in batches:
        notes.update(counts_by_code(batch.symbols))
    return Preview(total.entities, total.labels, sheet.rows, failures, [picture], printed, dict(notes))


def first_label(page: PreviewPicture, sheet: SheetTemplate) -> PreviewPicture:
    """Return the first label of a picture of the sheet's page."""
    left, top = sheet.label_origin_mm(0)
    with Image.open(io.BytesIO(page.png)) as picture:
        across, down = picture.width / sheet.page_width_mm, picture.height / sheet.page_height_mm
        box = (
            left * across,
            top * down,
            (left + sheet.label_width_mm) * across,
            (top + sheet.label_height_mm) * down,
        )
        out = io.BytesIO()
        picture.crop(box).save(out, "PNG", optimize=True)
    return replace(page, png=out.getvalue(), width_mm=sheet.label_width_mm, height_mm=sheet.label_height_mm)


def _failures(errors: pl.DataFrame) -> list[PreviewFailure]:
    return [PreviewFailure(**row) for row in errors.drop("row").iter_rows(named=True)]


def _picture(png: bytes, title: str, description: str) -> PreviewPicture:
    with Image.open(io.BytesIO(png)) as picture:
        width, height = picture.size
        # Pillow gives back pHYs, which holds the real size, in dots per inch.
        dots_x, dots_y = picture.info["dpi"]
    return PreviewPicture(
        png,
        title,
        description,
        width / dots_x * MILLIMETRES_PER_INCH,
        height / dots_y * MILLIMETRES_PER_INCH,
    )
