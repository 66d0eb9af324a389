"""Fragments of an archive, each written by one worker: local headers and data of members, then a directory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from renderers.archive.records import (
    DEFLATED,
    ENTRY,
    LEVEL,
    RAW,
    STORED,
    CorruptArchive,
    Members,
    header_lengths,
    local_headers,
    split,
)
from renderers.digested_stream import DigestedStream
from renderers.pickles import restorable


@restorable
@dataclass(frozen=True, slots=True)
class ArchiveFragment:
    """A finished fragment: sizes of data and directory in bytes, members, SHA-256 (hex) of the data, CRC-32 of both.

    Later readers compare the CRC-32, which takes a fifteenth of the time of SHA-256. `data_crc32` is the CRC-32 of the
    data alone.
    """

    data_bytes: int
    directory_bytes: int
    members: int
    sha256: str
    crc32: int = field(default_factory=int)
    data_crc32: int = field(default_factory=int)

    def require_crc32(self, crc32: int) -> None:
        """Raise CorruptArchive unless `crc32`, of the bytes that were read, is the fragment's."""
        if crc32 != self.crc32:
            raise CorruptArchive(
                "The fragment is not the one that was written",
                value=f"CRC {crc32:08x}",
                expected=f"CRC {self.crc32:08x}",
            )


class ArchiveFragmentWriter:
    """Writes one fragment to a stream, which need not be seekable."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = DigestedStream(stream)
        self._written: list[Members] = []

    def add(self, names: Sequence[str], contents: Sequence[bytes], *, store: bool = False) -> None:
        """Write members with these names and contents. Deflate them, unless `store` is set for compressed contents.

        Names are not compared; the caller must keep them distinct. Raises RenderError for an invalid name.
        """
        data = contents if store else [isal_zlib.compress(content, LEVEL, RAW) for content in contents]
        members = Members.of(
            names,
            offset=self._stream.offset,
            method=STORED if store else DEFLATED,
            crcs=[isal_zlib.crc32(content) for content in contents],
            compressed=[len(each) for each in data],
            sizes=[len(content) for content in contents],
        )
        headers = split(local_headers(members), header_lengths(members.entries))
        self._stream.write(b"".join(chain.from_iterable(zip(headers, data, strict=True))))
        self._written.append(members)

    def close(self) -> ArchiveFragment:
        """Append the directory and return the fragment's description. The stream stays open."""
        data_bytes, digest, data_crc32 = self._stream.offset, self._stream.hexdigest(), self._stream.crc32
        self._stream.write(b"".join(members.entries.tobytes() for members in self._written))
        self._stream.write(b"".join(members.names for members in self._written))
        return ArchiveFragment(
            data_bytes,
            directory_bytes=self._stream.offset - data_bytes,
            members=sum(len(members) for members in self._written),
            sha256=digest,
            crc32=self._stream.crc32,
            data_crc32=data_crc32,
        )


def read_directory(directory: bytes, fragment: ArchiveFragment) -> Members:
    """Return the members that the fragment's directory names. Raises CorruptArchive."""
    names_at = fragment.members * ENTRY.itemsize
    if len(directory) >= names_at:
        members = Members(np.frombuffer(directory[:names_at], ENTRY), directory[names_at:])
        if int(members.entries["name_length"].sum()) == len(members.names):
            return members
    raise CorruptArchive(
        "The fragment's directory does not name its members",
        value=f"{len(directory)} bytes",
        expected=f"{fragment.members} members",
    )
