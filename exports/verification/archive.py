"""A finished ZIP is read as a client would read it, by other code than wrote it, before it is published.

The sampled members come out of the file by their names, through the central directory and zlib. The standard
library's reader would hold an object for each of a million members; this one holds those it looks for.
"""

import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs.plan import ExportPlan
from exports.symbols import symbol_files
from exports.verification import sample
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.reading import require_decodes
from renderers.archive import verification
from renderers.archive.assembler import ArchiveSummary

_BLOCK = 1 << 20

#: Symbols decoded between two looks at whether the job was cancelled: a second's worth of the slowest.
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
    processed: int,
    rows: int,
    reports: int,
    store: ArtefactStore,
    path: Path,
) -> Checks:
    """Yield what is to be checked of the archive of `processed` entities out of `rows`.

    Raises CorruptArchive, CountsDisagree, SymbolDoesNotDecode.
    """
    symbols = processed * len(plan.slots)

    def whole() -> Facts:
        with path.open("rb") as stream:
            verification.verify(stream, summary)
        return {"bytes": summary.size_bytes, "members": summary.members}

    def counts() -> Facts:
        if summary.members != symbols + reports:
            raise CountsDisagree("members", summary.members, symbols + reports)
        return {"members": summary.members, "entities": processed, "symbols": symbols}

    yield Check.WHOLE, whole
    # The pass over every byte has compared the names as well, letter case aside.
    yield Check.NAMES, lambda: {"members": summary.members}
    yield Check.COUNTS, counts
    yield (
        Check.SAMPLE,
        lambda: {"decoded": require_sample_reads(path, plan, rows, store), "symbols": symbols},
    )


def require_sample_reads(path: Path, plan: ExportPlan, rows: int, store: ArtefactStore) -> int:
    """Return how many members were decoded, each saying just what its row of the manifest asks for.

    Raises SymbolDoesNotDecode where one does not, or is not there; ExportCancelled.
    """
    files = symbol_files.draw(plan, sample.rows(plan, store, rows, len(plan.slots))).files
    with path.open("rb") as stream:
        found = places(stream, {file.name for file in files})
        for number, file in enumerate(files):
            if number % _CANCEL_EVERY == 0:
                decision.require_not_cancelled(plan.job_id, store)
            if file.name not in found:
                raise SymbolDoesNotDecode(f"{file.name} is not in the archive", value=file.name)
            data = content(stream, found[file.name])
            require_decodes(file.name, data, plan.file_format, file.expected)
    return len(files)


def content(stream: BinaryIO, place: _Place) -> bytes:
    """Return the member's bytes, inflated where they are compressed."""
    stream.seek(place.offset)
    *_, name_length, extra_length = _LOCAL.unpack(stream.read(_LOCAL.size))
    stream.seek(name_length + extra_length, os.SEEK_CUR)
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
