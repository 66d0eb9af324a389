"""A backup's file is read back as it was written, and refused when one byte of it is not."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.upkeep import archive
from cli.upkeep.archive import BadBackup, FileChanged, Member, files_below

FILES = {"one": b"1" * 3_000_000, "folder/ü\nline": b"two", "folder/empty": b""}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "nothing in it").mkdir()
    (folder / "link").symlink_to(folder / "one")
    return folder


def members(folder: Path) -> Iterator[Member]:
    return (Member(path.relative_to(folder).as_posix(), path) for path in files_below(folder))


@pytest.fixture
def saved(source: Path) -> bytes:
    stream = io.BytesIO()
    assert archive.write(members(source), stream) == (len(FILES), sum(map(len, FILES.values())))
    return stream.getvalue()


def restored(content: bytes, folder: Path) -> dict[str, bytes]:
    assert archive.read(io.BytesIO(content), folder.joinpath) == len(FILES)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_was_saved_comes_back_with_its_time(source: Path, saved: bytes, tmp_path: Path) -> None:
    back = tmp_path / "back"
    assert restored(saved, back) == FILES
    assert (back / "nothing in it").is_dir()
    assert not (back / "link").exists()
    for name in FILES:
        assert (back / name).stat().st_mtime == pytest.approx((source / name).stat().st_mtime, abs=1e-5)


def test_it_can_be_checked_without_us(saved: bytes, tmp_path: Path) -> None:
    subprocess.run(["tar", "-x"], input=saved, cwd=tmp_path, check=True)
    command = ["sha256sum", "--check", "--strict", archive.SUMS]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_part_of_it_is_no_backup(saved: bytes, tmp_path: Path, share: float) -> None:
    with pytest.raises(BadBackup):
        archive.read(io.BytesIO(saved[: int(len(saved) * share)]), tmp_path.joinpath)


def test_a_changed_byte_is_found_and_the_file_named(saved: bytes, tmp_path: Path) -> None:
    at = saved.index(b"11111")
    damaged = saved[:at] + b"2" + saved[at + 1 :]
    with pytest.raises(BadBackup, match="'one' is damaged"):
        archive.read(io.BytesIO(damaged), tmp_path.joinpath)


def _tar(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type = kind
            tar.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_tar("../outside"), "neither a file nor a folder of a backup"),
        (_tar("/outside"), "neither a file nor a folder of a backup"),
        (_tar("link", kind=tarfile.SYMTYPE), "neither a file nor a folder of a backup"),
        (_tar("device", kind=tarfile.CHRTYPE), "neither a file nor a folder of a backup"),
        (_tar("one"), "ends before"),
        (_tar("one", archive.SUMS), "'one' is damaged"),
        (_tar(archive.SUMS, "one"), "something follows"),
        (b"no archive at all", "."),
    ],
)
def test_another_archive_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(BadBackup, match=why):
        archive.read(io.BytesIO(content), inside.joinpath)
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_gone_is_left_out_and_one_that_shrinks_ends_it(source: Path) -> None:
    def vanishing() -> Iterator[Member]:
        for member in members(source):
            if member.name == "one":
                member.path.unlink()
            yield member

    assert archive.write(vanishing(), io.BytesIO())[0] == len(FILES) - 1

    class Shrinking(io.BytesIO):
        """Takes what is written, and cuts the file that it comes from."""

        def write(self, data: object, /) -> int:
            (source / "folder/ü\nline").write_bytes(b"")
            return super().write(data)  # pyright: ignore[reportArgumentType]

    (source / "folder/ü\nline").write_bytes(b"x" * 40_000_000)
    with pytest.raises(FileChanged, match="changed while it was saved"):
        archive.write(members(source), Shrinking())
