"""ZIP archives: the same bytes however cut, readable by others, and damage never passes."""

import hashlib
import io
import random
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderers.archive import records
from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.fragments import Fragment, FragmentWriter
from renderers.archive.records import CorruptArchive, Members, central_records, local_headers
from renderers.archive.verification import _parsed, verify, verify_fragment
from renderers.errors import RenderError

Files = Sequence[tuple[str, bytes, bool]]

MEMBERS: Files = [
    *((f"0000/{row:08d}_a.svg", f"<svg>{row}</svg>".encode() * 40, False) for row in range(90)),
    ("0000/00000090_é.svg", b"<svg/>", False),
    ("0000/00000091_a.png", bytes(range(256)), True),
    ("0000/00000092_empty.svg", b"", False),
    ("0000/00000093_empty.png", b"", True),
]


class OneWay(io.RawIOBase):
    """A stream that only goes forward, as an object store's does."""

    def __init__(self) -> None:
        super().__init__()
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.content += data
        return len(data)


def fragment(files: Files) -> tuple[bytes, Fragment]:
    out = OneWay()
    writer = FragmentWriter(out)
    for store, run in groupby(files, key=itemgetter(2)):
        writer.add([(name, data) for name, data, _ in run], store=store)
    made = writer.close()
    return bytes(out.content), made


def assemble(
    parts: Sequence[Files], streamed: Sequence[tuple[str, Sequence[bytes]]] = ()
) -> tuple[bytes, ArchiveSummary]:
    out = OneWay()
    with Assembler(out) as assembler:
        for members in parts:
            content, made = fragment(members)
            assembler.append_fragment(io.BytesIO(content), made)
        for name, chunks in streamed:
            assembler.add(name, chunks)
        summary = assembler.close()
    return bytes(out.content), summary


def test_others_read_it(tmp_path: Path) -> None:
    content, summary = assemble(
        [MEMBERS], [("manifest.csv", [b"row,file\r\n", b"0,a\r\n"]), ("errors.csv", [])]
    )
    assert summary == ArchiveSummary(len(content), len(MEMBERS) + 2, hashlib.sha256(content).hexdigest())
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [name for name, _, _ in MEMBERS] + ["manifest.csv", "errors.csv"]
        assert [opened.read(name) for name, _, _ in MEMBERS] == [data for _, data, _ in MEMBERS]
        assert opened.read("manifest.csv") == b"row,file\r\n0,a\r\n"
        infos = opened.infolist()
        assert {info.date_time for info in infos} == {(1980, 2, 1, 0, 0, 0)}
        assert {(info.create_system, info.external_attr >> 16) for info in infos} == {(3, 0o100644)}
        assert [info.filename for info in infos if info.flag_bits & 0x800] == ["0000/00000090_é.svg"]
        stored = [info.filename for info in infos if info.compress_type == zipfile.ZIP_STORED]
        assert stored == [name for name, _, store in MEMBERS if store]
        assert {info.extract_version for info in infos} == {20}
    path = tmp_path / "symbols.zip"
    path.write_bytes(content)
    verify(io.BytesIO(content), summary)
    for command in (["unzip", "-tqq"], ["7z", "t"]):
        if shutil.which(command[0]):
            subprocess.run([*command, str(path)], check=True, stdout=subprocess.DEVNULL)


@given(st.lists(st.integers(0, len(MEMBERS)), max_size=6).map(sorted))
@settings(deadline=None, max_examples=20)
def test_same_bytes_however_cut(cuts: list[int]) -> None:
    bounds = [0, *cuts, len(MEMBERS)]
    parts = [MEMBERS[start:stop] for start, stop in pairwise(bounds)]
    assert assemble(parts) == assemble([MEMBERS])


def test_a_streamed_member_is_the_same_however_sliced() -> None:
    data = random.Random(1).randbytes(300_000).hex().encode() * 6
    whole = assemble([MEMBERS[:2]], [("manifest.csv", [data])])
    for step in (70_001, 1 << 20):
        slices = [data[start : start + step] for start in range(0, len(data), step)]
        assert assemble([MEMBERS[:2]], [("manifest.csv", slices)]) == whole
    with zipfile.ZipFile(io.BytesIO(whole[0])) as opened:
        assert opened.read("manifest.csv") == data
    verify(io.BytesIO(whole[0]), whole[1])
    assert whole[1].members == 3


def test_nothing_is_a_valid_archive() -> None:
    content, summary = assemble([[]])
    assert len(content) == 22
    verify(io.BytesIO(content), summary)
    assert summary.members == 0
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == []


@pytest.mark.parametrize("count", [65_534, 65_535, 70_000])
def test_many_members(count: int) -> None:
    """65,535 in the plain end record means "see ZIP64", so ZIP64 begins there."""
    content, summary = assemble([[(f"{row:08d}", b"x", True) for row in range(count)]])
    verify(io.BytesIO(content), summary)
    assert summary.members == count
    assert (b"PK\6\6" in content[-98:]) == (count >= 65_535)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert len(opened.namelist()) == count


