"""Verify written files: each member of a fragment, then the whole archive."""

import os
from array import array
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from renderers.archive import directory as directories
from renderers.archive.assembler import ArchiveSummary
from renderers.archive.directory import Directory
from renderers.archive.fragments import ArchiveFragment, read_directory
from renderers.archive.records import (
    RAW,
    STORED,
    CorruptArchive,
    Members,
    central_records,
    end_records,
    gathered,
    header_lengths,
    local_headers,
    split,
)
from renderers.archive.streams import BLOCK, blocks
from renderers.digested_stream import Sha256

#: Members of a fragment whose contents are in memory at once: some megabytes.
_MEMBERS_AT_ONCE = 1_000

# The library has a class here, but the stub declares an instance.
_InflateError = cast("type[Exception]", isal_zlib.error)


def verify_fragment(stream: BinaryIO, fragment: ArchiveFragment) -> Members:
    """Return the fragment's members. Each inflates to the size and CRC in its header and the directory.

    Raises CorruptArchive at the first difference.
    """
    stream.seek(fragment.data_bytes)
    directory = b"".join(blocks(stream, fragment.directory_bytes, "The fragment's directory"))
    members = read_directory(directory, fragment)
    compressed = members.entries["compressed"]
    if (compressed < 0).any() or int(
        (header_lengths(members.entries) + compressed).sum()
    ) != fragment.data_bytes:
        raise CorruptArchive(
            "The fragment's members do not fill its data", expected=f"{fragment.data_bytes} bytes"
        )
    stream.seek(0)
    crc = 0
    for run in members.runs(_MEMBERS_AT_ONCE):
        lengths = header_lengths(run.entries)
        spans = lengths + run.entries["compressed"]
        data = b"".join(blocks(stream, int(spans.sum()), "The fragment's data"))
        crc = isal_zlib.crc32(data, crc)
        starts = np.cumsum(spans) - spans
        headers = gathered(np.frombuffer(data, np.uint8), starts, lengths)
        if headers.tobytes() != local_headers(run):
            raise CorruptArchive("Local headers and directory differ")
        _require_contents(
            run.entries,
            [
                data[start:stop]
                for start, stop in zip((starts + lengths).tolist(), (starts + spans).tolist(), strict=True)
            ],
        )
    fragment.require_crc32(isal_zlib.crc32(directory, crc))
    return members


def _require_contents(entries: NDArray[np.void], data: Sequence[bytes]) -> None:
    """Require that the members' data inflate to the sizes and CRCs of their entries."""
    methods, sizes = entries["method"].tolist(), entries["size"].tolist()
    try:
        contents = [
            each if method == STORED else isal_zlib.decompress(each, RAW, min(size, BLOCK) or 1)
            for each, method, size in zip(data, methods, sizes, strict=True)
        ]
    except _InflateError as error:
        raise CorruptArchive(f"The compressed data is damaged: {error}") from error
    found = [(len(content), isal_zlib.crc32(content)) for content in contents]
    wanted = list(zip(sizes, entries["crc"].tolist(), strict=True))
    if found != wanted:
        number = next(number for number, facts in enumerate(found) if facts != wanted[number])
        (size, crc), (its_size, its_crc) = found[number], wanted[number]
        raise CorruptArchive(
            "A member is not what was written",
            value=f"member {number}: CRC {crc:08x}, {size} bytes",
            expected=f"CRC {its_crc:08x}, {its_size} bytes",
        )


def verify(archive: BinaryIO, summary: ArchiveSummary) -> None:
    """Read every byte of a finished archive and require that it matches the summary.

    Checks that members are adjacent from the first byte on, that local headers and central directory agree, that no
    name occurs twice, ignoring case, and that the archive has the digest of the assembled bytes, so that the members'
    contents are those of the fragments. Takes 8 bytes of memory per member. The stream must be seekable.

    Raises CorruptArchive at the first difference.
    """
    found, digest = _find_directory(archive, summary), Sha256()
    for members, starts, lengths in _require_directory(archive, found, summary):
        archive.seek(int(starts[0]))
        stop = int(starts[-1] + lengths[-1] + members.entries["compressed"][-1])
        data = blocks(archive, stop - int(starts[0]), "The data")
        _require_headers(data, starts, lengths, local_headers(members), digest)
    archive.seek(found.offset)
    for block in blocks(archive, summary.size_bytes - found.offset, "The central directory"):
        digest.update(block)
    if digest.hexdigest() != summary.sha256:
        raise CorruptArchive(
            "The archive is not what was assembled", value=digest.hexdigest(), expected=summary.sha256
        )


