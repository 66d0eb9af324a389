"""The store of the jobs' objects: one folder per job under one fsspec root."""

import json
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.implementations.local import LocalFileSystem

from catalogue.storage.object_stores import is_s3, open_store
from exports.storage import addresses, creation, joining, removal, writing
from exports.storage.joining import LEAST_BYTES, Join, Piece
from renderers.digested_stream import DigestedStream

#: Suffix of a file that is still being written.
_UNFINISHED = ".tmp"


class ArtefactStore:
    """Objects by key under `root_url`. Writes are atomic.

    The file system is opened at first use, so a store made before a fork works in the child. A `patient` store retries
    through outages of an object store; a store that serves clients should not. `public_endpoint` is the address of an
    S3 store for clients, if it differs from the service's.
    """

    #: Whether to join objects by copying, if the store supports it.
    _can_join = True

    def __init__(self, root_url: str, *, patient: bool = True, public_endpoint: str = "") -> None:
        self.root_url = root_url
        self._patient = patient
        self._public_endpoint = public_endpoint

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        # Any, because fsspec's annotations say str where it takes bytes.
        return open_store(self.root_url, patient=self._patient)

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @cached_property
    def _signing(self) -> Any:
        """The file system that signs addresses for clients. The signature includes the host."""
        if not (self._public_endpoint and is_s3(self._fs)):
            return self._fs
        return open_store(self.root_url, patient=False, endpoint_url=self._public_endpoint)[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @property
    def is_local(self) -> bool:
        """Whether the objects are files of this machine."""
        return isinstance(self._fs, LocalFileSystem)

    def _path(self, key: str) -> str:
        return posixpath.join(self._root, key)

    def exists(self, key: str) -> bool:
        return bool(self._fs.exists(self._path(key)))

    def size(self, key: str) -> int:
        return int(self._fs.size(self._path(key)))

    def open(self, key: str, *, ahead: bool = True) -> BinaryIO:
        """Open for reading, seekable. Without `ahead`, only the bytes read are fetched. Raises FileNotFoundError."""
        cache = {} if ahead or self.is_local else {"cache_type": "none"}
        return cast("BinaryIO", self._fs.open(self._path(key), "rb", **cache))

    def local_path(self, key: str) -> Path | None:
        """Return the object's path on this machine's disk, or None if the store is elsewhere or has no such object."""
        path = Path(self._path(key))
        return path if self.is_local and path.exists() else None

    def presigned_url(self, key: str, ttl_seconds: int, filename: str) -> str | None:
        """Return a time-limited URL, or None if the store has none."""
        return addresses.presigned(self._signing, self._path(key), ttl_seconds, filename)

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
        """Open an object for writing. It appears as `key` when the block ends. If the block raises, it is removed."""
        path = self._path(key)
        if not self.is_local:
            with writing.written(self._fs, path) as stream:
                yield stream
            return
        temporary = Path(f"{path}.{uuid.uuid4().hex}{_UNFINISHED}")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                yield stream
            temporary.replace(path)
        except BaseException:
            # Report the first error. The storage may refuse this removal too.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    @contextmanager
    def join(self, key: str, copied_bytes: int) -> Generator[DigestedStream | Join]:
        """Open an object for joining others of `copied_bytes` in total. It appears like one of `write`.

        Yields a Join if the store can copy objects itself, otherwise a stream for the bytes.
        """
        if self._can_join and is_s3(self._fs) and copied_bytes >= 2 * LEAST_BYTES:
            with joining.joined(self._fs, self._path(key), copied_bytes) as join:
                yield join
        else:
            with self.write(key) as stream:
                yield DigestedStream(stream)

    def copy_into(self, join: Join, key: str, piece: Piece) -> None:
        """Append this piece, the object's first bytes, to the join."""
        join.copy(self._path(key), piece)

    def copy(self, source: str, target: str) -> None:
        """Copy the object `source` to the key `target`. Raises FileNotFoundError."""
        with self.open(source) as original, self.write(target) as copy:
            shutil.copyfileobj(original, copy, 1 << 20)

    def create(self, key: str, data: bytes) -> bool:
        """Create the object exclusively. Return True to the one writer that created it, False to all others.

        On a local disk the content is written to a temporary file first, which is then linked to the name, so that a
        crash leaves no empty object.
        """
        path = self._path(key)
        if not self.is_local:
            return creation.create(self._fs, path, data)
        # Without the suffix of unfinished files, because another creator of this object may be removing those.
        temporary = Path(f"{path}.{uuid.uuid4().hex}.new")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            # The object exists. A remaining temporary file does no harm.
            with suppress(OSError):
                temporary.unlink()
        return True

    def write_json(self, key: str, document: dict[str, Any]) -> None:
        with self.write(key) as stream:
            stream.write(canonical_json(document))

    def read(self, key: str) -> bytes:
        """Return the content of a small, non-empty object by one request. Raises FileNotFoundError."""
        # Without a start, s3fs would request the size first.
        return bytes(self._fs.cat_file(self._path(key), start=0))

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        """Return the object's bytes [start, stop). Raises FileNotFoundError."""
        return bytes(self._fs.cat_file(self._path(key), start=start, end=stop))

    def read_json(self, key: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.read(key)))

    def require_writable(self) -> None:
        """Write a small object. Raises OSError, or the error of the storage's driver, if that fails."""
        with self.write("health/probe") as stream:
            stream.write(b"ok\n")

    def delete(self, key: str) -> None:
        """Remove the object. No error if it is absent."""
        removal.remove(self._fs, [self._path(key)])

    def delete_folder(self, key: str) -> None:
        """Remove everything below `key`. No error if there is nothing."""
        path = self._path(key)
        if not self.is_local:
            removal.remove(self._fs, self._fs.find(path))
        elif Path(path).is_dir():
            shutil.rmtree(path)

    def keys(self, folder: str) -> set[str]:
        """Return the keys of all objects below the folder."""
        found = self._fs.find(self._path(folder))
        return {str(name)[len(self._root) :].lstrip("/") for name in found}

    def delete_unfinished(self, folder: str) -> None:
        """Remove unfinished files of killed writers in this folder. No writer may be active there."""
        path = self._path(folder)
        left = self._fs.find(path, maxdepth=1) if self.is_local else ()
        removal.remove(self._fs, [file for file in left if file.endswith(_UNFINISHED)])
        removal.abort_uploads(self._fs, path)

    def abort_uploads(self, before: datetime) -> int:
        """Abort the incomplete uploads that began before this time. Return their number. `before` is aware."""
        return removal.abort_uploads(self._fs, self._root, before)


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the document as JSON, always the same bytes for the same content."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
