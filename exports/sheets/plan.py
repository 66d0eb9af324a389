"""The plan of a job's sheets: template, layouts, font and pages, solved once before any page is drawn."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from exports import documents
from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import SHEET_SLOTS, Slot
from exports.sheets.needs import Measures, SymbolExtent, measure
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment
from renderers.fonts.subset import max_width_1pt_mm, shown_characters
from renderers.sheets import cells, label_layout
from renderers.sheets.document import Calibration, SheetDocument, require_on_page
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout, SheetTemplate
from renderers.sheets.pdf import Bookmark, most_bookmarks
from renderers.symbol import ErrorCorrection

#: A fixed date, so that the same labels are the same bytes.
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)

#: Shares of the longest name's width that are tried in turn. Longer names are shortened.
_NAME_SHARES = (1.0, 0.7, 0.5, 0.35)

_ELLIPSIS = "…"

_FRAME_ROWS = 50_000

#: What a sheet shows, and at which level, in the order tried.
_Choice = tuple[Slot, ErrorCorrection]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """How the manifest's rows are put on sheets: a layout for each kind of symbol there is.

    Their labels begin at cell `start_position`, counted from 1. There are `total_labels`; earlier releases did not store
    that, and made `copies` of each row.
    """

    document: SheetDocument
    layouts: tuple[LabelLayout, ...]
    slot: Slot
    level: ErrorCorrection
    rows: int
    copies: int
    start_position: int
    total_labels: int | None = None

    @property
    def template(self) -> SheetTemplate:
        return self.document.template

    @property
    def labels(self) -> int:
        return self.rows * self.copies if self.total_labels is None else self.total_labels

    @property
    def next_position(self) -> int:
        return cells.first_free_position(self.template, self.start_position, self.labels)

    def cell(self, label: int) -> int:
        """Return the place of a label, both counted from 0, over all pages."""
        return self.start_position - 1 + label

    def pages_of(self, first_label: int, stop_label: int) -> tuple[int, int]:
        """Return the pages [first, last) that a chunk with these labels draws: those that begin within it.

        The first chunk begins with page 0, the last one ends with the document, so every page is drawn once.
        """
        per_page = self.template.labels_per_page
        first = 0 if first_label == 0 else -(-self.cell(first_label) // per_page)
        last = self.document.pages if stop_label == self.labels else -(-self.cell(stop_label) // per_page)
        return first, last

    def rows_of(self, chunk: Chunk, stop_label: int) -> Chunk:
        """Return the rows that a chunk has to read: its own, and as many as may fill its last page, one label each."""
        filling = -self.cell(stop_label) % self.template.labels_per_page
        return Chunk(chunk.start, min(self.rows, chunk.stop + filling))

    def to_document(self) -> dict[str, Any]:
        return {
            "document": self.document.to_dict(),
            "layouts": [asdict(layout) for layout in self.layouts],
            "slot": self.slot.value,
            "level": self.level,
            "rows": self.rows,
            "copies": self.copies,
            "start_position": self.start_position,
            "total_labels": self.total_labels,
        }


def solve(plan: ExportPlan, template: SheetTemplate, manifest: Manifest, store: ArtefactStore) -> SheetPlan:
    """Return the sheets' plan, and store it; a second call returns what the first stored.

    Raises DoesNotFit where not one label of the job fits the template, InvalidStartPosition, LeavesPage.
    """
    key = _key(plan)
    if store.exists(key):
        return load(plan, store)

    def frames() -> Iterator[pl.DataFrame]:
        return manifests.read_rows(plan, store, Chunk(0, manifest.rows), _FRAME_ROWS)

    solved = plan_sheets(plan, template, manifest.rows, frames, labels=manifests.label_count(plan, manifest))
    store.write_json(key, documents.versioned(solved.to_document()))
    return solved


def plan_sheets(
    plan: ExportPlan,
    template: SheetTemplate,
    rows: int,
    frames: Callable[[], Iterator[pl.DataFrame]],
    *,
    labels: int | None = None,
) -> SheetPlan:
    """Return the plan of sheets with `rows` rows. Every call of `frames` yields them anew.

    The rows have so many labels, by default `copies` each.

    The first choice that fits all labels is taken. If none does, the last one that fits some, which is the smallest.
    Raises DoesNotFit or XDimensionOutOfRange if no choice fits any label, InvalidStartPosition, LeavesPage.
    """
    config = plan.config
    copies, start = config.copies or 1, config.start_position or 1
    pages = cells.page_count(template, start, rows * copies if labels is None else labels)
    require_on_page(template, calibration_of(plan))
    template = template.turned(config.rotate or 0)
    best: tuple[_Choice, Measures, _Solved] | None = None
    refusal: LabelError | None = None
    for choice in choices(plan):
        measures = measure(*choice, plan.resolver, frames())
        try:
            solved = _layouts(plan, template, measures)
        except (DoesNotFit, XDimensionOutOfRange) as error:
            # The last refusal is about the smallest symbol.
            refusal = error
            continue
        best = choice, measures, solved
        if solved.whole:
            break
    if best is None:
        raise refusal or AllItemsFailed(rows)
    (slot, level), measures, solved = best
    names = measures.names if any(layout.name for layout in solved.layouts) else set[str]()
    document = SheetDocument(
        template=template,
        dpi=plan.dpi,
        pages=max(1, pages),
        title=f"{plan.request.scope.value} on {template.id}",
        characters=shown_characters([*measures.characters, *names, _ELLIPSIS]),
        created=_CREATED,
        calibration=calibration_of(plan),
        cut_marks=config.cut_marks is True,
        rotate=config.rotate or 0,
    )
    return SheetPlan(document, tuple(solved.layouts), slot, level, rows, copies, start, total_labels=labels)


def calibration_of(plan: ExportPlan) -> Calibration:
    """Return how the request moves the pages for its printer."""
    config = plan.config
    return Calibration(config.offset_x_mm or 0, config.offset_y_mm or 0, config.scale_percent or 100)


def choices(plan: ExportPlan) -> list[_Choice]:
    """Return slots and levels in the order tried. `auto` tries QR Code at level L before GS1 DataMatrix."""
    asked = plan.config.error_correction
    tried: list[_Choice] = []
    symbology = plan.config.symbology or "auto"
    for slot in SHEET_SLOTS[symbology]:
        tried.append((slot, asked or "M"))
        if slot is Slot.QR and symbology == "auto" and asked is None:
            tried.append((slot, "L"))
    return tried


@dataclass(frozen=True, slots=True)
class _Solved:
    """A layout for each kind of symbol. `whole` is true if every label of the job fits."""

    layouts: list[LabelLayout]
    whole: bool


def _layouts(plan: ExportPlan, template: SheetTemplate, measures: Measures) -> _Solved:
    """Return layouts for as many labels as possible.

    Raises DoesNotFit if no label fits, XDimensionOutOfRange if no X suits any.
    """
    found: list[LabelLayout] = []
    whole = True
    refusal: LabelError | None = None
    for kind in measures.kinds:
        for size in measures.sizes(kind):
            try:
                found.append(_with_name(plan, template, measures, size))
                break
            except (DoesNotFit, XDimensionOutOfRange) as error:
                refusal, whole = error, False
    if refusal is not None and not found:
        raise refusal
    return _Solved(found, whole)


def _with_name(
    plan: ExportPlan, template: SheetTemplate, measures: Measures, size: SymbolExtent
) -> LabelLayout:
    """Return the layout with as much of the longest product name as there is room for. Raises DoesNotFit."""
    widest = max_width_1pt_mm(sorted(measures.names)) if measures.names else None
    solved = _solve(plan, template, measures, size, widest)
    for share in _NAME_SHARES[1:]:
        if widest is None or solved.name is not None:
            break
        solved = _solve(plan, template, measures, size, widest * share)
    return solved


def _solve(
    plan: ExportPlan,
    template: SheetTemplate,
    measures: Measures,
    size: SymbolExtent,
    name_width_1pt_mm: float | None,
) -> LabelLayout:
    config = plan.config
    return label_layout.solve(
        template,
        size.kind,
        measures.needs(size, name_width_1pt_mm),
        environment=config.environment or Environment.RETAIL,
        dpi=plan.dpi,
        module_size_mm=config.module_size_mm,
    )


@dataclass(frozen=True, slots=True)
class ProductBookmarks:
    """A bookmark for each product, at the page of its first label; they are read from the manifest one by one."""

    sheet: SheetPlan
    frames: Callable[[], Iterable[pl.DataFrame]]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Bookmark]:
        per_page = self.sheet.template.labels_per_page
        for firsts in _firsts_of_products(self.frames()) if self.count else ():
            for label, gtin, name in firsts.select("first_label", "gtin14", "product_name").iter_rows():
                yield Bookmark(f"{name} ({gtin})" if name else gtin, self.sheet.cell(label) // per_page)


def bookmarks(sheet: SheetPlan, frames: Callable[[], Iterable[pl.DataFrame]]) -> ProductBookmarks:
    """Return the bookmarks of rows that `frames` yields as often as it is called, in order of GTIN.

    There are none where a PDF cannot hold one for each product.
    """
    count = sum(firsts.height for firsts in _firsts_of_products(frames()))
    return ProductBookmarks(sheet, frames, count if count <= most_bookmarks(sheet.document) else 0)


def _firsts_of_products(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the first row of each product."""
    previous: str | None = None
    for frame in frames:
        gtins = pl.col("gtin14")
        yield frame.filter(gtins != gtins.shift(1, fill_value=previous or ""))
        previous = frame["gtin14"][-1] if frame.height else previous


def load(plan: ExportPlan, store: ArtefactStore) -> SheetPlan:
    return documents.load(SheetPlan, _key(plan), store)


def _key(plan: ExportPlan) -> str:
    return f"{plan.folder}/sheet.json"
