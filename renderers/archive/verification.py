"""Reproducible ZIP archives in constant memory: fragments written apart, assembled by copying.

Workers write fragments: local headers and data, then a directory whose offsets count from the start of the
fragment. The assembler copies the data unread and only shifts offsets, so the archive has the same bytes
however its members were cut into fragments. Dates, modes and flags are fixed.

Source of the formats: PKWARE APPNOTE.TXT 6.3.10; section numbers stand beside each structure.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, BinaryIO, NamedTuple, Self, cast

from isal import isal_zlib

from renderers.errors import RenderError

_STORED, _DEFLATED = 0, 8
_UTF8_FLAG = 0x0800  # 4.4.4, bit 11
_VERSION, _ZIP64_VERSION = 20, 45  # 4.4.3.2
_UNIX = 3 << 8  # 4.4.2: external attributes are Unix modes
_MODE = 0o100644 << 16  # a regular file, rw-r--r--
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01 00:00, the first moment DOS dates can say
_ZIP64_TAG = 1  # 4.5.3

_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF

# Level 2 is the fastest that costs SVGs only some 7 % over zlib's 6; negative window bits: raw deflate.
_LEVEL, _RAW = 2, -15

# The stub says the class is an instance.
_InflateError = cast("type[Exception]", isal_zlib.error)

_BLOCK = 1 << 20
_SPOOL_BYTES = 8 << 20

# 4.3.7: signature, version, flags, method, time, date, CRC, compressed, size, name length, extra length
_LOCAL = struct.Struct("<4s5H3L2H")
# 4.3.12: … plus made by, comment length, disk, internal and external attributes, offset of local header
_CENTRAL = struct.Struct("<4s6H3L5H2L")
# 4.3.16: disk numbers, entries here and in all, size and offset of the central directory, comment length
_END = struct.Struct("<4s4H2LH")
# 4.3.14 and 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_END64_MARK, _LOCATOR_MARK = b"PK\6\6", b"PK\6\7"

# A fragment's directory entry: offset in the fragment, CRC, compressed size, size, flags, method, name
# length; then the name. Not a central-directory record, whose offset could not pass 4 GiB.
_ENTRY = struct.Struct("<Q3L3H")


class CorruptArchive(RenderError):
    """An archive or fragment is not what was written: damaged, cut short or of foreign make."""

    code = "corrupt_archive"


class MemberTooLarge(RenderError):
    """A member given whole is 4 GiB or more; such a member must be streamed."""

    code = "member_too_large"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A finished fragment: sizes of its two halves in bytes, members, SHA-256 (hex) of both halves."""

    data_bytes: int
    directory_bytes: int
    members: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """A finished archive: size in bytes, members, SHA-256 (hex)."""

    size_bytes: int
    members: int
    sha256: str


class _Member(NamedTuple):
    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


def _flags(name: bytes) -> int:
    return 0 if name.isascii() else _UTF8_FLAG


def _encoded(name: str) -> bytes:
    raw = name.encode()
    if not 0 < len(raw) <= _MAX16:
        raise RenderError("Not a member name", value=name, expected="1 to 65,535 bytes of UTF-8")
    return raw


def _local_header(member: _Member) -> bytes:
    compressed, size, extra, version = member.compressed, member.size, b"", _VERSION
    if max(compressed, size) >= _MAX32:
        # 4.5.3: in a local header both sizes must be there.
        extra = struct.pack("<2H2Q", _ZIP64_TAG, 16, size, compressed)
        compressed = size = _MAX32
        version = _ZIP64_VERSION
    return (
        _LOCAL.pack(
            _LOCAL_MARK,
            version,
            member.flags,
            member.method,
            _TIME,
            _DATE,
            member.crc,
            compressed,
            size,
            len(member.name),
            len(extra),
        )
        + member.name
        + extra
    )


