"""Reading of streams in blocks."""

from collections.abc import Iterable, Iterator
from typing import IO

from isal import isal_zlib

from renderers.archive.records import RAW, CorruptArchive

BLOCK = 1 << 20


def blocks(stream: IO[bytes], size: int, what: str) -> Iterator[bytes]:
    """Yield exactly `size` bytes of the stream, block by block. Raises CorruptArchive if it has fewer."""
    left = size
    while left:
        block = stream.read(min(left, BLOCK))
        if not block:
            raise CorruptArchive(f"{what} ends too early", value=size - left, expected=f"{size} bytes")
        left -= len(block)
        yield block


def inflated(source: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the inflated content of raw deflate data, in pieces of at most BLOCK bytes."""
    inflator = isal_zlib.decompressobj(RAW)
    for pending in source:
        piece = inflator.decompress(pending, BLOCK)
        yield piece
        while inflator.unconsumed_tail or len(piece) == BLOCK:
            piece = inflator.decompress(inflator.unconsumed_tail, BLOCK)
            yield piece


class Window:
    """Small pieces of a source of large blocks."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._buffer = b""
        self._place = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer at the source's end."""
        if len(self._buffer) - self._place < size:
            pieces = [self._buffer[self._place :]]
            have = len(pieces[0])
            while have < size and (block := next(self._source, b"")):
                pieces.append(block)
                have += len(block)
            self._buffer, self._place = b"".join(pieces), 0
        begin, self._place = self._place, self._place + size
        return self._buffer[begin : self._place]
