"""Checks a finished ZPL file before it is published: reads every label, and looks at a sample as it is printed."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import roll_label, sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.formats import zpl_file
from exports.verification.formats.zpl_file import Label
from exports.verification.tables import Entities, Tables
from renderers.zpl.writer import CorruptZpl, ZplSummary

_FRAME_ROWS = 5_000

#: Entities between two looks at whether the job was cancelled.
_CANCEL_EVERY = 50

# Pictures end with whole bytes: white that is no part of them.
_PADDING_DOTS = 7


class _Found(NamedTuple):
    """What was read in the file: the reports, the labels of sampled entities by their number, from 1, and how many are printed."""

    tables: Tables
    labels: dict[int, Label]
    printed: int


def checks(
    summary: ZplSummary,
    plan: ExportPlan,
    sheet: SheetPlan,
    entities: Entities,
    store: ArtefactStore,
    path: Path,
) -> Checks:
    """Yield what is to be checked of a ZPL file with the labels of these entities.

    Raises CorruptZpl, SymbolDoesNotDecode, CountsDisagree, ExportCancelled.
    """
    frame = sample.rows(plan, store, Chunk(0, entities.total), entities.total, 1)
    found: list[_Found] = []

    def whole() -> Facts:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != summary.sha256:
            raise CorruptZpl("The file is not what was joined", value=digest, expected=summary.sha256)
        return {"bytes": path.stat().st_size}

    def counts() -> Facts:
        told = tables.read(plan.job_id, store, (frame["row"] + 1).to_list(), 1)
        tables.require_counts(told, entities.processed, entities.failed + entities.unmatched)
        found.append(_Found(told, *_read_all(path, plan, sheet, entities, told, store)))
        return {"entities": entities.processed, "labels": found[0].printed}

    def decoded() -> Facts:
        ((told, labels, printed),) = found
        return {
            "decoded": _require_sample(plan, sheet, frame, told, labels, store),
            "labels": printed,
        }

    yield Check.WHOLE, whole
    yield Check.COUNTS, counts
    yield Check.SAMPLE, decoded


def _read_all(
    path: Path, plan: ExportPlan, sheet: SheetPlan, entities: Entities, told: Tables, store: ArtefactStore
) -> tuple[dict[int, Label], int]:
    """Return the labels of the entities in `told`, and how many all entities have.

    Raises CountsDisagree unless there is a label for each entity that did not fail, in order, and SymbolDoesNotDecode
    where a label's data, text, copies or size are not what they must be, or something is beside the label.
    """
    failed = pl.Series(told.failed_rows, dtype=pl.Int64) - 1
    kept: dict[int, Label] = {}
    printed = 0
    with path.open(encoding="ascii") as file:
        for frame in manifests.read_rows(plan, store, Chunk(0, entities.total), _FRAME_ROWS):
            decision.require_not_cancelled(plan.job_id, store)
            rows = frame.filter(~pl.col("row").is_in(failed.implode())) if failed.len() else frame
            labels = [zpl_file.read(line) for line in islice(file, rows.height)]
            numbers = (rows["row"] + 1).to_list()
            _require_numbers(labels, numbers)
            _require_forms(sheet, labels, rows["copies"].to_list())
            printed += int(rows["copies"].sum())
            _require_data(sheet, rows, labels)
            kept |= {
                number: label for number, label in zip(numbers, labels, strict=True) if number in told.drawn
            }
        if rest := sum(1 for _ in file):
            raise CountsDisagree("labels", entities.processed + rest, entities.processed)
    return kept, printed


def _require_numbers(labels: Sequence[Label], numbers: Sequence[int]) -> None:
    found = [label.data[0] for label in labels]
    if found != [f"label {number}" for number in numbers]:
        raise CountsDisagree("labels in the order of the manifest", len(found), len(numbers))


def _require_forms(sheet: SheetPlan, labels: Sequence[Label], copies: Sequence[int]) -> None:
    """Raise SymbolDoesNotDecode for another number of copies or size, and for a field beside the label."""
    document = sheet.document
    size = document.dots(document.printed.page_width_mm), document.dots(document.printed.page_height_mm)
    width, length = size
    for label, count in zip(labels, copies, strict=True):
        form = label.form
        if (form.copies, form.width, form.length) != (count, *size):
            raise SymbolDoesNotDecode(
                "A label has another size or number of copies",
                value=(form.copies, form.width, form.length),
                expected=str((count, *size)),
            )
        right, bottom = form.right, form.bottom
        for field in form.sized_by_data:
            across, down = label.size(field)
            right, bottom = max(right, field.box.x + across - _PADDING_DOTS), max(bottom, field.box.y + down)
        if right > width or bottom > length:
            raise SymbolDoesNotDecode(f"{label.name} has a field beside it", value=(right, bottom))


def _require_data(sheet: SheetPlan, rows: pl.DataFrame, labels: Sequence[Label]) -> None:
    """Raise SymbolDoesNotDecode where a symbol that the printer draws, or the text, says something else."""
    messages, texts = carrying.columns(sheet.slot, rows.item(0, "scope"), rows) if rows.height else ([], [])
    for label, message, text in zip(labels, messages, texts, strict=True):
        form = label.form
        symbol = form.symbol
        if symbol is not None:
            said = zpl_file.message(symbol.command, label.data[symbol.data])
            if said != (f"{message[:-1]:0>12}" if symbol.command == "BE" else message):
                raise SymbolDoesNotDecode(f"{label.name} says {said!r}", value=said, expected=message)
        if "".join([label.data[field.data] for field in form.texts]) != text:
            _require_text(label, text)


def _require_text(label: Label, text: str) -> None:
    """Raise SymbolDoesNotDecode unless the label shows the text but for what may be in its pictures."""
    place = 0
    for field in label.form.texts:
        words = label.data[field.data]
        at = text.find(words, place)
        if at < 0 or len(label.form.of("GF")) <= (label.form.symbol is None):
            raise SymbolDoesNotDecode(f"{label.name} shows the text {words!r}", value=words, expected=text)
        place = at + len(words)


def _require_sample(
    plan: ExportPlan,
    sheet: SheetPlan,
    frame: pl.DataFrame,
    told: Tables,
    labels: Mapping[int, Label],
    store: ArtefactStore,
) -> int:
    """Return how many labels were decoded.

    Raises SymbolDoesNotDecode where a label, or what the report tells of it, is not what the frozen manifest asks
    for; ExportCancelled.
    """
    layout_of = {layout.kind: layout for layout in sheet.layouts}
    decoded = 0
    for number, row in enumerate(frame.iter_rows(named=True)):
        if number % _CANCEL_EVERY == 0:
            decision.require_not_cancelled(plan.job_id, store)
        if tables.has_failed(told, row):
            continue
        carried = carrying.of_row(sheet.slot, row, plan.resolver)
        if carried.kind not in layout_of:
            raise SymbolDoesNotDecode(f"No layout for {carried.kind}", value=carried.kind)
        (cells,) = told.drawn[row["row"] + 1]
        roll_label.require_label(
            plan, sheet, row, carried, layout_of[carried.kind], labels[row["row"] + 1], cells
        )
        decoded += 1
    return decoded
