"""Draws the pages of labels that begin within one chunk of the manifest, or its labels on a roll."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import BinaryIO
from unicodedata import normalize

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.parts import Drawn, OnProgress
from exports.jobs.plan import ExportPlan
from exports.reports.csv_rows import csv_bytes
from exports.reports.rows import error_rows
from exports.sheets.needs import without_font
from exports.sheets.plan import SheetPlan
from exports.symbols import drawn as drawn_symbols
from exports.symbols import encoding
from exports.symbols.notes import NOTES, NoteCode, counts_by_code
from exports.symbols.payloads import payloads
from exports.symbols.refusals import refusals
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind
from renderers.fonts.subset import width_mm
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout, TextLine
from renderers.sheets.pdf import PdfFragmentWriter
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.symbol import BarSymbols, SymbolGroup
from renderers.whole_dots import WholeDots
from renderers.zpl.writer import ZplFragmentWriter

#: Labels drawn at once, copies included.
_BATCH_LABELS = 4_000

_ELLIPSIS = "…"


def draw(
    plan: ExportPlan,
    sheet: SheetPlan,
    chunk: Chunk,
    store: ArtefactStore,
    on_progress: OnProgress,
    *,
    pages: BinaryIO,
    manifest_csv: BinaryIO,
    errors_csv: BinaryIO,
) -> Drawn:
    """Write the chunk's pages and the CSV rows of its entities.

    There is no fragment if no page begins within the chunk. Raises ExportCancelled.

    On sheets the cells of a failed entity stay empty, so every label's place is known in advance. On a roll it has no
    label, and a label's commands tell the printer how many copies to make.
    """
    first_label, stop_label = (
        sheet.labels if row == sheet.rows else manifests.first_label(plan, store, row)
        for row in (chunk.start, chunk.stop)
    )
    first_page, last_page = sheet.pages_of(first_label, stop_label)
    writer: PdfFragmentWriter | ZplFragmentWriter | None = None
    if plan.is_roll:
        writer = ZplFragmentWriter(sheet.document, pages)
    elif first_page < last_page:
        writer = PdfFragmentWriter(sheet.document, pages, first_page, last_page)
    drawn = failed = 0
    notes: Counter[str] = Counter()
    for batch in batches(plan, sheet, store, sheet.rows_of(chunk, stop_label)):
        decision.require_not_cancelled(plan.job_id, store)
        # The rows that fill the last page are told by the chunk they are in.
        own, errors = (table.filter(pl.col("row") <= chunk.stop) for table in (batch.symbols, batch.errors))
        manifest_csv.write(csv_bytes(drawn_symbols.manifest_rows(own)))
        errors_csv.write(csv_bytes(errors))
        drawn, failed = drawn + own.height, failed + errors.height
        notes.update(counts_by_code(own))
        if isinstance(writer, ZplFragmentWriter):
            writer.add(one_each(sheet, batch), batch.copies.tolist())
        elif writer is not None:
            for first, last in _pages_at_once(sheet, batch, first_page, last_page):
                writer.add(labels_on(sheet, batch, first, last))
        on_progress(drawn, failed)
    return Drawn(None if writer is None else writer.close(), failed, dict(notes))


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Rows of the manifest, encoded: `groups` are symbols of one size with the layout of their kind.

    Rows and labels before these are counted by `first_row` and `first_label`. The rows have `copies` labels. The groups' positions are those of `labels`, which has what every row's label carries and the product's name.
    `symbols` has the rows that have a symbol, as `exports.symbols.drawn` describes it, and `errors` the others, with
    the columns of `errors.csv`.
    """

    first_row: int
    first_label: int
    copies: NDArray[np.int64]
    labels: pl.DataFrame
    groups: list[tuple[LabelLayout, SymbolGroup]]
    symbols: pl.DataFrame
    errors: pl.DataFrame


#: What the manifest says of a symbol's size, and whether the product's name is beside it.
_SIZE = pl.Schema({"modules": pl.String(), "x_dimension_mm": pl.String(), "named": pl.Boolean()})


