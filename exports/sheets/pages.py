"""Draws the pages of labels that begin within one chunk of the manifest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import BinaryIO, NamedTuple
from unicodedata import normalize

import numpy as np
import polars as pl

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.parts import Drawn, OnProgress
from exports.jobs.plan import ExportPlan
from exports.reports.csv_rows import csv_bytes
from exports.reports.rows import ErrorRow, ManifestRow
from exports.sheets.needs import elements_of, without_font
from exports.sheets.plan import SheetPlan
from exports.symbols.notes import Note, NoteCode, counts_by_code, note_text
from exports.symbols.payloads import Payload, Row, payload_maker
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind
from renderers.fonts.subset import width_mm
from renderers.registry import encoders
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout, TextLine
from renderers.sheets.pdf import PdfFragmentWriter
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.symbol import BarSymbols, SymbolGroup
from renderers.whole_dots import WholeDots

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

    The cells of a failed entity stay empty, so every label's place is known in advance.
    """
    first_page, last_page = sheet.pages_of(chunk)
    writer = (
        PdfFragmentWriter(sheet.document, pages, first_page, last_page) if first_page < last_page else None
    )
    drawn = failed = 0
    notes: Counter[str] = Counter()
    for batch in batches(plan, sheet, store, sheet.rows_of(chunk)):
        decision.require_not_cancelled(plan.job_id, store)
        own = [row for row in batch.manifest_rows if row.row <= chunk.stop]
        own_errors = [row for row in batch.error_rows if row.row <= chunk.stop]
        manifest_csv.write(csv_bytes(own))
        errors_csv.write(csv_bytes(own_errors))
        drawn, failed = drawn + len(own), failed + len(own_errors)
        notes.update(counts_by_code(batch.notes[: len(own)]))
        if writer is not None:
            writer.add(labels_on(sheet, batch, first_page, last_page))
        on_progress(drawn, failed)
    return Drawn(None if writer is None else writer.close(), failed, dict(notes))


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Rows of the manifest, encoded: `symbols` are groups with the layout of their kind.

    The groups' positions are indexes into `rows`, and so are the keys of `payloads`: rows that failed have none.
    """

    first_row: int
    rows: list[Row]
    payloads: dict[int, Payload]
    symbols: list[tuple[LabelLayout, SymbolGroup]] = field(
        default_factory=list[tuple[LabelLayout, SymbolGroup]]
    )
    manifest_rows: list[ManifestRow] = field(default_factory=list[ManifestRow])
    error_rows: list[ErrorRow] = field(default_factory=list[ErrorRow])
    notes: list[tuple[Note, ...]] = field(default_factory=list[tuple[Note, ...]])


class _Size(NamedTuple):
    """What the manifest says of a symbol's size, and whether the product's name is beside it."""

    modules: str
    x_dimension_mm: str
    named: bool


def batches(plan: ExportPlan, sheet: SheetPlan, store: ArtefactStore, rows: Chunk) -> Iterator[LabelBatch]:
    """Yield the rows in batches of few enough labels to hold in memory, each encoded."""
    size = max(1, _BATCH_LABELS // sheet.copies)
    for frame in manifests.read_rows(plan, store, rows, size):
        yield encode(plan, sheet, frame)


def encode(plan: ExportPlan, sheet: SheetPlan, frame: pl.DataFrame) -> LabelBatch:
    """Return the frame's rows with their symbols; one that fits no label is an error row."""
    rows: list[Row] = list(frame.iter_rows(named=True))
    make = payload_maker(sheet.slot, plan.resolver, plan.config.environment)
    payloads: dict[int, Payload] = {}
    refused: dict[int, LabelError] = {}
    for position, row in enumerate(rows):
        try:
            payloads[position] = make(row)
        except LabelError as error:
            refused[position] = error
    layout_of = {layout.kind: layout for layout in sheet.layouts}
    symbols: list[tuple[LabelLayout, SymbolGroup]] = []
    size_of: dict[int, _Size] = {}
    for kind in sorted({payload.kind for payload in payloads.values()}):
        positions = [position for position, payload in payloads.items() if payload.kind is kind]
        encoded = encoders(plan.engine)[kind]([payloads[p].data for p in positions], sheet.level)
        refused |= {positions[index]: error for index, error in encoded.refused.items()}
        for group in encoded.groups:
            members = [positions[index] for index in group.positions.tolist()]
            layout = layout_of.get(kind)
            if layout is None or group.width_x > layout.box_width_x:
                refused |= dict.fromkeys(members, _refusal(plan, sheet, kind, group, layout))
                continue
            symbols.append((layout, replace(group, positions=np.array(members, np.intp))))
            size = _Size(f"{group.width_x:g}", f"{layout.x_dimension_mm:.3f}", layout.name is not None)
            size_of |= dict.fromkeys(members, size)
    for position in refused:
        payloads.pop(position, None)
    batch = LabelBatch(int(rows[0]["row"]), rows, payloads, symbols)
    scale_percent = sheet.document.calibration.scale_percent
    scaled = () if scale_percent == 100 else (Note(NoteCode.SCALED, f"{scale_percent:g}"),)
    for position, row in enumerate(rows):
        identity = (row["entity_id"], row["gtin14"], row["lot_number"], row["serial_number"])
        if (error := refused.get(position)) is not None:
            batch.error_rows.append(ErrorRow(row["row"] + 1, *identity, error.code, str(error)))
            continue
        payload, size = payloads[position], size_of[position]
        notes = payload.notes + (_name_notes(row["product_name"]) if size.named else ()) + scaled
        batch.notes.append(notes)
        batch.manifest_rows.append(
            ManifestRow(
                row["row"] + 1,
                _place(sheet, row["row"]),
                row["scope"],
                *identity,
                row["expiry"],
                payload.kind.value,
                payload.text,
                size.modules,
                size.x_dimension_mm,
                note_text(notes),
                payload.message,
            )
        )
    return batch