class Sparse(io.RawIOBase):
    """An archive beyond 4 GiB of which only what is not one repeated zero block is kept."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        if any(data[:64]):
            self.file.write(data)
        else:
            self.file.seek(len(data), 1)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def test_offsets_beyond_4_gib(tmp_path: Path) -> None:
    """Members before, across and after the limit; the big ones are holes in a sparse file."""
    path = tmp_path / "big.zip"
    hole = bytes(1 << 20)
    with Sparse(path) as out, Assembler(out) as assembler:
        content, made = fragment(MEMBERS[:2])
        assembler.append_fragment(io.BytesIO(content), made)
        # 4 GiB of hole without hashing them: the test is about offsets.
        gap = (1 << 32) - assembler._out.offset - 20
        out.write(bytes(gap % len(hole)))
        for _ in range(gap // len(hole)):
            out.write(hole)
        assembler._out.offset += gap
        content, made = fragment(MEMBERS[2:5])
        assembler.append_fragment(io.BytesIO(content), made)
        assembler.add("manifest.csv", [b"row"])
        summary = assembler.close()
    assert path.stat().st_size == summary.size_bytes
    with zipfile.ZipFile(path) as opened:
        offsets = [info.header_offset for info in opened.infolist()]
        assert offsets[2] == (1 << 32) - 20 > records.MAX32 - 20
        assert [opened.read(name) for name, _, _ in MEMBERS[:5]] == [data for _, data, _ in MEMBERS[:5]]
        assert opened.read("manifest.csv") == b"row"
        assert [info.extract_version for info in opened.infolist()] == [20, 20, 20, 45, 45, 45]
    with path.open("rb") as stream, pytest.raises(CorruptArchive, match="end to end"):
        verify(stream, summary)  # the hole belongs to no member


@pytest.mark.parametrize(
    ("compressed", "size", "offset", "wide"),
    [
        (1, 1, 0xFFFFFFFE, ()),
        (1, 1, 0xFFFFFFFF, ("offset",)),
        (1, 1 << 32, 5, ("size",)),
        (1 << 33, 1 << 34, 1 << 35, ("size", "compressed", "offset")),
    ],
)
def test_wide_records_read_back(compressed: int, size: int, offset: int, wide: tuple[str, ...]) -> None:
    member = Members.of(["m"], offset=offset, method=8, crcs=[7], compressed=[compressed], sizes=[size])
    record = central_records(member)
    assert len(record) == 46 + 1 + (4 + 8 * len(wide) if wide else 0)
    parsed = _parsed(record + record, np.array([0, len(record)]))
    assert parsed.names == b"mm"
    assert (parsed.entries == np.repeat(member.entries, 2)).all()


def test_a_member_beyond_4_gib_has_both_sizes_in_its_header() -> None:
    header = local_headers(
        Members.of(["m", "n"], offset=0, method=8, crcs=[7, 7], compressed=[5, 5], sizes=[1 << 32, 9])
    )
    assert header[18:26] == b"\xff" * 8
    assert header[31:51] == bytes.fromhex("01001000" + "0000000001000000" + "0500000000000000")
    assert header[51 + 18 :] == bytes.fromhex("05000000" + "09000000" + "0100" + "0000") + b"n"


@pytest.mark.parametrize("name", ["", "x" * 65_536])
def test_a_name_must_be_one(name: str) -> None:
    with pytest.raises(RenderError, match="name"):
        FragmentWriter(OneWay()).add([("good", b""), (name, b"")])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: b"", "empty"),
        (lambda content: content + b"x", "too long: the next fragment's directory would not fit"),
        (lambda content: content[:50] + bytes([content[50] ^ 1]) + content[51:], "a bit of the data"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "a bit of a name"),
    ],
)
def test_a_damaged_fragment_is_refused(damage: Callable[[bytes], bytes], reason: str) -> None:
    content, made = fragment(MEMBERS[:4])
    damaged = damage(content)
    if reason.startswith("too long"):
        made = Fragment(made.data_bytes, made.directory_bytes + 1, made.members, made.sha256)
    with Assembler(OneWay()) as assembler, pytest.raises(CorruptArchive):
        assembler.append_fragment(io.BytesIO(damaged), made)
    with pytest.raises(CorruptArchive):
        verify_fragment(io.BytesIO(damaged), made)


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_no_changed_byte_of_an_archive_passes(flip: int) -> None:
    content, summary = SMALL
    for place in range(len(content)):
        with pytest.raises(CorruptArchive):
            verify(io.BytesIO(_changed(content, place, flip)), summary)


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_headers_and_directory_must_agree_whatever_the_digest_says(flip: int) -> None:
    content, summary = SMALL
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        data = set[int]()
        for info in opened.infolist():
            start = info.header_offset + 30 + len(info.filename.encode())
            data.update(range(start, start + info.compress_size))
    for place in set(range(len(content))) - data:
        changed = _changed(content, place, flip)
        with pytest.raises(CorruptArchive):
            verify(io.BytesIO(changed), replace(summary, sha256=hashlib.sha256(changed).hexdigest()))


def test_no_changed_byte_of_a_fragment_passes() -> None:
    """Neither by its digest, nor, where that is of the changed one, by header, size and CRC."""
    content, made = fragment(MEMBERS[88:92])
    # All but the padding bits that end a deflate stream, which carry nothing.
    for place in range(len(content)):
        changed = _changed(content, place, 0x01)
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
        verify_fragment(io.BytesIO(lying), replace(made, sha256=hashlib.sha256(lying).hexdigest()))


def _changed(content: bytes, place: int, flip: int) -> bytes:
    return content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]


SMALL = assemble([MEMBERS[90:92], MEMBERS[93:94]], [("manifest.csv", [b"row,file"])])


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
    with path.open("wb") as out, Assembler(out) as assembler:
        tracemalloc.start()
        assembler.add("manifest.csv", rows())
        summary = assembler.close()
    with path.open("rb") as stream:
        verify(stream, summary)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20
