"""A file being written: how long it is so far, and its SHA-256."""

from hashlib import sha256
from typing import BinaryIO


class DigestedStream:
    """Hands on what is written to a stream that need not seek, and keeps its `offset` and digest."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._digest = sha256()
        self.offset = 0

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self._digest.update(data)
        self.offset += len(data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
