"""Draws the pages of labels that begin within one chunk of the manifest, or its labels on a roll."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exports.artefacts import ArtefactStore
from exports.designs.document import Design
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.parts import Drawn, OnProgress
from exports.jobs.plan import ExportPlan
from exports.reports.csv_rows import csv_bytes
from exports.reports.rows import error_rows
from exports.sheets import reports
from exports.sheets.lines import shown, shows_name, with_lines
from exports.sheets.plan import SheetPlan
from exports.symbols import drawn as drawn_symbols
from exports.symbols import encoding
from exports.symbols.notes import counts_by_code
from exports.symbols.payloads import payloads
from exports.symbols.refusals import refusals
from gs1.errors import LabelError
from gs1.symbol_size import SymbolKind
from renderers.sheets.model import LabelLayout
from renderers.sheets.pdf import PdfFragmentWriter
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.symbol import SymbolGroup
from renderers.zpl.writer import ZplFragmentWriter

#: Labels drawn at once, copies included.
_BATCH_LABELS = 4_000


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
        drawn, failed = drawn + own.height // len(sheet.slots), failed + errors.height
        notes.update(counts_by_code(own))
        if isinstance(writer, ZplFragmentWriter):
            writer.add(one_each(sheet, batch), batch.copies.tolist())
        elif writer is not None:
            for first, last in _pages_at_once(sheet, batch, first_page, last_page):
                writer.add(labels_on(sheet, batch, first, last))
        on_progress(drawn, failed)
    return Drawn(None if writer is None else writer.close(), failed, dict(notes))


@dataclass(frozen=True, slots=True)
class EncodedGroup:
    """Symbols of one size and their layout. `labels` has what the label of each row of the batch shows there."""

    layout: LabelLayout
    symbols: SymbolGroup
    labels: pl.DataFrame


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Rows of the manifest from `first_row` on, encoded. The groups' positions are those of the rows.

    The rows have `copies` labels, and `first_label` labels come before.

    `symbols` has the symbols of rows that have a label, as `exports.symbols.drawn` describes it, and `errors` the other
    rows, with the columns of `errors.csv`.
    """

    first_row: int
    first_label: int
    copies: NDArray[np.int64]
    design: Design
    groups: list[EncodedGroup]
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
    refused: dict[int, LabelError] = {}
    for slot in sheet.slots:
        refused = refusals(slot, plan.resolver, plan.config.environment, rows, plan.carry) | refused
    carried = [payloads(slot, plan.resolver, rows, plan.carry) for slot in sheet.slots]
    found: list[list[tuple[LabelLayout, SymbolGroup]]] = []
    for at, each in enumerate(carried):
        partners = None if sheet.second is None else carried[1 - at]["kind"]
        found.append(list(_placed(plan, sheet, each, partners, refused)))
    tables: list[pl.DataFrame] = []
    groups: list[EncodedGroup] = []
    kept = [position for position in range(rows.height) if position not in refused]
    for at, (each, placed) in enumerate(zip(carried, found, strict=True)):
        labels = with_lines(each, plan.label_design, rows) if at == 0 else each
        sizes: list[tuple[NDArray[np.intp], Mapping[str, object]]] = []
        for layout, group in placed:
            named = any(shows_name(plan.label_design, line.number or 0) for line in layout.lines)
            size = group.modules_text, f"{layout.x_dimension_mm:.3f}", named
            sizes.append((group.positions, dict(zip(_SIZE, size, strict=True))))
            groups += [EncodedGroup(layout, whole, labels) for whole in _without(refused, group)]
        table = drawn_symbols.symbols(rows, each, drawn_symbols.sizes(rows.height, sizes, _SIZE))
        table = table.with_columns(
            reports.places(plan, sheet, rows), *reports.notes(sheet, rows["product_name"])
        )
        tables.append(table[kept])
    symbols = tables[0] if sheet.second is None else pl.concat(tables, how="diagonal")
    if sheet.second is not None:
        symbols = symbols.sort("row", maintain_order=True)
    return LabelBatch(
        rows.item(0, "row"),
        rows.item(0, "first_label"),
        rows["copies"].to_numpy(),
        plan.label_design,
        groups,
        symbols,
        error_rows(rows, refused),
    )


def _placed(
    plan: ExportPlan,
    sheet: SheetPlan,
    carried: pl.DataFrame,
    partners: pl.Series | None,
    refused: dict[int, LabelError],
) -> Iterator[tuple[LabelLayout, SymbolGroup]]:
    """Yield the symbols of one slot with their layouts. Rows whose symbol has none are added to `refused`.

    `partners` are the kinds of the other symbols on the labels.
    """
    layout_of = {(layout.kind, layout.partner): layout for layout in sheet.layouts}
    for kind, group in encoding.groups(carried, refused, sheet.level, plan.engine):
        for partner, part in _by_partner(group, partners):
            layout = layout_of.get((kind, partner))
            if layout is None or part.width_x > layout.box_width_x:
                error = reports.refusal(plan, sheet, kind, part, layout)
                for position in part.positions.tolist():
                    refused.setdefault(position, error)
            else:
                yield layout, part


def _by_partner(
    group: SymbolGroup, partners: pl.Series | None
) -> Iterator[tuple[SymbolKind | None, SymbolGroup]]:
    """Yield the group in parts, by the kind of the other symbol on the label."""
    if partners is None:
        yield None, group
        return
    kinds = partners.gather(group.positions)
    for kind in kinds.unique().sort():
        yield SymbolKind(kind), group.only(np.flatnonzero((kinds == kind).to_numpy()))


def _without(refused: Mapping[int, LabelError], group: SymbolGroup) -> list[SymbolGroup]:
    """Return the group without rows that were refused for their other symbol, nothing if none is left."""
    kept = np.array([position not in refused for position in group.positions.tolist()], np.bool_)
    if kept.all():
        return [group]
    return [group.only(np.flatnonzero(kept))] if kept.any() else []


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
    for group in batch.groups:
        layout, symbols = group.layout, group.symbols
        each = counts[symbols.positions]
        of_label = np.repeat(np.arange(len(each)), each)
        if not of_label.size:
            continue
        within = np.arange(of_label.size) - np.repeat(np.cumsum(each) - each, each)
        places = befores[symbols.positions[of_label]] + within
        own = group.labels[symbols.positions[of_label]]
        groups.append(
            LabelGroup(
                layout=layout,
                symbols=replace(symbols.only(of_label), positions=places),
                hri=[shown(line, batch.design, own).to_list() for line in layout.hri],
                lines=[shown(line, batch.design, own).to_list() for line in layout.lines],
                data=own["data"].to_list(),
            )
        )
    return SheetLabels(np.arange(first, stop, dtype=np.intp), groups)
