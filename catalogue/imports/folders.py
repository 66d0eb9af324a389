"""An inbox's folders: on the local disk, opened without following links, or in an object store.

The owner of a folder may change what is in it at any time. So each folder below the root is opened relative
to its opened parent, and a file is copied before its content is read.
"""

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from catalogue.errors import ImportFileError
from catalogue.storage.object_stores import open_store

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to must not stop the import.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Errors from opening a link, a socket, and a file that we may not read.
_REFUSED = {errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM}

# Names that object stores give to a value that changes with the content, the most exact first.
_VERSION_KEYS = ("ETag", "etag", "LastModified", "created")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or link in a folder, never a folder. `stamp` changes with its content."""

    name: str
    stamp: str


class Folders(Protocol):
    """The folders `<root>/<organisation>` and those below them; `folder` is "" or the name of one of those."""

    def organisations(self) -> list[str]: ...

    def entries(self, organisation: str, folder: str) -> list[Entry]: ...

    def move(self, organisation: str, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Move a file, given as folder and name. Raises FileNotFoundError."""
        ...

    def carry(self, organisation: str, folder: str, entry: Entry, target: tuple[str, str]) -> str | None:
        """Move a file; return its stamp at the target, or None if the file has changed since it was seen.

        With None, nothing was moved. Raises FileNotFoundError.
        """
        ...

    def copy(self, organisation: str, source: tuple[str, str], to: Path) -> str:
        """Copy a file; return its stamp afterwards. Raises ImportFileError unless it is a plain file."""
        ...

    def stamp(self, organisation: str, file: tuple[str, str]) -> str: ...

    def put(self, organisation: str, source: Path, target: tuple[str, str]) -> None: ...


def folders_at(root_url: str) -> Folders:
    filesystem, root = open_store(root_url)
    if isinstance(filesystem, LocalFileSystem):
        return LocalFolders(Path(root))
    return ObjectFolders(filesystem, root.rstrip("/"))


class LocalFolders:
    """Folders on the disk. Links in them are entries like others, and never followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def organisations(self) -> list[str]:
        try:
            with os.scandir(self._root) as found:
                return sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def entries(self, organisation: str, folder: str) -> list[Entry]:
        try:
            with self._opened(organisation, folder) as opened, os.scandir(opened) as found:
                names = [entry.name for entry in found if not entry.is_dir(follow_symlinks=False)]
                return [
                    Entry(name, stamp) for name in names if (stamp := _stamp_of(opened, name)) is not None
                ]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []

    def move(self, organisation: str, source: tuple[str, str], target: tuple[str, str]) -> None:
        with (
            self._opened(organisation, source[0]) as left,
            self._opened(organisation, target[0], make=True) as right,
        ):
            os.rename(source[1], target[1], src_dir_fd=left, dst_dir_fd=right)

    def carry(self, organisation: str, folder: str, entry: Entry, target: tuple[str, str]) -> str:
        self.move(organisation, (folder, entry.name), target)
        # `copy` notices a change.
        return entry.stamp

    def copy(self, organisation: str, source: tuple[str, str], to: Path) -> str:
        with self._opened(organisation, source[0]) as opened:
            try:
                descriptor = os.open(source[1], _FILE, dir_fd=opened)
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
                raise _no_plain_file(to.name) from error
            with os.fdopen(descriptor, "rb") as file, to.open("wb") as copied:
                found = os.fstat(descriptor)
                plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
                if not plain or found.st_dev != os.fstat(opened).st_dev:
                    raise _no_plain_file(to.name)
                shutil.copyfileobj(file, copied, 1 << 20)
                return _stamp(os.fstat(descriptor))

    def stamp(self, organisation: str, file: tuple[str, str]) -> str:
        with self._opened(organisation, file[0]) as opened:
            return _stamp(os.stat(file[1], dir_fd=opened, follow_symlinks=False))

    def put(self, organisation: str, source: Path, target: tuple[str, str]) -> None:
        # Write under an unpredictable name first: the target's name may already be a link to somewhere else.
        written = f".{uuid.uuid4()}"
        with self._opened(organisation, target[0], make=True) as opened:
            with (
                source.open("rb") as file,
                os.fdopen(os.open(written, _NEW_FILE, 0o644, dir_fd=opened), "wb") as out,
            ):
                shutil.copyfileobj(file, out)
            os.rename(written, target[1], src_dir_fd=opened, dst_dir_fd=opened)

    @contextmanager
    def _opened(self, organisation: str, folder: str, *, make: bool = False) -> Generator[int]:
        """Yield a descriptor of the folder. With `make`, create a missing folder below the organisation's."""
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            own = os.open(organisation, _FOLDER, dir_fd=root)
        finally:
            os.close(root)
        try:
            if not folder:
                yield own
                return
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder, dir_fd=own)
            kept = os.open(folder, _FOLDER, dir_fd=own)
            try:
                yield kept
            finally:
                os.close(kept)
        finally:
            os.close(own)


