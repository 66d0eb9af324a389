"""Streams that count and digest what is written to them."""

from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import BinaryIO

from isal import isal_zlib

#: A smaller piece is digested before another thread would have begun with it.
_LEAST_BYTES = 1 << 18


class Sha256:
    """SHA-256 of large pieces, taken in a thread of its own while the caller copies or reads the next one.

    One piece waits at most. The thread ends when the object is no longer used.
    """

    def __init__(self) -> None:
        self._digest = sha256()
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def update(self, data: bytes) -> None:
        self._wait()
        if len(data) < _LEAST_BYTES:
            self._digest.update(data)
        else:
            self._pending = self._pool.submit(self._digest.update, data)

    def hexdigest(self) -> str:
        self._wait()
        return self._digest.hexdigest()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


class DigestedStream:
    """Writes to a stream, which need not seek; `offset` bytes were written so far, with this `crc32`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._digest = Sha256()
        self.offset = self.crc32 = 0

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._out.write(data)
        self.offset += len(data)
        self.crc32 = isal_zlib.crc32(data, self.crc32)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
