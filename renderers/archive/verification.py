"""What was written is read back: a fragment's members one by one, then the archive as a whole."""

import os
import struct
from array import array
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, Protocol, cast

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from renderers.archive.assembler import ArchiveSummary
from renderers.archive.fragments import Fragment, read_directory
from renderers.archive.records import (
    CENTRAL,
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRY,
    LOCATOR,
    MAX16,
    MAX32,
    RAW,
    STORED,
    CorruptArchive,
    Members,
    central_records,
    end_records,
    header_lengths,
    local_headers,
    ragged,
    split,
)
from renderers.archive.streams import BLOCK, Window, blocks

# The stub says the class is an instance.
_InflateError = cast("type[Exception]", isal_zlib.error)

#: Members of the archive looked at together.
_MEMBERS_AT_ONCE = 5_000

# 4.3.12: how long name, extra field and comment are.
_TAIL_LENGTHS, _TAIL_LENGTHS_AT = struct.Struct("<3H"), 28


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def verify_fragment(stream: BinaryIO, fragment: Fragment) -> None:
    """Inflate every member of the fragment, which must be what its header and the directory say.

    Raises CorruptArchive at the first thing wrong.
    """
    stream.seek(fragment.data_bytes)
    directory = b"".join(blocks(stream, fragment.directory_bytes, "The fragment's directory"))
    members = read_directory(directory, fragment)
    stream.seek(0)
    data = Window(blocks(stream, fragment.data_bytes, "The fragment's data"))
    entries, digest = members.entries, sha256()
    headers = split(local_headers(members), header_lengths(entries))
    facts = zip(
        headers, *(entries[name].tolist() for name in ("method", "compressed", "size", "crc")), strict=True
    )
    for number, (header, method, compressed, size, crc) in enumerate(facts):
        written = data.take(len(header) + compressed)
        digest.update(written)
        content = written[len(header) :]
        try:
            inflated = (
                content if method == STORED else isal_zlib.decompress(content, RAW, min(size, BLOCK) or 1)
            )
        except _InflateError as error:
            raise CorruptArchive(f"The compressed data is damaged: {error}", value=number) from error
        if not written.startswith(header) or len(inflated) != size or isal_zlib.crc32(inflated) != crc:
            raise CorruptArchive(
                "A member is not what was written",
                value=f"member {number}: CRC {isal_zlib.crc32(inflated):08x}, {len(inflated)} bytes",
                expected=f"CRC {crc:08x}, {size} bytes",
            )
    digest.update(directory)
    if data.take(1) or digest.hexdigest() != fragment.sha256:
        raise CorruptArchive("The fragment is not the one that was written", expected=fragment.sha256)


def verify(archive: BinaryIO, summary: ArchiveSummary) -> None:
    """Read every byte of a finished archive, which must be the one that the summary tells of.

    Checks that members lie end to end from the first byte, that local headers and central directory say the
    same, that no name occurs twice, also where case is folded, and that it has the digest that was assembled:
    so the members' contents are those of the fragments. Memory: 8 bytes a member. The stream must seek.

    Raises CorruptArchive at the first thing wrong.
    """
    offset, directory_bytes = _find_directory(archive, summary)
    digest, names, place, count = sha256(), _Names(), 0, 0
    for members in _directory(archive, offset, directory_bytes):
        lengths = header_lengths(members.entries)
        spans = lengths + members.entries["compressed"]
        starts = place + np.cumsum(spans) - spans
        if (members.entries["offset"] != starts).any():
            raise CorruptArchive("Members do not lie end to end", expected=f"an offset from {place} on")
        archive.seek(place)
        place += int(spans.sum())
        data = blocks(archive, place - int(starts[0]), "The data")
        _require_headers(data, starts, lengths, local_headers(members), digest)
        names.add(members)
        count += len(members)
    if place != offset or count != summary.members:
        raise CorruptArchive(
            "The archive holds more or less than its directory says",
            value=f"{count} members in {place} bytes",
            expected=f"{summary.members} members in {offset} bytes",
        )
    names.require_distinct()
    archive.seek(offset)
    for block in blocks(archive, summary.size_bytes - offset, "The central directory"):
        digest.update(block)
    if digest.hexdigest() != summary.sha256:
        raise CorruptArchive(
            "The archive is not what was assembled", value=digest.hexdigest(), expected=summary.sha256
        )


