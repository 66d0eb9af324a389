"""Join fragments into one archive by copying."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Protocol, Self

from isal import isal_zlib

from renderers.archive.fragments import ArchiveFragment, read_directory
from renderers.archive.records import (
    DEFLATED,
    LEVEL,
    RAW,
    CorruptArchive,
    Members,
    central_records,
    end_records,
    local_headers,
)
from renderers.archive.streams import BLOCK, blocks, inflated

_SPOOL_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """A finished archive: size in bytes, members, SHA-256 (hex), CRC-32 of the central directory's records.

    `sha256` is None if the storage copied some of the bytes, because then not all were read.
    """

    size_bytes: int
    members: int
    sha256: str | None
    directory_crc32: int


class Output(Protocol):
    """The output of an archive. `offset` is its size so far. The SHA-256 is known if all bytes were written here."""

    @property
    def offset(self) -> int: ...
    def write(self, data: bytes) -> None: ...
    def hexdigest(self) -> str | None: ...


class Assembler:
    """Writes one archive. Use as a context manager, or close it."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._directory = SpooledTemporaryFile[bytes](_SPOOL_BYTES)
        self._members = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._directory.close()

    def append_fragment(self, stream: IO[bytes], fragment: ArchiveFragment) -> None:
        """Copy a fragment from a stream, which is at the fragment's first byte. The stream need not be seekable.

        Raises CorruptArchive if the fragment does not match its description. Discard the archive then.
        """
        base, crc = self._out.offset, 0
        for block in blocks(stream, fragment.data_bytes, "The fragment's data"):
            crc = isal_zlib.crc32(block, crc)
            self._out.write(block)
        directory = b"".join(blocks(stream, fragment.directory_bytes, "The fragment's directory"))
        fragment.require_crc32(isal_zlib.crc32(directory, crc))
        self._record(read_directory(directory, fragment).moved(base))

    def append_copied(self, fragment: ArchiveFragment, directory: bytes, copy: Callable[[], None]) -> None:
        """Append a fragment. `copy` appends its data to the output without reading them. `directory` is given.

        Raises CorruptArchive if the directory is not the fragment's. Discard the archive then.
        """
        fragment.require_crc32(isal_zlib.crc32(directory, fragment.data_crc32))
        base = self._out.offset
        copy()
        self._record(read_directory(directory, fragment).moved(base))

    def add(self, name: str, chunks: Iterable[bytes]) -> int:
        """Write one deflated member of any size, given in chunks. Return its CRC-32. Chunk sizes do not matter.

        The member is compressed to a spool first, so that its header can have the sizes. Every reader supports that,
        and small members need no ZIP64 field. Raises CorruptArchive if the compressed data does not inflate to the
        member.
        """
        size = crc = read_crc = 0
        compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, RAW)
        with SpooledTemporaryFile[bytes](_SPOOL_BYTES) as spool:
            # isal's output depends on the sizes of its input blocks.
            for block in _recut(chunks):
                size += len(block)
                crc = isal_zlib.crc32(block, crc)
                spool.write(compressor.compress(block))
            spool.write(compressor.flush())
            compressed = spool.tell()
            member = Members.of(
                [name],
                offset=self._out.offset,
                method=DEFLATED,
                crcs=[crc],
                compressed=[compressed],
                sizes=[size],
            )
            self._out.write(local_headers(member))
            spool.seek(0)
            for piece in inflated(self._written(blocks(spool, compressed, "The compressed member"))):
                read_crc = isal_zlib.crc32(piece, read_crc)
        if read_crc != crc:
            raise CorruptArchive("The member does not inflate to what it was", value=name)
        self._record(member)
        return crc

    def close(self) -> ArchiveSummary:
        """Write the central directory and return the archive's size and digest. The stream stays open."""
        offset, directory_bytes = self._out.offset, self._directory.tell()
        self._directory.seek(0)
        crc = 0
        for block in blocks(self._directory, directory_bytes, "The spooled directory"):
            crc = isal_zlib.crc32(block, crc)
            self._out.write(block)
        self._directory.close()
        self._out.write(end_records(self._members, directory_bytes, offset))
        return ArchiveSummary(self._out.offset, self._members, self._out.hexdigest(), crc)

    def _written(self, source: Iterable[bytes]) -> Iterator[bytes]:
        for block in source:
            self._out.write(block)
            yield block

    def _record(self, members: Members) -> None:
        self._directory.write(central_records(members))
        self._members += len(members)


def _recut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of one size, the last one shorter."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        if len(buffer) >= BLOCK:
            whole = len(buffer) - len(buffer) % BLOCK
            for begin in range(0, whole, BLOCK):
                yield bytes(buffer[begin : begin + BLOCK])
            del buffer[:whole]
    if buffer:
        yield bytes(buffer)
