"""Where a job keeps what it makes: one folder per job under one fsspec root."""

import json
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

#: Suffix of an object that is still being written.
_UNFINISHED = ".tmp"


class ArtefactStore:
    """Objects by key under `root_url`. Every object appears whole or not at all.

    The file system is opened at first use, so a store made before a fork works in the child.
    """

    def __init__(self, root_url: str) -> None:
        self.root_url = root_url

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        # fsspec's own annotations say text where it takes bytes.
        return url_to_fs(self.root_url)

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @property
    def _local(self) -> bool:
        return isinstance(self._fs, LocalFileSystem)

    def _path(self, key: str) -> str:
        return posixpath.join(self._root, key)

    def exists(self, key: str) -> bool:
        return bool(self._fs.exists(self._path(key)))

    def size(self, key: str) -> int:
        return int(self._fs.size(self._path(key)))

    def open(self, key: str) -> BinaryIO:
        """Open for reading, seekable. Raises FileNotFoundError."""
        return cast("BinaryIO", self._fs.open(self._path(key), "rb"))

    def local_path(self, key: str) -> Path | None:
        """Return the object's path on this machine's disk, or None if the store is elsewhere or has no such object."""
        path = Path(self._path(key))
        return path if self._local and path.exists() else None

    def presigned_url(self, key: str, ttl_seconds: int, filename: str) -> str | None:
        """Return a time-limited URL, or None if the store has none."""
        if self._local:
            return None
        disposition = f'attachment; filename="{filename}"'
        try:
            return str(
                self._fs.sign(self._path(key), expiration=ttl_seconds, ResponseContentDisposition=disposition)
            )
        except NotImplementedError:
            return None

    @contextmanager
    def on_disk(self, key: str) -> Generator[Path]:
        """Yield a local file with the object's bytes: the object itself, or a temporary copy."""
        if (path := self.local_path(key)) is not None:
            yield path
            return
        with tempfile.NamedTemporaryFile(suffix=posixpath.basename(key)) as copy:
            with self.open(key) as source:
                shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            yield Path(copy.name)

    @contextmanager
    def write(self, key: str) -> Generator[BinaryIO]:
        """Open a temporary object. It gets the name `key` when the block ends, or is removed if the block raises.

        An exception inside `fs.open(…, "wb")` would commit a truncated object on S3, so the final
        name is only ever given to a finished one.
        """
        path = self._path(key)
        temporary = f"{path}.{uuid.uuid4().hex}{_UNFINISHED}"
        self._fs.makedirs(posixpath.dirname(path), exist_ok=True)
        try:
            with self._fs.open(temporary, "wb") as stream:
                yield cast("BinaryIO", stream)
            self._move(temporary, path)
        except BaseException:
            # The first error is the one to report. The storage may refuse this removal too.
            with suppress(Exception):
                self._fs.rm_file(temporary)
            raise

    def _move(self, source: str, target: str) -> None:
        if self._local:
            Path(source).replace(target)
        else:
            self._fs.mv(source, target)

    def move(self, source: str, target: str) -> None:
        """Give the object `source` the key `target`."""
        self._move(self._path(source), self._path(target))

    def copy(self, source: str, target: str) -> None:
        """Give the content of `source` the key `target` as well. Raises FileNotFoundError."""
        with self.open(source) as original, self.write(target) as copy:
            shutil.copyfileobj(original, copy, 1 << 20)

    def create(self, key: str, data: bytes) -> bool:
        """Create the object exclusively. Return True to the one writer that created it, False to all others.

        On a local disk the name exists before its content does, so the content is written first
        and linked to the name: a crash leaves no empty object.
        """
        path = self._path(key)
        self._fs.makedirs(posixpath.dirname(path), exist_ok=True)
        if not self._local:
            try:
                with self._fs.open(path, "xb") as stream:
                    stream.write(data)
            except FileExistsError:
                return False
            return True
        # Not named as unfinished: the other creator of this object may be removing unfinished ones.
        temporary = Path(f"{path}.{uuid.uuid4().hex}.new")
        try:
            temporary.write_bytes(data)
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            # The object exists under its name. A leftover temporary file does no harm.
            with suppress(OSError):
                temporary.unlink()
        return True

    def write_json(self, key: str, document: dict[str, Any]) -> None:
        with self.write(key) as stream:
            stream.write(canonical_json(document))

    def read_json(self, key: str) -> dict[str, Any]:
        with self.open(key) as stream:
            return cast("dict[str, Any]", json.load(stream))

    def delete(self, key: str) -> None:
        """Remove the object. No error if it is absent."""
        path = self._path(key)
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def delete_folder(self, key: str) -> None:
        """Remove everything below `key`. No error if there is nothing."""
        path = self._path(key)
        if self._fs.exists(path):
            self._fs.rm(path, recursive=True)

    def delete_unfinished(self, folder: str) -> None:
        """Remove objects that killed writers left unfinished in this folder. No writer may be active there."""
        for path in self._fs.find(self._path(folder), maxdepth=1):
            if path.endswith(_UNFINISHED):
                self._fs.rm_file(path)


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the document as JSON, always the same bytes for the same content."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
