"""Read streams in blocks."""

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
