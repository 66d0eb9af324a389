"""Where a job keeps what it makes: one folder per job under one fsspec root."""

import io
import json
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Suffix of an object that is still being written.
_UNFINISHED = ".tmp"

#: Stores that take no folders: to make one would be a request that finds the bucket.
_WITHOUT_FOLDERS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})

#: An object of at most so many bytes is one request to an object store. It appears whole or not at all.
_AT_ONCE_BYTES = 4 << 20


class _Upload(io.BufferedIOBase):
    """Holds what is written, until it is too much to hold: then it goes into the stream that `begin` opens."""

    def __init__(self, begin: Callable[[], BinaryIO]) -> None:
        self._begin = begin
        self._held = bytearray()
        self._begun: BinaryIO | None = None
        self._written = 0

    @property
    def held(self) -> bytes | None:
        """All that was written, or None if it was too much."""
        return bytes(self._held) if self._begun is None else None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: "ReadableBuffer", /) -> int:
        block = memoryview(data).cast("B")
        self._written += len(block)
        if self._begun is None:
            self._held += block
            if len(self._held) > _AT_ONCE_BYTES:
                self._begun = self._begin()
                self._begun.write(self._held)
                self._held.clear()
        else:
            self._begun.write(block)
        return len(block)


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
    def is_local(self) -> bool:
        """Whether the objects are files of this machine."""
        return isinstance(self._fs, LocalFileSystem)

    def _make_folder(self, path: str) -> None:
        protocols = self._fs.protocol
        if _WITHOUT_FOLDERS.isdisjoint((protocols,) if isinstance(protocols, str) else protocols):
            self._fs.makedirs(posixpath.dirname(path), exist_ok=True)

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
        return path if self.is_local and path.exists() else None

    def presigned_url(self, key: str, ttl_seconds: int, filename: str) -> str | None:
        """Return a time-limited URL, or None if the store has none."""
        if self.is_local:
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
        name is only ever given to a finished one. Elsewhere than on a local disk, a small object is held in memory
        and created by one request.
        """
        path = self._path(key)
        temporary = f"{path}.{uuid.uuid4().hex}{_UNFINISHED}"
        self._make_folder(path)
        try:
            with ExitStack() as stack:

                def begin() -> BinaryIO:
                    return cast("BinaryIO", stack.enter_context(self._fs.open(temporary, "wb")))

                if self.is_local:
                    yield begin()
                    held = None
                else:
                    upload = _Upload(begin)
                    yield cast("BinaryIO", upload)
                    held = upload.held
            if held is None:
                self._move(temporary, path)
            else:
                self._fs.pipe_file(path, held)
        except BaseException:
            # The first error is the one to report. The storage may refuse this removal too.
            with suppress(Exception):
                self._fs.rm_file(temporary)
            raise

    def _move(self, source: str, target: str) -> None:
        if self.is_local:
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
        self._make_folder(path)
        if not self.is_local:
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

    def read(self, key: str) -> bytes:
        """Return a small object's content, by one request. Raises FileNotFoundError."""
        # Without a start, s3fs asks for the size first.
        return bytes(self._fs.cat_file(self._path(key), start=0))

    def read_json(self, key: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.read(key)))

    def require_writable(self) -> None:
        """Write a small object. Raises OSError, or the error of the storage's driver, if that fails."""
        with self.write("health/probe") as stream:
            stream.write(b"ok\n")

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

    def keys(self, folder: str) -> set[str]:
        """Return the keys of all objects below the folder now."""
        path = self._path(folder)
        # A listing that the file system remembers would hide what others write later.
        self._fs.invalidate_cache(path)
        found = {str(name)[len(self._root) :].lstrip("/") for name in self._fs.find(path)}
        self._fs.invalidate_cache(path)
        return found

    def delete_unfinished(self, folder: str) -> None:
        """Remove objects that killed writers left unfinished in this folder. No writer may be active there."""
        for path in self._fs.find(self._path(folder), maxdepth=1):
            if is_unfinished(path):
                self._fs.rm_file(path)


def is_unfinished(key: str) -> bool:
    """Return whether the key is that of an object whose writer has not finished, or was killed."""
    return key.endswith(_UNFINISHED)


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the document as JSON, always the same bytes for the same content."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
