"""Checks a finished ZIP before it is published: the whole file, its counts, its reports, a sample of its symbols.

The names of the sampled members follow from the frozen manifest and are found in the central directory. Only the
sought entries are kept: the standard library's reader would hold an object for each of a million members.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports import files
from exports.requests.export_types import Slot
from exports.verification import sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.symbol import require_symbol
from exports.verification.tables import Entities, Tables
from renderers.archive import directory, verification
from renderers.archive.assembler import ArchiveSummary
from renderers.file_names import member_name

#: Entities between two looks at whether the job was cancelled: about a second of the slowest symbols.
_CANCEL_EVERY = 50


def checks(
    summary: ArchiveSummary,
    plan: ExportPlan,
    entities: Entities,
    written: Sequence[Report],
    store: ArtefactStore,
    path: Path,
) -> Checks:
    """Yield what is to be checked of the archive with the symbols of these entities and these reports.

    Raises CorruptArchive, CountsDisagree, SymbolDoesNotDecode.
    """
    symbols = entities.processed * len(plan.slots)
    frame = sample.rows(plan, store, entities.total, len(plan.slots))
    found: list[Tables] = []

    def whole() -> Facts:
        with path.open("rb") as stream:
            verification.verify(stream, summary)
        return {"bytes": summary.size_bytes, "members": summary.members}

    def counts() -> Facts:
        if summary.members != symbols + len(written):
            raise CountsDisagree("members", summary.members, symbols + len(written))
        found.append(tables.read(plan.job_id, store, (frame["row"] + 1).to_list(), len(plan.slots)))
        tables.require_counts(found[0], symbols, entities.failed + entities.unmatched)
        return {"members": summary.members, "entities": entities.processed, "symbols": symbols}

    yield Check.WHOLE, whole
    # The pass over every byte has compared the names as well, letter case aside.
    yield Check.NAMES, lambda: {"members": summary.members}
    yield Check.COUNTS, counts

    def sampled() -> Facts:
        rows = [row for row in frame.iter_rows(named=True) if not tables.has_failed(found[0], row)]
        return {
            "decoded": _require_members_read(path, plan, rows, found[0], written, store),
            "symbols": symbols,
        }

    yield Check.SAMPLE, sampled


def _require_members_read(
    path: Path,
    plan: ExportPlan,
    drawn: Sequence[Row],
    reports: Tables,
    written: Sequence[Report],
    store: ArtefactStore,
) -> int:
    """Return how many symbols were decoded, each saying just what its row of the manifest asks for.

    Raises SymbolDoesNotDecode where one does not, or is not there, where a report tells it otherwise, or where the
    archive's reports are not the job's; ExportCancelled.
    """
    names = {_name(plan, row, slot) for row in drawn for slot in plan.slots}
    with path.open("rb") as stream:
        found = directory.entries_of(stream, names | {f"{report}.csv" for report in written})
        for report in written:
            with store.open(files.key(plan.job_id, report)) as expected:
                if not _is_same(stream, found.get(f"{report}.csv"), expected):
                    raise SymbolDoesNotDecode(f"{report}.csv in the archive is not the job's", value=report)
        for number, row in enumerate(drawn):
            if number % _CANCEL_EVERY == 0:
                decision.require_not_cancelled(plan.job_id, store)
            for slot, told in zip(plan.slots, reports.drawn[row["row"] + 1], strict=True):
                name = _name(plan, row, slot)
                if name not in found:
                    raise SymbolDoesNotDecode(f"{name} is not in the archive", value=name)
                require_symbol(name, directory.content(stream, found[name]), plan, slot, row, told)
    return len(names)


def _name(plan: ExportPlan, row: Row, slot: Slot) -> str:
    """Return the name of the member that holds the slot's symbol of a row of the manifest."""
    parts = [row["gtin14"], row["lot_number"], row["serial_number"], slot.value if plan.slots[1:] else None]
    return member_name(row["row"] + 1, [part for part in parts if part], plan.file_format.value)


def _is_same(stream: BinaryIO, entry: np.void | None, expected: BinaryIO) -> bool:
    """Return whether the member holds the same bytes as the other stream, which is read to its end."""
    blocks = () if entry is None else directory.blocks(stream, entry)
    return all(expected.read(len(block)) == block for block in blocks) and not expected.read(1)