def labels_on(sheet: SheetPlan, batch: LabelBatch, first_page: int, last_page: int) -> SheetLabels:
    """Return the labels of a batch, every copy one, that stand on the pages [first, last)."""
    copies, per_page = sheet.copies, sheet.template.labels_per_page
    cells = sheet.first_cell(batch.first_row) + np.arange(len(batch.rows) * copies, dtype=np.intp)
    here = (cells >= first_page * per_page) & (cells < last_page * per_page)
    kept = np.flatnonzero(here)
    # Where each label of the batch is among those kept; the others are not asked for.
    place = np.cumsum(here) - 1
    groups: list[LabelGroup] = []
    for layout, symbols in batch.symbols:
        labels = (symbols.positions[:, None] * copies + np.arange(copies)).ravel()
        chosen = np.flatnonzero(here[labels])
        if not chosen.size:
            continue
        of_label = chosen // copies
        positions = symbols.positions[of_label].tolist()
        elements = [elements_of(batch.payloads[position]) for position in positions]
        groups.append(
            LabelGroup(
                layout=layout,
                symbols=replace(symbols.only(of_label), positions=place[labels[chosen]]),
                hri=[_texts(line, elements) for line in layout.hri],
                names=[] if layout.name is None else _names(layout.name, batch, positions),
            )
        )
    return SheetLabels(cells[kept], groups)


def _texts(line: TextLine, elements: Sequence[Mapping[str, str]]) -> list[str]:
    """Return one line of each label's human-readable text: the elements that have their place on it."""
    return ["".join([each.get(ai, "") for ai in line.ais]) for each in elements]


def _names(line: TextLine, batch: LabelBatch, positions: Sequence[int]) -> list[str]:
    names = [batch.rows[position]["product_name"] or "" for position in positions]
    fitted = {name: fitted_name(name, line) for name in set(names)}
    return [fitted[name] for name in names]


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


def _place(sheet: SheetPlan, row: int) -> str:
    """Return where the entity's first label is, as people count: pages and labels from 1."""
    page, cell = divmod(sheet.first_cell(row), sheet.template.labels_per_page)
    return f"page {page + 1} label {cell + 1}"


@lru_cache(maxsize=1024)
def _name_notes(name: str | None) -> tuple[Note, ...]:
    absent = without_font(name or "")
    return (Note(NoteCode.NO_FONT, " ".join(sorted(map(ascii, absent)))),) if absent else ()


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
