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
from exports.requests.export_types import Slot
from exports.sheets.needs import LineMeasures, Measures, around, measure, measure_lines
from exports.sheets.solving import Solved, solve_layouts
from gs1.errors import LabelError, XDimensionOutOfRange
from renderers.fonts.subset import shown_characters
from renderers.fonts.visual_order import ELLIPSIS
from renderers.logos.logo import DotPicture
from renderers.sheets import cells
from renderers.sheets.document import Calibration, SheetDocument, require_on_page
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout, LogoBox, SheetTemplate, TextLine
from renderers.sheets.pdf import Bookmark, most_bookmarks
from renderers.symbol import ErrorCorrection

#: A fixed date, so that the same labels are the same bytes.
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)

_FRAME_ROWS = 50_000

#: What a sheet shows, and at which level, in the order tried.
_Choice = tuple[Slot, ErrorCorrection]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """How the manifest's rows are put on sheets: a layout for each kind of symbol there is, or for each pair of kinds.

    `second` is the linear symbol beside that of `slot`, None if labels have one symbol. The labels begin at cell
    `start_position`, counted from 1. There are `total_labels`; earlier releases did not store that, and made `copies` of
    each row.
    """

    document: SheetDocument
    layouts: tuple[LabelLayout, ...]
    slot: Slot
    level: ErrorCorrection
    rows: int
    copies: int
    start_position: int
    second: Slot | None = None
    total_labels: int | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The symbols of each label, in the order of the manifest."""
        return (self.slot,) if self.second is None else (self.slot, self.second)

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
            "second": None if self.second is None else self.second.value,
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

    The first choice that fits all labels is taken. If none does, the last square that fits some, which is the smallest;
    rectangles, only if no square does.
    Raises DoesNotFit or XDimensionOutOfRange if no choice fits any label, InvalidStartPosition, LeavesPage.
    """
    config = plan.config
    copies, start = config.copies or 1, config.start_position or 1
    pages = cells.page_count(template, start, rows * copies if labels is None else labels)
    require_on_page(template, calibration_of(plan))
    template = template.turned(config.rotate or 0)
    best: tuple[_Choice, Measures, Solved] | None = None
    refusal: LabelError | None = None
    design = plan.label_design
    lines = measure_lines(design, frames())
    second = None
    if plan.second_slot is not None:
        second = measure(plan.second_slot, "M", plan.resolver, frames(), plan.carry)
    for choice in choices(plan):
        measures = measure(*choice, plan.resolver, frames(), plan.carry)
        try:
            solved = solve_layouts(plan, template, measures, second, around(design, lines))
        except (DoesNotFit, XDimensionOutOfRange) as error:
            # The last refusal is about the smallest square, if there is one.
            refusal = refusal if refusal and _is_rectangular(choice) else error
            continue
        whole = solved.whole and measures.complete
        if best is None or whole or not _is_rectangular(choice):
            best = choice, measures, solved
        if whole:
            break
    if best is None:
        raise refusal or AllItemsFailed(rows)
    (slot, level), measures, solved = best
    drawn = [line for layout in solved.layouts for line in layout.lines]
    box = next((layout.logo for layout in solved.layouts if layout.logo), None)
    document = SheetDocument(
        template=template,
        dpi=plan.dpi,
        pages=max(1, pages),
        title=f"{plan.request.scope.value} on {template.id}",
        characters=_characters([measures, *([second] if second else [])], lines, drawn),
        created=_CREATED,
        calibration=calibration_of(plan),
        cut_marks=config.cut_marks is True,
        bold=any(line.bold for line in drawn),
        logo=_logo(plan, box),
        rotate=config.rotate or 0,
    )
    layouts = tuple(solved.layouts)
    return SheetPlan(document, layouts, slot, level, rows, copies, start, plan.second_slot, labels)


def _logo(plan: ExportPlan, box: LogoBox | None) -> str | DotPicture | None:
    """Return the design's logo as it is drawn on the labels, if they have it."""
    logo = plan.label_design.logo
    if logo is None or box is None:
        return None
    picture = logo.picture()
    draw = picture.dots if plan.is_roll else picture.operators
    return draw(box.width_dots, box.height_dots)


def _characters(
    measured: Iterable[Measures], lines: LineMeasures, drawn: Iterable[TextLine]
) -> tuple[str, ...]:
    """Return the units of all text on the labels, for the embedded font."""
    symbols = {character for measures in measured for character in measures.characters}
    of_lines = [lines.characters[line.number] for line in drawn if line.number is not None]
    return tuple(sorted(set(shown_characters([*symbols, ELLIPSIS])).union(*of_lines)))


def calibration_of(plan: ExportPlan) -> Calibration:
    """Return how the request moves the pages for its printer."""
    config = plan.config
    return Calibration(config.offset_x_mm or 0, config.offset_y_mm or 0, config.scale_percent or 100)


def choices(plan: ExportPlan) -> list[_Choice]:
    """Return slots and levels in the order tried.

    `auto` tries QR Code at levels M and L, then GS1 DataMatrix, square and then rectangular.
    """
    asked = plan.config.error_correction
    tried: list[_Choice] = []
    for slot in plan.label_slots:
        tried.append((slot, asked or "M"))
        if slot is Slot.QR and plan.symbology == "auto" and asked is None:
            tried.append((slot, "L"))
    return tried


def _is_rectangular(choice: _Choice) -> bool:
    slot, _ = choice
    return slot is Slot.DATAMATRIX_RECTANGULAR


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
    return documents.load(SheetPlan, _key(plan), store, upgrade=_upgrade)


def _upgrade(sheet: dict[str, Any]) -> None:
    """Change the plan of a job that a release before designs has begun: a layout's name is the design's only line."""
    for layout in sheet["layouts"]:
        if name := layout.pop("name", None):
            layout["lines"] = [{**name, "number": 0}]
        for line in (*layout["hri"], *layout.get("lines", ())):
            if not line.pop("centred", True):
                line["align"] = "left"


def _key(plan: ExportPlan) -> str:
    return f"{plan.folder}/sheet.json"
