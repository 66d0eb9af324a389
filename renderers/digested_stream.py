"""A stream that counts and digests what is written to it."""

from hashlib import sha256
from typing import BinaryIO


class DigestedStream:
    """Writes to a stream, which need not seek; `offset` is the number of bytes written so far."""

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