def _central_record(member: _Member) -> bytes:
    """Return the central-directory record; what does not fit 32 bits goes to a ZIP64 extra field."""
    wide = [value for value in (member.size, member.compressed, member.offset) if value >= _MAX32]
    extra = struct.pack(f"<2H{len(wide)}Q", _ZIP64_TAG, 8 * len(wide), *wide) if wide else b""
    version = _ZIP64_VERSION if wide else _VERSION
    return (
        _CENTRAL.pack(
            _CENTRAL_MARK,
            _UNIX | version,
            version,
            member.flags,
            member.method,
            _TIME,
            _DATE,
            member.crc,
            min(member.compressed, _MAX32),
            min(member.size, _MAX32),
            len(member.name),
            len(extra),
            0,
            0,
            0,
            _MODE,
            min(member.offset, _MAX32),
        )
        + member.name
        + extra
    )


def _end_records(members: int, directory_bytes: int, directory_offset: int) -> bytes:
    """Return the end of the archive, with the ZIP64 end before it where a plain one cannot say it."""
    end = _END.pack(
        _END_MARK,
        0,
        0,
        min(members, _MAX16),
        min(members, _MAX16),
        min(directory_bytes, _MAX32),
        min(directory_offset, _MAX32),
        0,
    )
    if members < _MAX16 and directory_bytes < _MAX32 and directory_offset < _MAX32:
        return end
    end64 = _END64.pack(
        _END64_MARK,
        _END64.size - 12,
        _UNIX | _ZIP64_VERSION,
        _ZIP64_VERSION,
        0,
        0,
        members,
        members,
        directory_bytes,
        directory_offset,
    )
    locator = _LOCATOR.pack(_LOCATOR_MARK, 0, directory_offset + directory_bytes, 1)
    return end64 + locator + end


def _spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(_SPOOL_BYTES)


class FragmentWriter:
    """Writes one fragment to a stream that need not seek. Use as a context manager, or close it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._directory = _spool()
        self._digest = sha256()
        self._offset = 0
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

    def add(self, name: str, data: bytes, *, store: bool = False) -> None:
        """Write one member, deflated unless `store` says its format is compressed already.

        Raises MemberTooLarge from 4 GiB on. Names are not compared: the caller keeps them apart.
        """
        raw_name = _encoded(name)
        content = data if store else isal_zlib.compress(data, _LEVEL, _RAW)
        if len(data) >= _MAX32 or len(content) >= _MAX32:
            raise MemberTooLarge("A member given whole is too large", value=len(data), expected="< 4 GiB")
        member = _Member(
            raw_name,
            _flags(raw_name),
            _STORED if store else _DEFLATED,
            isal_zlib.crc32(data),
            len(content),
            len(data),
            self._offset,
        )
        written = _local_header(member) + content
        self._stream.write(written)
        self._digest.update(written)
        self._directory.write(
            _ENTRY.pack(
                member.offset,
                member.crc,
                member.compressed,
                member.size,
                member.flags,
                member.method,
                len(raw_name),
            )
            + raw_name
        )
        self._offset += len(written)
        self._members += 1

    def close(self) -> Fragment:
        """Append the directory and return what the assembler must know. The stream stays open."""
        directory_bytes = self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(_BLOCK):
            self._stream.write(block)
            self._digest.update(block)
        self._directory.close()
        return Fragment(self._offset, directory_bytes, self._members, self._digest.hexdigest())


def _blocks(stream: IO[bytes], size: int, what: str) -> Iterator[bytes]:
    """Yield exactly `size` bytes of the stream, block by block."""
    left = size
    while left:
        block = stream.read(min(left, _BLOCK))
        if not block:
            raise CorruptArchive(f"{what} ends too early", value=size - left, expected=f"{size} bytes")
        left -= len(block)
        yield block


class _Window:
    """A stretch of a stream parsed in small pieces and read in blocks."""

    def __init__(self, blocks: Iterator[bytes], what: str) -> None:
        self._blocks = blocks
        self._what = what
        self._buffer = b""
        self._place = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; raises CorruptArchive where the stretch has no more."""
        while len(self._buffer) - self._place < size:
            block = next(self._blocks, b"")
            if not block:
                raise CorruptArchive(f"{self._what} is cut off inside a record", value=size)
            self._buffer = self._buffer[self._place :] + block
            self._place = 0
        begin, self._place = self._place, self._place + size
        return self._buffer[begin : self._place]

    def at_end(self) -> bool:
        """Return whether the stretch was taken to its last byte."""
        return self._place == len(self._buffer) and not next(self._blocks, b"")


