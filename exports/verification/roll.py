"""Check a finished ZPL file before it is published: read every label, and decode a sample as printed."""

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
from exports.requests.export_types import LINEAR, Slot
from exports.sheets.plan import SheetPlan
from exports.verification import carried as carrying
from exports.verification import label as labels_of_rows
from exports.verification import roll_label, sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.formats import zpl_file
from exports.verification.formats.zpl_file import Label
from exports.verification.tables import Entities, Tables
from renderers.zpl.writer import CorruptZpl, ZplSummary

_FRAME_ROWS = 5_000

#: Entities between two checks for a cancellation.
_CANCEL_EVERY = 50

#: The commands that may draw a slot's symbol. Printers must not draw QR Codes, because they choose the mask.
_COMMANDS: Mapping[Slot, frozenset[str]] = {
    Slot.QR: frozenset(),
    Slot.DATAMATRIX: frozenset({"BX"}),
    Slot.LINEAR: frozenset({"BC", "BE", "B2"}),
    Slot.GTIN: frozenset({"BE", "B2"}),
}

# Rows of pictures are padded with white to whole bytes.
_PADDING_DOTS = 7


class _Found(NamedTuple):
    """What was read from the file.

    The reports, the labels of sampled entities by number (from 1), and the number of printed labels.
    """

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
    """Yield the checks of a ZPL file with the labels of these entities.

    Raises CorruptZpl, SymbolDoesNotDecode, CountsDisagree, ExportCancelled.
    """
    each = len(sheet.slots)
    frame = sample.rows(plan, store, Chunk(0, entities.total), entities.total, each)
    found: list[_Found] = []

    def whole() -> Facts:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != summary.sha256:
            raise CorruptZpl("The file is not what was joined", value=digest, expected=summary.sha256)
        return {"bytes": path.stat().st_size}

    def counts() -> Facts:
        told = tables.read(plan.job_id, store, (frame["row"] + 1).to_list(), each)
        tables.require_counts(told, entities.processed * each, entities.failed + entities.unmatched)
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
            _require_data(plan, sheet, rows, labels)
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
    """Raise SymbolDoesNotDecode for a wrong number of copies, a wrong size, or a field outside of the label."""
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


def _require_data(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame, labels: Sequence[Label]) -> None:
    """Raise SymbolDoesNotDecode if a symbol that the printer draws, or its text, has other data."""
    if not labels:
        return
    shown = [""] * len(labels)
    for slot in sheet.slots:
        messages, texts = carrying.columns(slot, rows.item(0, "scope"), rows, plan.carry)
        if plan.label_design.hri or slot in LINEAR:
            shown = [before + text for before, text in zip(shown, texts, strict=True)]
        for label, message in zip(labels, messages, strict=True):
            for symbol in label.form.symbols:
                said = zpl_file.message(symbol.command, label.data[symbol.data])
                if symbol.command in _COMMANDS[slot] and said != _said(symbol.command, message):
                    raise SymbolDoesNotDecode(f"{label.name} says {said!r}", value=said, expected=message)
    for label, text in zip(labels, shown, strict=True):
        _require_symbols(sheet, label)
        if "".join([label.data[field.data] for field in label.form.texts]) != text:
            _require_text(sheet, label, text)


def _said(command: str, message: str) -> str:
    """Return the message as sent to the printer, which adds the check digit of an EAN-13."""
    return f"{message[:-1]:0>12}" if command == "BE" else message


def _require_symbols(sheet: SheetPlan, label: Label) -> None:
    """Raise SymbolDoesNotDecode if the printer draws a symbol that the label must not have."""
    left = list(sheet.slots)
    for symbol in label.form.symbols:
        slot = next((slot for slot in left if symbol.command in _COMMANDS[slot]), None)
        if slot is None:
            raise SymbolDoesNotDecode(f"{label.name} has {symbol.command}", value=symbol.command)
        left.remove(slot)


def _require_text(sheet: SheetPlan, label: Label, text: str) -> None:
    """Raise SymbolDoesNotDecode unless the label shows the text, except parts that may be in its pictures."""
    place = 0
    pictured = len(sheet.slots) - len(label.form.symbols)
    for field in label.form.texts:
        words = label.data[field.data]
        at = text.find(words, place)
        if at < 0 or len(label.form.of("GF")) <= pictured:
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
    """Return the number of decoded labels.

    Raises SymbolDoesNotDecode if a label, or its row in the report, differs from the frozen manifest; ExportCancelled.
    """
    decoded = 0
    for number, row in enumerate(frame.iter_rows(named=True)):
        if number % _CANCEL_EVERY == 0:
            decision.require_not_cancelled(plan.job_id, store)
        if tables.has_failed(told, row):
            continue
        symbols = labels_of_rows.symbols_of(plan, sheet, row)
        number_told = row["row"] + 1
        roll_label.require_label(plan, sheet, row, symbols, labels[number_told], told.drawn[number_told])
        decoded += 1
    return decoded
