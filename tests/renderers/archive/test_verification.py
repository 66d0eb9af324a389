"""Verification detects every damage to an archive."""

import hashlib
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from renderers.archive import records
from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.records import CorruptArchive, Members, local_headers
from renderers.archive.verification import verify, verify_copied, verify_fragment
from renderers.digested_stream import DigestedStream
from tests.renderers.archive.samples import MEMBERS, SMALL, assemble, fragment, with_flipped


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_nochanged_byte_of_an_archive_passes(flip: int) -> None:
    content, summary = SMALL
    for place in range(len(content)):
        with pytest.raises(CorruptArchive):
            verify(io.BytesIO(with_flipped(content, place, flip)), summary)


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_headers_and_directory_must_agree_whatever_the_digest_says(flip: int) -> None:
    content, summary = SMALL
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        data = set[int]()
        for info in opened.infolist():
            start = info.header_offset + 30 + len(info.filename.encode())
            data.update(range(start, start + info.compress_size))
    for place in set(range(len(content))) - data:
        changed = with_flipped(content, place, flip)
        with pytest.raises(CorruptArchive):
            verify(io.BytesIO(changed), replace(summary, sha256=hashlib.sha256(changed).hexdigest()))


def told(content: bytes, **facts: int) -> ArchiveSummary:
    """Return what an assembler that wrote this archive would have told of it."""
    digest = hashlib.sha256(content).hexdigest()
    return replace(SMALL[1], size_bytes=len(content), sha256=digest, **facts)


def test_data_that_no_member_has_is_found() -> None:
    """All members are there: only where the directory begins tells of the rest."""
    content, summary = SMALL
    *_, offset, _ = struct.unpack("<4s4H2LH", content[-22:])
    longer = content[:offset] + b"junk" + content[offset:-6] + struct.pack("<LH", offset + 4, 0)
    with pytest.raises(CorruptArchive, match="more or less than its directory says"):
        verify(io.BytesIO(longer), told(longer))
    verify(io.BytesIO(content), summary)


@pytest.mark.parametrize("more", [-1, 1])
def test_a_count_that_the_directory_does_not_bear_out_is_found(more: int) -> None:
    """The members lie end to end up to the directory: only their number is wrong."""
    content, summary = SMALL
    members = summary.members + more
    lying = content[:-14] + struct.pack("<2H", members, members) + content[-10:]
    with pytest.raises(CorruptArchive, match="more or less than its directory says"):
        verify(io.BytesIO(lying), told(lying, members=members))


def test_nochanged_byte_of_a_fragment_passes() -> None:
    """Neither by its digest, nor, where that is of the changed one, by header, size and CRC."""
    content, made = fragment(MEMBERS[88:92])
    # All but the padding bits that end a deflate stream, which carry nothing.
    for place in range(len(content)):
        changed = with_flipped(content, place, 0x01)
        with pytest.raises(CorruptArchive):
            verify_fragment(io.BytesIO(changed), made)


@pytest.mark.parametrize("recorded", [0, 10, 5_000_000])
def test_a_member_must_inflate_to_its_recorded_size(recorded: int) -> None:
    content, made = fragment([("a", bytes(3_000_000), False)])
    entry = np.frombuffer(content[made.data_bytes :][: records.ENTRY.itemsize], records.ENTRY).copy()
    entry["size"] = recorded
    header = local_headers(Members(entry, b"a"))
    lying = header + content[len(header) : made.data_bytes] + entry.tobytes() + b"a"
    with pytest.raises(CorruptArchive, match="not what was written"):
        verify_fragment(io.BytesIO(lying), replace(made, crc32=zlib.crc32(lying)))


@pytest.mark.parametrize("kept", [0, 10, 21, 22, 100, len(SMALL[0]) - 22, len(SMALL[0]) - 1])
def test_no_cut_archive_passes(kept: int) -> None:
    content, summary = SMALL
    for told in (summary, replace(summary, size_bytes=kept)):
        with pytest.raises(CorruptArchive):
            verify(io.BytesIO(content[:kept]), told)


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("é", "É"), ("ß", "ss")])
def test_a_name_twice_is_found_even_in_other_case(names: tuple[str, str]) -> None:
    content, summary = assemble([[(names[0], b"1", True), ("b", b"", True)], [(names[1], b"2", True)]])
    with pytest.raises(CorruptArchive, match="more than once"):
        verify(io.BytesIO(content), summary)


def test_a_large_member_verifies_in_little_memory(tmp_path: Path) -> None:
    def rows() -> Iterator[bytes]:
        for row in range(400):
            yield f"{row},".encode() * 25_000

    path = tmp_path / "large.zip"
    with path.open("wb") as out, Assembler(DigestedStream(out)) as assembler:
        tracemalloc.start()
        assembler.add("manifest.csv", rows())
        summary = assembler.close()
    with path.open("rb") as stream:
        verify(stream, summary)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20


class Copied:
    """An archive of three fragments, and the ranges in it that a storage has copied."""

    def __init__(self) -> None:
        parts = [MEMBERS[:30], MEMBERS[30:31], MEMBERS[31:94]]
        self.content, summary = assemble(parts, [("manifest.csv", [b"row"])])
        self.summary = replace(summary, sha256=None)
        ends = list(accumulate(fragment(part)[1].data_bytes for part in parts))
        self.ranges = list(zip([0, *ends], ends, strict=False))

    def verify(self, content: bytes) -> None:
        verify_copied(io.BytesIO(content), io.BytesIO(content), self.summary, self.ranges)


def test_what_a_storage_has_copied_is_looked_at_where_it_begins_and_ends() -> None:
    copied = Copied()
    copied.verify(copied.content)
    for begin, end in copied.ranges:
        for place in (begin, begin + 60, end - 1):
            with pytest.raises(CorruptArchive):
                copied.verify(with_flipped(copied.content, place, 1))


def test_a_fragment_in_the_place_of_another_is_found() -> None:
    copied = Copied()
    (first, cut), (_, last), _ = copied.ranges
    swapped = copied.content[cut:last] + copied.content[first:cut] + copied.content[last:]
    with pytest.raises(CorruptArchive, match="Local headers"):
        copied.verify(swapped)


@pytest.mark.parametrize("place", range(1, 200, 7))
def test_no_byte_of_the_directory_may_differ(place: int) -> None:
    copied = Copied()
    with pytest.raises(CorruptArchive):
        copied.verify(with_flipped(copied.content, len(copied.content) - place, 1))


def test_ranges_that_end_inside_a_member_are_no_fragments() -> None:
    copied = Copied()
    begin, end = copied.ranges[0]
    copied.ranges[0] = (begin, end - 1)
    with pytest.raises(CorruptArchive, match="begin and end with a member"):
        copied.verify(copied.content)