def verify_copied(
    archive: BinaryIO, ranges: BinaryIO, summary: ArchiveSummary, copied: Sequence[tuple[int, int]]
) -> None:
    """Require that the storage has copied the fragments' data of an archive to the right places.

    Like `verify`, but of the data it reads only the first and the last member of each copied range [start, stop), from
    `ranges`, another stream of the archive.

    Raises CorruptArchive at the first difference.
    """
    found = _find_directory(archive, summary)
    begins, ends = (np.array(side, np.int64) for side in zip(*copied, strict=True))
    seen = 0
    for members, starts, lengths in _require_directory(archive, found, summary):
        stops = starts + lengths + members.entries["compressed"]
        first, last, names = np.isin(starts, begins), np.isin(stops, ends), members.each_name()
        seen += int(first.sum() + last.sum())
        for number in np.flatnonzero(first | last).tolist():
            ranges.seek(int(starts[number]))
            data = b"".join(blocks(ranges, int(stops[number] - starts[number]), "The data"))
            member = Members(members.entries[number : number + 1], names[number])
            if not data.startswith(header := local_headers(member)):
                raise CorruptArchive("Local headers and central directory differ", value=int(starts[number]))
            _require_contents(member.entries, [data[len(header) :]])
    if seen != 2 * len(copied):
        raise CorruptArchive(
            "Copied data do not begin and end with a member", value=f"{seen} of {2 * len(copied)}"
        )


def _require_directory(
    archive: BinaryIO, found: Directory, summary: ArchiveSummary
) -> Iterator[tuple[Members, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the members of the central directory in runs, with the starts and lengths of their local headers.

    Requires that it has the written records, that the members are adjacent and that their names differ.
    """
    names, place, count, crc = _Names(), 0, 0, 0
    for run in directories.records(archive, found):
        members = run.members
        if central_records(members) != run.raw:
            raise CorruptArchive("A central-directory record is not one that we write")
        lengths = header_lengths(members.entries)
        spans = lengths + members.entries["compressed"]
        starts = place + np.cumsum(spans) - spans
        if (members.entries["offset"] != starts).any():
            raise CorruptArchive("Members do not lie end to end", expected=f"an offset from {place} on")
        place += int(spans.sum())
        yield members, starts, lengths
        names.add(members)
        count += len(members)
        crc = isal_zlib.crc32(run.raw, crc)
    if place != found.offset or count != summary.members:
        raise CorruptArchive(
            "The archive holds more or less than its directory says",
            value=f"{count} members in {place} bytes",
            expected=f"{summary.members} members in {found.offset} bytes",
        )
    if crc != summary.directory_crc32:
        raise CorruptArchive("The central directory is not what was assembled", value=f"CRC {crc:08x}")
    names.require_distinct()


def _find_directory(archive: BinaryIO, summary: ArchiveSummary) -> Directory:
    """Compare the end records with the summary, and return the central directory."""
    length = archive.seek(0, os.SEEK_END)
    if length != summary.size_bytes:
        raise CorruptArchive(
            "The file is cut short, or no ZIP",
            value=f"{length} bytes",
            expected=f"{summary.size_bytes} bytes",
        )
    found = directories.find(archive)
    end = end_records(found.members, found.size, found.offset)
    if (
        not found.end.endswith(end)
        or found.offset + found.size + len(end) != length
        or found.members != summary.members
    ):
        raise CorruptArchive(
            "The end of the archive does not describe the archive",
            value=f"{found.members} members, directory of {found.size} bytes at {found.offset}",
            expected=f"{summary.members} members in {length} bytes",
        )
    return found


def _require_headers(
    data: Iterator[bytes],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    headers: bytes,
    digest: Sha256,
) -> None:
    """Update the digest with the members' data, and require these local headers at the starts."""
    ends, at, cut, left = starts + lengths, int(starts[0]), b"", headers
    for block in data:
        digest.update(block)
        # A header that crosses the border of the last block is checked with this one.
        begin, octets = at - len(cut), np.frombuffer(cut + block, np.uint8)
        at += len(block)
        whole = int(np.searchsorted(ends, at, side="right"))
        found = gathered(octets, starts[:whole] - begin, lengths[:whole]).tobytes()
        if not left.startswith(found):
            raise CorruptArchive("Local headers and central directory differ", value=f"from byte {begin} on")
        starts, lengths, ends, left = starts[whole:], lengths[whole:], ends[whole:], left[len(found) :]
        cut = octets[starts[0] - begin :].tobytes() if len(starts) and starts[0] < at else b""


class _Names:
    """Finds names that occur twice, ignoring case, by Python's hash, whose seed differs between processes.

    For ten million different names, two have the same hash in one of 300,000 archives. That export fails, and a
    repeated export succeeds.
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
        hashes = np.sort(np.asarray(self._hashes))
        if repeated := int((hashes[1:] == hashes[:-1]).sum()):
            raise CorruptArchive("A member name occurs more than once", value=repeated)


def _folded(name: bytes) -> bytes:
    return name.decode("utf-8", "backslashreplace").casefold().encode()
