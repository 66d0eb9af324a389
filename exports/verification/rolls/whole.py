"""Checks a finished ZPL file before it is published: reads every label, and looks at a sample as it is printed."""

import hashlib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.sheets.plan import SheetPlan
from exports.verification import label as labels_of_rows
from exports.verification import sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.formats import zpl_file
from exports.verification.formats.zpl_file import Label
from exports.verification.rolls.label import require_label
from exports.verification.rolls.rows import require_rows
from exports.verification.tables import Entities, Tables
from renderers.zpl.writer import CorruptZpl, ZplSummary

_FRAME_ROWS = 5_000

#: Entities between two looks at whether the job was cancelled.
_CANCEL_EVERY = 50


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
    where a label's data, text, logo, copies or size are not what they must be, or something is beside the label.
    """
    failed = pl.Series(told.failed_rows, dtype=pl.Int64) - 1
    kept: dict[int, Label] = {}
    printed = 0
    with path.open(encoding="ascii") as file:
        for frame in manifests.read_rows(plan, store, Chunk(0, entities.total), _FRAME_ROWS):
            decision.require_not_cancelled(plan.job_id, store)
            rows = frame.filter(~pl.col("row").is_in(failed.implode())) if failed.len() else frame
            labels = list(map(zpl_file.read, islice(file, rows.height)))
            numbers = (rows["row"] + 1).to_list()
            if [label.name for label in labels] != [f"label {number}" for number in numbers]:
                raise CountsDisagree("labels in the order of the manifest", len(labels), len(numbers))
            printed += int(rows["copies"].sum())
            if labels:
                require_rows(plan, sheet, rows, labels)
            kept |= {
                number: label for number, label in zip(numbers, labels, strict=True) if number in told.drawn
            }
        if rest := sum(1 for _ in file):
            raise CountsDisagree("labels", entities.processed + rest, entities.processed)
    return kept, printed


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
    decoded = 0
    for number, row in enumerate(frame.iter_rows(named=True)):
        if number % _CANCEL_EVERY == 0:
            decision.require_not_cancelled(plan.job_id, store)
        if tables.has_failed(told, row):
            continue
        symbols = labels_of_rows.symbols_of(plan, sheet, row)
        number_told = row["row"] + 1
        require_label(plan, sheet, row, symbols, labels[number_told], told.drawn[number_told])
        decoded += 1
    return decoded