class Assembler:
    """Writes one archive to a stream that need not seek. Use as a context manager, or close it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._directory = _spool()
        self._digest = sha256()
        self._offset = 0
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

    def append_fragment(self, stream: IO[bytes], fragment: Fragment) -> None:
        """Copy a fragment from the stream, which stands at its first byte and need not seek.

        Raises CorruptArchive where the fragment is not the one described; the archive is then useless,
        and so is what was written of it.
        """
        base, digest = self._offset, sha256()
        for block in _blocks(stream, fragment.data_bytes, "The fragment's data"):
            digest.update(block)
            self._write(block)

        def directory() -> Iterator[bytes]:
            for block in _blocks(stream, fragment.directory_bytes, "The fragment's directory"):
                digest.update(block)
                yield block

        window = _Window(directory(), "The fragment's directory")
        for _ in range(fragment.members):
            offset, crc, compressed, size, flags, method, name_length = _ENTRY.unpack(
                window.take(_ENTRY.size)
            )
            name = window.take(name_length)
            self._record(_Member(name, flags, method, crc, compressed, size, base + offset))
        if not window.at_end():
            raise CorruptArchive(
                "The fragment's directory goes on after its last member",
                expected=f"{fragment.members} members",
            )
        if digest.hexdigest() != fragment.sha256:
            raise CorruptArchive(
                "The fragment is not the one that was written",
                value=digest.hexdigest(),
                expected=fragment.sha256,
            )

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one deflated member of any size, given in pieces; how it is cut does not change the bytes.

        It is compressed to a spool first: its header then holds the sizes, which every reader understands
        and which needs no ZIP64 on suspicion.
        """
        raw_name = _encoded(name)
        size = crc = 0
        compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
        with _spool() as spool:
            # isal's output depends on how its input is cut.
            for block in _recut(chunks):
                size += len(block)
                crc = isal_zlib.crc32(block, crc)
                spool.write(compressor.compress(block))
            spool.write(compressor.flush())
            compressed = spool.tell()
            spool.seek(0)
            member = _Member(raw_name, _flags(raw_name), _DEFLATED, crc, compressed, size, self._offset)
            self._write(_local_header(member))
            while block := spool.read(_BLOCK):
                self._write(block)
        self._record(member)

    def close(self) -> ArchiveSummary:
        """Write the central directory and return the archive's size and digest. The stream stays open."""
        offset, directory_bytes = self._offset, self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(_BLOCK):
            self._write(block)
        self._directory.close()
        self._write(_end_records(self._members, directory_bytes, offset))
        return ArchiveSummary(self._offset, self._members, self._digest.hexdigest())

    def _write(self, block: bytes) -> None:
        self._out.write(block)
        self._digest.update(block)
        self._offset += len(block)

    def _record(self, member: _Member) -> None:
        self._directory.write(_central_record(member))
        self._members += 1


def _recut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of one size, the last one shorter."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        if len(buffer) >= _BLOCK:
            whole = len(buffer) - len(buffer) % _BLOCK
            for begin in range(0, whole, _BLOCK):
                yield bytes(buffer[begin : begin + _BLOCK])
            del buffer[:whole]
    if buffer:
        yield bytes(buffer)


