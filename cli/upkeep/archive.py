"""The file of a backup: one tar archive whose last member lists the SHA-256 of every other one.

That member has the format of `sha256sum --check`, so a backup can be checked without this program.
"""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from gs1.errors import LabelError

SUMS = "SHA256SUMS"

_BLOCK_BYTES = 1 << 20


class BadBackup(LabelError):
    """The file is not a whole backup."""

    code = "bad_backup"

    def __init__(self, why: str) -> None:
        super().__init__(f"This is not a whole backup: {why}.")


class FileChanged(LabelError):
    """A file became shorter while it was saved."""

    code = "file_changed"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} changed while it was saved. Run the backup again.", value=str(path))


@dataclass(frozen=True, slots=True)
class Member:
    """A file to save: its name in the archive, and where it is now."""

    name: str
    path: Path


def write(members: Iterable[Member], stream: BinaryIO) -> tuple[int, int]:
    """Write an archive of the members in their order. Return the number of files and of bytes.

    A member that was removed meanwhile is left out. Empty folders are kept. Raises FileChanged.
    """
    files = size = 0
    with (
        tempfile.TemporaryFile() as sums,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for member in members:
            try:
                if member.path.is_dir():
                    tar.add(member.path, member.name, recursive=False)
                    continue
                source = member.path.open("rb")
            except FileNotFoundError:
                continue
            with source:
                info = tar.gettarinfo(arcname=member.name, fileobj=source)
                reader = _Digesting(source)
                try:
                    tar.addfile(info, cast("IO[bytes]", reader))
                except OSError as error:
                    # tarfile raises an OSError without errno if the file ended early.
                    if error.errno is None:
                        raise FileChanged(member.path) from error
                    raise
            sums.write(_line(reader.hexdigest(), member.name))
            files += 1
            size += info.size
        info = tarfile.TarInfo(SUMS)
        info.size = sums.tell()
        sums.seek(0)
        tar.addfile(info, sums)
    return files, size


def read(stream: BinaryIO, target: Callable[[str], Path]) -> int:
    """Write every member to the path that `target` returns for its name. Return the number of files.

    Raises BadBackup if a member is missing, damaged or unexpected. Files written until then stay.
    """
    files = 0
    try:
        with tempfile.TemporaryFile() as sums, tarfile.open(fileobj=stream, mode="r|") as tar:
            for info in tar:
                if info.name == SUMS and (content := tar.extractfile(info)):
                    _compare(sums, content)
                    if tar.next() is not None:
                        raise BadBackup(f"something follows {SUMS}")
                    return files
                _require_plain(info)
                path = target(info.name)
                if info.isdir():
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                sums.write(_line(_extract(tar, info, path), info.name))
                files += 1
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"{error}") from error
    raise BadBackup(f"it ends before {SUMS}")


def _extract(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> str:
    """Write the member to the path with its modification time. Return its SHA-256."""
    reader = _Digesting(cast("IO[bytes]", tar.extractfile(info)))
    with path.open("xb") as out:
        shutil.copyfileobj(reader, out, _BLOCK_BYTES)
    os.utime(path, (info.mtime, info.mtime))
    return reader.hexdigest()


def _require_plain(info: tarfile.TarInfo) -> None:
    """Raise BadBackup unless the member is a file or folder below the archive's root."""
    name = PurePosixPath(info.name)
    if not (info.isreg() or info.isdir()) or name.is_absolute() or ".." in name.parts:
        raise BadBackup(f"{info.name!r} is neither a file nor a folder of a backup")


def _compare(ours: IO[bytes], theirs: IO[bytes]) -> None:
    """Raise BadBackup at the first line in which the two differ."""
    ours.seek(0)
    expected = iter(theirs)
    for line in ours:
        if next(expected, None) != line:
            raise BadBackup(f"{_name(line)!r} is damaged")
    for line in expected:
        raise BadBackup(f"{_name(line)!r} is missing")


def _line(digest: str, name: str) -> bytes:
    # A name with a line break or a backslash is escaped like in sha256sum.
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n".encode(errors="surrogateescape")


def _name(line: bytes) -> str:
    return line.decode(errors="backslashreplace").partition("  ")[2].rstrip("\n")


class _Digesting(io.RawIOBase):
    """Reads another stream and computes the digest of the bytes read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        self._digest.update(block)
        return block

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the regular files and empty folders below the folder. Links are left out."""
    if not folder.is_dir():
        return
    for path, folders, names in os.walk(folder):
        here = Path(path)
        if not folders and not names:
            yield here
        for name in sorted(names):
            if not (found := here / name).is_symlink() and found.is_file():
                yield found
