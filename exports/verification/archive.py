"""Checks a finished ZIP before it is published: reads it as a client would, by other code than wrote it.

The names of the sampled members follow from the frozen manifest. They are found through the central directory and
inflated by zlib. The standard library's reader would hold an object for each of a million members; this one holds
those it looks for.
"""

import os
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports import files
from exports.requests.export_types import Slot
from exports.symbols.payloads import Row
from exports.verification import sample, tables
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.symbol import require_symbol
from exports.verification.tables import Entities, Tables
from renderers.archive import verification
from renderers.archive.assembler import ArchiveSummary
from renderers.file_names import member_name

_BLOCK = 1 << 20

#: Entities between two looks at whether the job was cancelled: about a second of the slowest symbols.
_CANCEL_EVERY = 50

# APPNOTE.TXT 6.3.10, without their signatures: 4.3.16, 4.3.15, 4.3.14, 4.3.12 and 4.3.7.
_END = struct.Struct("<4x4H2LH")
_LOCATOR = struct.Struct("<4xLQL")
_END64 = struct.Struct("<4xQ2H2L4Q")
_CENTRAL = struct.Struct("<4x6H3L5H2L")
_LOCAL = struct.Struct("<4x5H3L2H")
# In a central record: how long its name, extra field and comment are.
_LENGTHS, _LENGTHS_AT = struct.Struct("<3H"), 28
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_DEFLATED, _RAW = 8, -15


class _Place(NamedTuple):
    """Where a member is: offset of its local header, length of its data there, and how it is compressed."""

    offset: int
    compressed: int
    method: int


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
        found = places(stream, names | {f"{report}.csv" for report in written})
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
                require_symbol(name, content(stream, found[name]), plan, slot, row, told)
    return len(names)


def _name(plan: ExportPlan, row: Row, slot: Slot) -> str:
    """Return the name of the member that holds the slot's symbol of a row of the manifest."""
    parts = [row["gtin14"], row["lot_number"], row["serial_number"], slot.value if plan.slots[1:] else None]
    return member_name(row["row"] + 1, [part for part in parts if part], plan.file_format.value)


def _is_same(stream: BinaryIO, place: _Place | None, expected: BinaryIO) -> bool:
    """Return whether the member holds the same bytes as the other stream, which is read to its end."""
    blocks = _blocks(stream, place) if place else ()
    return all(expected.read(len(block)) == block for block in blocks) and not expected.read(1)


def _blocks(stream: BinaryIO, place: _Place) -> Iterator[bytes]:
    """Yield the member's bytes in blocks, so that memory does not grow with the member."""
    _to_data(stream, place)
    left = place.compressed
    inflater = zlib.decompressobj(_RAW) if place.method == _DEFLATED else None
    while left:
        block = stream.read(min(left, _BLOCK))
        left -= len(block)
        yield inflater.decompress(block) if inflater else block
    if inflater:
        yield inflater.flush()


def _to_data(stream: BinaryIO, place: _Place) -> None:
    stream.seek(place.offset)
    *_, name_length, extra_length = _LOCAL.unpack(stream.read(_LOCAL.size))
    stream.seek(name_length + extra_length, os.SEEK_CUR)


def content(stream: BinaryIO, place: _Place) -> bytes:
    """Return the member's bytes, inflated where they are compressed."""
    _to_data(stream, place)
    data = stream.read(place.compressed)
    return zlib.decompress(data, _RAW) if place.method == _DEFLATED else data


def places(stream: BinaryIO, names: Collection[str]) -> dict[str, _Place]:
    """Return where the members of these names are. The archive is whole: `verification.verify` read it."""
    wanted = {name.encode(): name for name in names}
    found: dict[str, _Place] = {}
    for raw, record in _directory(stream):
        if name := wanted.get(raw):
            found[name] = _place(record)
            if len(found) == len(wanted):
                break
    return found


def _directory(stream: BinaryIO) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and record of every member, as the central directory has them."""
    end = stream.seek(-_END.size, os.SEEK_END)
    *_, left, offset, _ = fields = _END.unpack(stream.read(_END.size))
    if fields[3] == _MAX16 or _MAX32 in (left, offset):
        stream.seek(end - _LOCATOR.size)
        stream.seek(_LOCATOR.unpack(stream.read(_LOCATOR.size))[1])
        left, offset = _END64.unpack(stream.read(_END64.size))[-2:]
    stream.seek(offset)
    buffer, at = b"", 0
    while left or at < len(buffer):
        if len(buffer) - at < _CENTRAL.size + 3 * _MAX16 and left:
            block = stream.read(min(left, _BLOCK))
            left -= len(block)
            buffer, at = buffer[at:] + block, 0
        lengths = _LENGTHS.unpack_from(buffer, at + _LENGTHS_AT)
        name_at, begin = at + _CENTRAL.size, at
        at = name_at + sum(lengths)
        yield buffer[name_at : name_at + lengths[0]], memoryview(buffer)[begin:at]


def _place(record: memoryview) -> _Place:
    fields = _CENTRAL.unpack_from(record)
    method, compressed, size, offset = fields[3], fields[7], fields[8], fields[15]
    if _MAX32 in (compressed, size, offset):
        name_length, extra_length = fields[9:11]
        extra = bytes(record[_CENTRAL.size + name_length :][:extra_length])
        compressed, offset = _wide(extra, size, compressed, offset)
    return _Place(offset, compressed, method)


def _wide(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int]:
    """Return compressed size and offset from a ZIP64 extra field, which holds just what is too large (4.5.3)."""
    values = (value for (value,) in struct.iter_unpack("<Q", extra[4:]))
    if size == _MAX32:
        next(values)
    compressed = next(values) if compressed == _MAX32 else compressed
    return compressed, next(values) if offset == _MAX32 else offset