class ObjectFolders:
    """Folders in an object store, where an object is only ever replaced as a whole and a move is a copy.

    An object that replaces another between the last check and the removal is lost: not every store has
    conditional removal.
    """

    def __init__(self, filesystem: AbstractFileSystem, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    def organisations(self) -> list[str]:
        found = self._listed(self._root, "directory")
        return sorted(str(entry["name"]).rstrip("/").rpartition("/")[2] for entry in found)

    def entries(self, organisation: str, folder: str) -> list[Entry]:
        listed = self._listed(self._path(organisation, (folder, "")).rstrip("/"), "file")
        named = [(str(entry["name"]).rpartition("/")[2], _version(entry)) for entry in listed]
        return [Entry(name, version) for name, version in named if name]

    def move(self, organisation: str, source: tuple[str, str], target: tuple[str, str]) -> None:
        # fsspec's `mv` takes a name with brackets for a pattern.
        self._filesystem.cp_file(self._path(organisation, source), self._path(organisation, target))
        self._filesystem.rm_file(self._path(organisation, source))

    def carry(self, organisation: str, folder: str, entry: Entry, target: tuple[str, str]) -> str | None:
        source, carried = self._path(organisation, (folder, entry.name)), self._path(organisation, target)
        self._filesystem.cp_file(source, carried)
        if self.stamp(organisation, (folder, entry.name)) != entry.stamp:
            self._filesystem.rm_file(carried)
            return None
        self._filesystem.rm_file(source)
        return self.stamp(organisation, target)

    def copy(self, organisation: str, source: tuple[str, str], to: Path) -> str:
        self._filesystem.get_file(self._path(organisation, source), str(to))
        return self.stamp(organisation, source)

    def stamp(self, organisation: str, file: tuple[str, str]) -> str:
        self._filesystem.invalidate_cache()
        return _version(self._filesystem.info(self._path(organisation, file)))

    def put(self, organisation: str, source: Path, target: tuple[str, str]) -> None:
        self._filesystem.put_file(str(source), self._path(organisation, target))

    def _path(self, organisation: str, file: tuple[str, str]) -> str:
        folder, name = file
        return (
            f"{self._root}/{organisation}/{folder}/{name}"
            if folder
            else f"{self._root}/{organisation}/{name}"
        )

    def _listed(self, path: str, kind: str) -> list[dict[str, object]]:
        self._filesystem.invalidate_cache()
        try:
            return [entry for entry in self._filesystem.ls(path, detail=True) if entry["type"] == kind]
        except FileNotFoundError:
            return []


def _no_plain_file(name: str) -> ImportFileError:
    return ImportFileError(
        f"{name} is no plain file that can be read",
        value=name,
        expected="a regular file with one name, that the service may read; no link, pipe or device",
    )


def _stamp_of(folder: int, name: str) -> str | None:
    try:
        return _stamp(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size}|{found.st_mtime_ns}|{found.st_ino}"


def _version(entry: Mapping[str, object]) -> str:
    changed = next((entry[key] for key in _VERSION_KEYS if entry.get(key)), "")
    # Some stores give a number in listings, and a date in the description of one file.
    return f"{entry['size']}|{changed.timestamp() if isinstance(changed, datetime) else changed}"
