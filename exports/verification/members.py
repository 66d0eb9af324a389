"""Check one part of a ZIP when it is stored: its members, its rows of the reports, a sample of its symbols.

Parts are checked in parallel. Later the finished archive is checked to have the parts' bytes, see
`exports.verification.archive`.
"""

from collections.abc import Collection, Mapping
from functools import partial
from typing import BinaryIO

import numpy as np
import polars as pl

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs.manifest import Chunk, Row
from exports.jobs.parts import Part
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import Slot
from exports.verification import findings, sample, tables
from exports.verification.findings import Check, CountsDisagree
from exports.verification.symbol import require_symbol
from exports.verification.tables import Tables
from renderers.archive import directory
from renderers.archive.fragments import ArchiveFragment
from renderers.archive.records import Members
from renderers.archive.verification import verify_fragment
from renderers.file_names import member_name

#: Entities between two checks for a cancellation: about a second of the slowest symbols.
_CANCEL_EVERY = 50


def require_right(
    plan: ExportPlan, part: Part, fragment: ArchiveFragment, entities: int, store: ArtefactStore
) -> int:
    """Return the number of decoded symbols of the stored part. Each has exactly the data of its manifest row.

    `entities` is the number of the job's entities. A failed check is also stored in the job's findings. Raises
    CorruptArchive, CountsDisagree, SymbolDoesNotDecode, ExportCancelled.
    """
    rows = sample.rows(plan, store, Chunk(part.start, part.stop), entities, len(plan.slots))
    with store.open(f"{part.key}.data") as stream:
        members = verify_fragment(stream, fragment)
        counted = partial(_counted, plan, part, len(members), rows, store)
        told = findings.require(plan.job_id, Check.COUNTS, counted, store)
        decoded = partial(_decoded, plan, stream, members, rows, told, store)
        return findings.require(plan.job_id, Check.SAMPLE, decoded, store)


def _counted(
    plan: ExportPlan, part: Part, members: int, sampled: pl.DataFrame, store: ArtefactStore
) -> Tables:
    """Return the part's rows of the reports. Raises CountsDisagree."""
    symbols_each = len(plan.slots)
    symbols = part.processed * symbols_each
    if members != symbols:
        raise CountsDisagree("members", members, symbols)
    told = tables.read_part(part.key, store, (sampled["row"] + 1).to_list(), symbols_each)
    tables.require_counts(told, symbols, part.failed)
    return told


def _decoded(
    plan: ExportPlan,
    stream: BinaryIO,
    members: Members,
    sampled: pl.DataFrame,
    told: Tables,
    store: ArtefactStore,
) -> int:
    """Return the number of decoded symbols. Raises SymbolDoesNotDecode, ExportCancelled."""
    rows = [row for row in sampled.iter_rows(named=True) if not tables.has_failed(told, row)]
    names = {_name(plan, row, slot) for row in rows for slot in plan.slots}
    entries = _entries(members, names)
    for number, row in enumerate(rows):
        if number % _CANCEL_EVERY == 0:
            decision.require_not_cancelled(plan.job_id, store)
        for slot, cells in zip(plan.slots, told.drawn[row["row"] + 1], strict=True):
            name = _name(plan, row, slot)
            if name not in entries:
                raise SymbolDoesNotDecode(f"{name} is not in the archive", value=name)
            require_symbol(name, directory.content(stream, entries[name]), plan, slot, row, cells)
    return len(names)


def _entries(members: Members, names: Collection[str]) -> Mapping[str, np.void]:
    wanted = {name.encode(): name for name in names}
    numbered = enumerate(members.each_name())
    return {wanted[name]: members.entries[number] for number, name in numbered if name in wanted}


def _name(plan: ExportPlan, row: Row, slot: Slot) -> str:
    """Return the name of the member with the slot's symbol of a row of the manifest."""
    parts = [row["gtin14"], row["lot_number"], row["serial_number"], slot.value if plan.slots[1:] else None]
    return member_name(row["row"] + 1, [part for part in parts if part], plan.file_format.value)