def batches(plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore, rows: Chunk) -> Iterator[LabelBatch]:
    """Yield the rows in batches of about as many labels as are drawn at once, each encoded.

    On a roll a row's labels are drawn once.
    """
    for frame in manifests.read_rows(plan, store, rows, _BATCH_LABELS):
        before = frame["row" if plan.is_roll else "first_label"].to_numpy()
        cuts = np.flatnonzero(np.diff((before - before[0]) // _BATCH_LABELS, prepend=-1))
        for start, stop in pairwise([*cuts.tolist(), frame.height]):
            yield encode(plan, sheet, frame.slice(start, stop - start))


def encode(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame) -> LabelBatch:
    """Return the manifest's rows with their symbols; one that fits no label is an error row."""
    refused = refusals(sheet.slot, plan.resolver, plan.config.environment, rows)
    carried = payloads(sheet.slot, plan.resolver, rows)
    layout_of = {layout.kind: layout for layout in sheet.layouts}
    groups: list[tuple[LabelLayout, SymbolGroup]] = []
    sizes: list[tuple[NDArray[np.intp], Mapping[str, object]]] = []
    for kind, group in encoding.groups(carried, refused, sheet.level, plan.engine):
        layout = layout_of.get(kind)
        if layout is None or group.width_x > layout.box_width_x:
            refused |= dict.fromkeys(group.positions.tolist(), _refusal(plan, sheet, kind, group, layout))
            continue
        groups.append((layout, group))
        size = f"{group.width_x:g}", f"{layout.x_dimension_mm:.3f}", layout.name is not None
        sizes.append((group.positions, dict(zip(_SIZE, size, strict=True))))
    symbols = drawn_symbols.symbols(rows, carried, drawn_symbols.sizes(rows.height, sizes, _SIZE))
    symbols = symbols.with_columns(_places(plan, sheet, rows), *_notes(sheet, rows["product_name"]))
    return LabelBatch(
        rows.item(0, "row"),
        rows.item(0, "first_label"),
        rows["copies"].to_numpy(),
        carried.with_columns(rows["product_name"]),
        groups,
        symbols[[position for position in range(rows.height) if position not in refused]],
        error_rows(rows, refused),
    )


def _places(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame) -> pl.Series:
    """Return where each entity's first label is, as people count: pages and labels from 1.

    Labels on a roll are called by their row, because failed entities have none.
    """
    if plan.is_roll:
        return rows.select(file=pl.format("label {}", 1 + pl.col("row"))).to_series()
    cell, per_page = sheet.cell(0) + pl.col("first_label"), sheet.template.labels_per_page
    places = rows.select(file=pl.format("page {} label {}", 1 + cell // per_page, 1 + cell % per_page))
    return places.to_series()


def _notes(sheet: SheetPlan, names: pl.Series) -> Iterator[pl.Expr]:
    scale_percent = sheet.document.calibration.scale_percent
    if scale_percent != 100:
        yield pl.lit(NOTES[NoteCode.SCALED].format(f"{scale_percent:g}")).alias(NoteCode.SCALED.value)
    absent = {name: _absent(name) for name in names.unique().drop_nulls()}
    texts = {name: NOTES[NoteCode.NO_FONT].format(found) for name, found in absent.items() if found}
    if texts:
        told = names.replace_strict(texts, default=None, return_dtype=pl.String)
        yield pl.when(pl.col("named")).then(pl.lit(told)).alias(NoteCode.NO_FONT.value)


def _pages_at_once(
    sheet: SheetPlan, batch: LabelBatch, first_page: int, last_page: int
) -> Iterator[tuple[int, int]]:
    """Yield the pages [first, last) of the batch that are in this range, as many at once as a usual batch is on."""
    per_page = sheet.template.labels_per_page
    size = _BATCH_LABELS // per_page + 2
    first = max(first_page, sheet.cell(batch.first_label) // per_page)
    last = min(last_page, -(-sheet.cell(batch.first_label + int(batch.copies.sum())) // per_page))
    for page in range(first, last, size):
        yield page, min(page + size, last)


def one_each(sheet: SheetPlan, batch: LabelBatch) -> SheetLabels:
    """Return one label of each row of a batch, at the place of the row."""
    rows = len(batch.copies)
    single = replace(batch, first_label=batch.first_row, copies=np.ones(rows, np.int64))
    return labels_on(sheet, single, batch.first_row, batch.first_row + rows)


def labels_on(sheet: SheetPlan, batch: LabelBatch, first_page: int, last_page: int) -> SheetLabels:
    """Return the labels of a batch, every copy one, that stand on the pages [first, last)."""
    per_page = sheet.template.labels_per_page
    stops = sheet.cell(batch.first_label) + np.cumsum(batch.copies)
    starts = stops - batch.copies
    first, stop = max(starts[0], first_page * per_page), min(stops[-1], last_page * per_page)
    # The part of each row's labels that is here, counted from the first of all.
    befores = np.clip(starts, first, stop) - first
    counts = np.clip(stops, first, stop) - first - befores
    groups: list[LabelGroup] = []
    for layout, symbols in batch.groups:
        each = counts[symbols.positions]
        of_label = np.repeat(np.arange(len(each)), each)
        if not of_label.size:
            continue
        within = np.arange(of_label.size) - np.repeat(np.cumsum(each) - each, each)
        places = befores[symbols.positions[of_label]] + within
        shown = batch.labels[symbols.positions[of_label]]
        groups.append(
            LabelGroup(
                layout=layout,
                symbols=replace(symbols.only(of_label), positions=places),
                hri=[shown.select(line_text(line, shown)).to_series().to_list() for line in layout.hri],
                names=[]
                if layout.name is None
                else fitted_names(layout.name, shown["product_name"]).to_list(),
                data=shown["data"].to_list(),
            )
        )
    return SheetLabels(np.arange(first, stop, dtype=np.intp), groups)


def line_text(line: TextLine, labels: pl.DataFrame) -> pl.Expr:
    """Return a line of each label's human-readable text: the elements that have their place on it."""
    return pl.concat_str([pl.lit(""), *(ai for ai in line.ais if ai in labels.columns)], ignore_nulls=True)


def fitted_names(line: TextLine, names: pl.Series) -> pl.Series:
    """Return each name as `fitted_name` does, the empty text for absent ones."""
    fitted = {name: fitted_name(name, line) for name in names.unique().drop_nulls()}
    return names.replace_strict(fitted, default="", return_dtype=pl.String)


def fitted_name(name: str, line: TextLine) -> str:
    """Return the name, or as much of it as the line has room for and an ellipsis; nothing if no font has it all."""
    if without_font(name):
        return ""
    if width_mm(name, line.size_pt) <= line.width_mm:
        return name
    # The document's font has the characters of composed text.
    name = normalize("NFC", name)
    kept = len(name)
    while kept and width_mm(name[:kept].rstrip() + _ELLIPSIS, line.size_pt) > line.width_mm:
        kept -= 1
    return name[:kept].rstrip() + _ELLIPSIS if kept else ""


@lru_cache(maxsize=1024)
def _absent(name: str) -> str:
    """Return the characters of a name that no font has, as text for people."""
    return " ".join(sorted(map(ascii, without_font(name))))


def _refusal(
    plan: ExportPlan, sheet: SheetPlan, kind: SymbolKind, group: SymbolGroup, layout: LabelLayout | None
) -> LabelError:
    """Return why symbols have no label: no X suits their kind, or they are too large."""
    template = sheet.template
    units = group.units_per_x if isinstance(group, BarSymbols) else 1
    try:
        WholeDots(kind, plan.config.environment or Environment.RETAIL, plan.dpi, units).nearest(
            plan.config.module_size_mm
        )
    except XDimensionOutOfRange as error:
        return error
    room = 0.0 if layout is None else layout.box_width_x
    width_mm_needed = group.width_x * (layout.x_dimension_mm if layout else 0.0)
    return DoesNotFit(
        f"{kind} of {group.width_x:g} X does not fit a label of {template.id}, where {room:g} X is the most "
        "that leaves room for the text",
        needed_mm=(width_mm_needed, width_mm_needed),
        available_mm=(template.label_width_mm, template.label_height_mm),
    )