@dataclass(frozen=True, slots=True)
class _Directory:
    members: int
    offset: int
    size: int


def _find_directory(stream: BinaryIO) -> _Directory:
    """Return where the central directory is, from the end records, which must be the file's last bytes."""
    length = stream.seek(0, os.SEEK_END)
    tail_bytes = min(length, _END.size + _LOCATOR.size + _END64.size)
    stream.seek(length - tail_bytes)
    tail = stream.read(tail_bytes)
    if len(tail) < _END.size or tail[-_END.size :][:4] != _END_MARK:
        raise CorruptArchive("No end of central directory: the file is cut short or no ZIP", value=length)
    _, _, _, _, members, size, offset, _ = _END.unpack(tail[-_END.size :])
    if members == _MAX16 or _MAX32 in (size, offset):
        if len(tail) < tail_bytes or tail[:4] != _END64_MARK:
            raise CorruptArchive("The ZIP64 end of central directory is missing", value=length)
        members, size, offset = _END64.unpack(tail[: _END64.size])[-3:]
    end = _end_records(members, size, offset)
    if not tail.endswith(end) or offset + size + len(end) != length:
        raise CorruptArchive(
            "The end of the archive does not describe the archive",
            value=length,
            expected=f"{offset + size + len(end)} bytes",
        )
    return _Directory(members, offset, size)


def _zip64_values(extra: bytes) -> Iterator[int]:
    """Yield the values of a ZIP64 extra field; our archives have no other extra field."""
    if extra:
        tag, length = struct.unpack_from("<2H", extra)
        if tag != _ZIP64_TAG or length != len(extra) - 4 or length % 8:
            raise CorruptArchive("Unknown extra field", value=extra.hex())
        yield from struct.unpack_from(f"<{length // 8}Q", extra, 4)


def _read_central(window: _Window) -> _Member:
    fields = _CENTRAL.unpack(window.take(_CENTRAL.size))
    if fields[0] != _CENTRAL_MARK:
        raise CorruptArchive("Not a central-directory record", value=fields[0].hex())
    flags, method, crc, compressed, size = fields[3], fields[4], *fields[7:10]
    name = window.take(fields[10])
    try:
        wide = _zip64_values(window.take(fields[11]))
        size = next(wide) if size == _MAX32 else size
        compressed = next(wide) if compressed == _MAX32 else compressed
        offset = next(wide) if fields[16] == _MAX32 else fields[16]
    except (StopIteration, struct.error) as error:
        raise CorruptArchive("A ZIP64 extra field is too short", value=_shown(name)) from error
    member = _Member(name, flags, method, crc, compressed, size, offset)
    # Written again it must be the same: nothing else in the record may differ.
    if _central_record(member)[: _CENTRAL.size] != _CENTRAL.pack(*fields):
        raise CorruptArchive("A central-directory record was not written by us", value=_shown(name))
    return member


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _stored(blocks: Iterator[bytes], _size: int) -> Iterator[bytes]:
    yield from blocks


