"""Reading the central directory, also as other programs write it."""

import io
import random
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from renderers.archive import directory
from renderers.archive.records import CorruptArchive, Members, central_records


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
    parsed = directory._parsed(record + record, np.array([0, len(record)]))
    assert central_records(parsed) == record + record
    assert parsed.names == b"mm"
    assert (parsed.entries == np.repeat(member.entries, 2)).all()


def entries_of(stream: BinaryIO, names: set[str]) -> dict[str, np.void]:
    runs = directory.records(stream, directory.find(stream))
    members = (
        (raw, entry)
        for run in runs
        for raw, entry in zip(run.members.each_name(), run.members.entries, strict=True)
    )
    return {raw.decode(): entry for raw, entry in members if raw.decode() in names}


@pytest.mark.parametrize("members", [3, 70_000], ids=["plain", "ZIP64 end"])
def test_members_are_read_as_the_standard_library_reads_them(tmp_path: Path, members: int) -> None:
    path = tmp_path / "any.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(members):
            method = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            archive.writestr(f"ä/{number:06d}.txt", f"content {number} " * 3, method)
    wanted = {f"ä/{number:06d}.txt" for number in random.Random(7).sample(range(members), 3)} | {"none"}
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        found = entries_of(stream, wanted)
        assert set(found) == wanted - {"none"}
        assert all(directory.content(stream, entry) == archive.read(name) for name, entry in found.items())


def test_a_member_beyond_4_gib_is_found(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as stream:
        stream.truncate(1 << 32)  # a hole, which takes no room on disk
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr("beyond.txt", "here")
    with path.open("rb") as stream:
        assert directory.content(stream, entries_of(stream, {"beyond.txt"})["beyond.txt"]) == b"here"


@pytest.mark.parametrize("names", [["PK\1\2"], ["a", "PK\1\2PK\1\2", "b" * 60, "PK\1\2" + "\0" * 60, "c"]])
def test_a_mark_within_a_name_is_the_start_of_no_record(names: list[str]) -> None:
    zeros = [0] * len(names)
    members = Members.of(names, offset=0, method=0, crcs=zeros, compressed=zeros, sizes=zeros)
    raw = central_records(members)
    stream = io.BytesIO(raw)
    found = list(directory.records(stream, directory.Directory(len(names), 0, len(raw), b"")))
    assert b"".join(run.raw for run in found) == raw
    assert [name.decode() for run in found for name in run.members.each_name()] == names


@pytest.mark.parametrize("kept", [10, 46, 48, 60, -1])
def test_a_directory_that_ends_within_a_record_is_refused(kept: int) -> None:
    members = Members.of(["a", "b"], offset=0, method=0, crcs=[0, 0], compressed=[0, 0], sizes=[0, 0])
    raw = central_records(members)[:kept]
    with pytest.raises(CorruptArchive, match="cut off inside a record"):
        list(directory.records(io.BytesIO(raw), directory.Directory(2, 0, len(raw), b"")))