def _find_directory(stream: BinaryIO, summary: ArchiveSummary) -> tuple[int, int]:
    """Return where the central directory begins and its size, from the end records: the file's last bytes."""
    length = stream.seek(0, os.SEEK_END)
    tail_bytes = min(length, END.size + LOCATOR.size + END64.size)
    stream.seek(length - tail_bytes)
    tail = stream.read(tail_bytes)
    if length != summary.size_bytes or tail[-END.size :][:4] != END_MARK:
        raise CorruptArchive(
            "The file is cut short, or no ZIP",
            value=f"{length} bytes",
            expected=f"{summary.size_bytes} bytes",
        )
    *_, members, size, offset, _ = END.unpack(tail[-END.size :])
    if members == MAX16 or MAX32 in (size, offset):
        if len(tail) < tail_bytes or tail[:4] != END64_MARK:
            raise CorruptArchive("The ZIP64 end of central directory is missing", value=length)
        members, size, offset = END64.unpack(tail[: END64.size])[-3:]
    end = end_records(members, size, offset)
    if not tail.endswith(end) or offset + size + len(end) != length or members != summary.members:
        raise CorruptArchive(
            "The end of the archive does not describe the archive",
            value=f"{members} members, directory of {size} bytes at {offset}",
            expected=f"{summary.members} members in {length} bytes",
        )
    return offset, size


def _directory(stream: BinaryIO, offset: int, size: int) -> Iterator[Members]:
    """Yield the members of the central directory, some thousands at once; others may move the stream meanwhile."""
    buffer, left = b"", size
    while buffer or left:
        starts: list[int] = []
        at = 0
        while at + CENTRAL.itemsize <= len(buffer) and len(starts) < _MEMBERS_AT_ONCE:
            end = at + CENTRAL.itemsize + sum(_TAIL_LENGTHS.unpack_from(buffer, at + _TAIL_LENGTHS_AT))
            if end > len(buffer):
                break
            starts.append(at)
            at = end
        if starts:
            yield _parsed(buffer[:at], np.array(starts))
            buffer = buffer[at:]
        elif left:
            stream.seek(offset + size - left)
            block = stream.read(min(left, BLOCK))
            left -= len(block)
            buffer += block
        else:
            raise CorruptArchive("The central directory is cut off inside a record", value=len(buffer))


def _parsed(records: bytes, starts: NDArray[np.int64]) -> Members:
    """Return what the central-directory records say. Written again they must be the same bytes."""
    raw = np.frombuffer(records, np.uint8)
    head = raw[starts[:, None] + np.arange(CENTRAL.itemsize)].view(CENTRAL)[:, 0]
    entries = np.zeros(len(starts), ENTRY)
    for name in ENTRY.names or ():
        entries[name] = head[name]
    after_name = starts + CENTRAL.itemsize + entries["name_length"]
    wide_at = after_name + 4
    for name in ("size", "compressed", "offset"):
        wide = entries[name] == MAX32
        if wide.any() and wide_at[wide].max() + 8 <= len(raw):
            entries[name][wide] = raw[wide_at[wide][:, None] + np.arange(8)].view("<i8")[:, 0]
        wide_at = wide_at + 8 * wide
    lengths = entries["name_length"].astype(np.int64)
    members = Members(entries, raw[ragged(after_name - lengths, lengths)].tobytes())
    if central_records(members) != records:
        raise CorruptArchive("A central-directory record is not one that we write")
    return members


def _require_headers(
    data: Iterator[bytes],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    headers: bytes,
    digest: _Hash,
) -> None:
    """Read the members' data, which begins at the first start and has these local headers at the starts."""
    places, wanted = ragged(starts, lengths), np.frombuffer(headers, np.uint8)
    at = int(starts[0])
    for block in data:
        digest.update(block)
        low, high = np.searchsorted(places, (at, at + len(block)))
        if (np.frombuffer(block, np.uint8)[places[low:high] - at] != wanted[low:high]).any():
            raise CorruptArchive("Local headers and central directory differ", value=f"from byte {at} on")
        at += len(block)


class _Names:
    """Finds a name that occurs twice, letter case aside: by hashes that differ from process to process.

    Two different names out of ten million have the same one once in 300,000 archives; the job fails then, and
    goes well when it is asked for again.
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, members: Members) -> None:
        if members.names.isascii():
            names = split(members.names.lower(), members.entries["name_length"])
        else:
            names = [_folded(name) for name in members.each_name()]
        self._hashes.extend(map(hash, names))

    def require_distinct(self) -> None:
        hashes = np.asarray(self._hashes)
        different = len(np.unique(hashes))
        if different != len(hashes):
            raise CorruptArchive("A member name occurs more than once", value=len(hashes) - different)


def _folded(name: bytes) -> bytes:
    return name.decode("utf-8", "backslashreplace").casefold().encode()
