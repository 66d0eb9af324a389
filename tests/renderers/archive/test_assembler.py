"""ZIP archives: the same bytes for every division into parts, and readable by other programs."""

import hashlib
import io
import random
import shutil
import subprocess
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderers.archive import records
from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.records import CorruptArchive
from renderers.archive.verification import verify
from renderers.digested_stream import DigestedStream
from tests.renderers.archive.samples import MEMBERS, assemble, fragment


def test_others_read_it(tmp_path: Path) -> None:
    content, summary = assemble(
        [MEMBERS], [("manifest.csv", [b"row,file\r\n", b"0,a\r\n"]), ("errors.csv", [])]
    )
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        directory = content[opened.start_dir : content.rindex(records.END_MARK)]
    digest, crc32 = hashlib.sha256(content).hexdigest(), zlib.crc32(directory)
    assert summary == ArchiveSummary(len(content), len(MEMBERS) + 2, digest, crc32)
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


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
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
    with Sparse(path) as out, Assembler(DigestedStream(out)) as assembler:
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