def _inflated(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the inflated bytes, never more than one beyond `size`, in bounded pieces."""
    inflator = isal_zlib.decompressobj(_RAW)
    left = size + 1
    for block in blocks:
        if inflator.eof:
            raise CorruptArchive("Bytes after the end of the compressed data")
        pending = block
        while not inflator.eof and left:
            piece = inflator.decompress(pending, min(left, _BLOCK))
            left -= len(piece)
            yield piece
            pending = inflator.unconsumed_tail
            if not pending and len(piece) < _BLOCK:
                break
        if inflator.eof and inflator.unused_data:
            raise CorruptArchive("Bytes after the end of the compressed data")
    if not inflator.eof:
        raise CorruptArchive("The compressed data has no end")


_READERS: dict[int, Callable[[Iterator[bytes], int], Iterator[bytes]]] = {
    _STORED: _stored,
    _DEFLATED: _inflated,
}


def _check_member(stream: BinaryIO, member: _Member) -> int:
    """Check the member's header and content at the stream's place and return its length in all."""
    header = _local_header(member)
    if stream.read(len(header)) != header:
        raise CorruptArchive("Local header and central directory differ", value=_shown(member.name))
    reader = _READERS.get(member.method)
    if reader is None:
        raise CorruptArchive("Unknown compression method", value=member.method)
    crc = size = 0
    try:
        for piece in reader(_blocks(stream, member.compressed, "The data"), member.size):
            crc = isal_zlib.crc32(piece, crc)
            size += len(piece)
    except _InflateError as error:
        raise CorruptArchive(f"The compressed data is damaged: {error}", value=_shown(member.name)) from error
    if (crc, size) != (member.crc, member.size):
        raise CorruptArchive(
            "The content is not what was written",
            value=f"{_shown(member.name)}: CRC {crc:08x}, {size} bytes",
            expected=f"CRC {member.crc:08x}, {member.size} bytes",
        )
    return len(header) + member.compressed


class _Names:
    """Finds a name that occurs twice, letter case aside, among any number, in bounded memory.

    Digests are dealt into piles by their first bits; equal names meet in one pile, and only one pile at a
    time is in memory.
    """

    _PILES = 64
    _DIGEST_BYTES = 16

    def __init__(self) -> None:
        self._piles = [SpooledTemporaryFile[bytes](_SPOOL_BYTES // self._PILES) for _ in range(self._PILES)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for pile in self._piles:
            pile.close()

    def add(self, name: bytes) -> None:
        folded = name.lower() if name.isascii() else _shown(name).casefold().encode()
        digest = blake2b(folded, digest_size=self._DIGEST_BYTES).digest()
        self._piles[digest[0] % self._PILES].write(digest)

    def check(self) -> None:
        """Raise CorruptArchive if any two names are the same."""
        for pile in self._piles:
            count = pile.tell() // self._DIGEST_BYTES
            pile.seek(0)
            different = len({pile.read(self._DIGEST_BYTES) for _ in range(count)})
            if different != count:
                raise CorruptArchive("A member name occurs more than once", value=count - different)


def verify(archive: str | Path | BinaryIO) -> int:
    """Return the number of members of an archive written here, after reading every byte of it.

    Checks that members lie end to end from the first byte, that local headers and central directory say
    the same, that content has the size and CRC-32 recorded, that the count is right and that no name
    occurs twice, also where case is folded. Memory does not grow with the archive, nearly: a 64th of its
    names' digests. A stream must seek.

    Raises CorruptArchive at the first thing wrong.
    """
    if isinstance(archive, str | Path):
        with Path(archive).open("rb", buffering=_BLOCK) as stream:
            return verify(stream)
    directory = _find_directory(archive)
    data_place, directory_place, directory_left = 0, directory.offset, directory.size

    def directory_blocks() -> Iterator[bytes]:
        # The one stream serves both: go to the directory for a block of records, then back to the data.
        nonlocal directory_place, directory_left
        while directory_left:
            archive.seek(directory_place)
            block = archive.read(min(directory_left, _BLOCK))
            if not block:
                raise CorruptArchive("The central directory is cut short", value=directory_place)
            directory_place += len(block)
            directory_left -= len(block)
            archive.seek(data_place)
            yield block

    window = _Window(directory_blocks(), "The central directory")
    with _Names() as names:
        for _ in range(directory.members):
            member = _read_central(window)
            if member.offset != data_place:
                raise CorruptArchive(
                    "Members do not lie end to end", value=member.offset, expected=f"offset {data_place}"
                )
            data_place += _check_member(archive, member)
            names.add(member.name)
        if not window.at_end() or data_place != directory.offset:
            raise CorruptArchive(
                "The archive holds more than its directory says", expected=f"{directory.members} members"
            )
        names.check()
    return directory.members
