"""Atomic writing of objects to an object store."""

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: An object up to this size is written by one request.
AT_ONCE_BYTES = 4 << 20


@contextmanager
def written(files: AbstractFileSystem, path: str) -> Generator[BinaryIO]:
    """Open an object for writing. It appears when the block ends. If the block raises, its upload is aborted."""
    upload = _Upload(lambda: cast("Any", files.open(path, "wb")))
    try:
        yield cast("BinaryIO", upload)
    except BaseException:
        upload.abort()
        raise
    if upload.begun is None:
        files.pipe_file(path, bytes(upload.held))
    else:
        upload.begun.close()


class _Upload(io.BufferedIOBase):
    """Buffers written bytes up to `AT_ONCE_BYTES`, then writes to the stream that `begin` opens."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self.held = bytearray()
        self.begun: Any = None
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: "ReadableBuffer", /) -> int:
        block = memoryview(data).cast("B")
        self._written += len(block)
        if self.begun is None:
            self.held += block
            if len(self.held) > AT_ONCE_BYTES:
                self.begun = self._begin()
                self.begun.write(self.held)
                self.held.clear()
        else:
            self.begun.write(block)
        return len(block)

    def abort(self) -> None:
        """Discard the stream without closing it. Closing it would create an incomplete object."""
        if self.begun is not None:
            self.begun.discard()
            # Otherwise its finalizer would write again.
            self.begun.closed = True
