"""Read a ZIP archive's central directory, some thousands of members at a time.

The archive may be written by any program, but must have no comment at its end, and a ZIP64 field must be the first
extra field. Source: PKWARE APPNOTE.TXT 6.3.10, 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.
"""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from renderers.archive.records import (
    CENTRAL,
    CENTRAL_MARK,
    DEFLATED,
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRY,
    LOCAL,
    LOCATOR,
    MAX16,
    MAX32,
    RAW,
    CorruptArchive,
    Members,
    gathered,
)
from renderers.archive.streams import BLOCK

#: 4.3.12: the offset in a record of the lengths of name, extra field and comment, two bytes each.
_TAIL_LENGTHS_AT = 28


@dataclass(frozen=True, slots=True)
class Directory:
    """The content of the end records: the number of members, and offset and size of their records in bytes.

    `end` are the file's last bytes, which have the end records.
    """

    members: int
    offset: int
    size: int
    end: bytes


@dataclass(frozen=True, slots=True)
class CentralRecords:
    """A run of central-directory records: their bytes, and the members they describe."""

    raw: bytes
    members: Members


def find(stream: BinaryIO) -> Directory:
    """Return the archive's central directory. Raises CorruptArchive if there are no end records."""
    length = stream.seek(0, os.SEEK_END)
    end_bytes = min(length, END.size + LOCATOR.size + END64.size)
    stream.seek(length - end_bytes)
    end = stream.read(end_bytes)
    if end[-END.size :][:4] != END_MARK:
        raise CorruptArchive(
            "The file is cut short, or no ZIP",
            value=f"{length} bytes",
            expected="a ZIP archive without comment",
        )
    *_, members, size, offset, _ = END.unpack(end[-END.size :])
    if members == MAX16 or MAX32 in (size, offset):
        if len(end) < END.size + LOCATOR.size + END64.size or end[:4] != END64_MARK:
            raise CorruptArchive("The ZIP64 end of central directory is missing", value=length)
        members, size, offset = END64.unpack(end[: END64.size])[-3:]
    return Directory(members, offset, size, end)


def records(stream: BinaryIO, directory: Directory) -> Iterator[CentralRecords]:
    """Yield the records of all members; the caller may move the stream between two runs.

    Raises CorruptArchive if the last record is cut off.
    """
    buffer, left = b"", directory.size
    while buffer or left:
        starts, end = _whole_records(np.frombuffer(buffer, np.uint8))
        if starts.size:
            yield CentralRecords(buffer[:end], _parsed(buffer[:end], starts))
            buffer = buffer[end:]
        elif left:
            stream.seek(directory.offset + directory.size - left)
            block = stream.read(min(left, BLOCK))
            left -= len(block)
            buffer += block
        else:
            raise CorruptArchive("The central directory is cut off inside a record", value=len(buffer))


def _whole_records(octets: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
    """Return the starts of consecutive records from the first octet on, and the end of the last complete one."""
    places = max(0, len(octets) - CENTRAL.itemsize + 1)
    marked = np.ones(places, np.bool_)
    for index, octet in enumerate(CENTRAL_MARK.to_bytes(4, "little")):
        marked &= octets[index : index + places] == octet
    starts = np.flatnonzero(marked)
    tails = octets[starts[:, None] + np.arange(_TAIL_LENGTHS_AT, _TAIL_LENGTHS_AT + 6)]
    ends = starts + CENTRAL.itemsize + tails.view("<u2").sum(axis=1, dtype=np.int64)
    # A name or extra field may contain the mark too. It ends this run, and the next run begins with the next record.
    in_place = np.logical_and.accumulate(starts == np.concatenate(([0], ends))[: len(starts)])
    count = int((in_place & (ends <= len(octets))).sum())
    return starts[:count], int(ends[count - 1]) if count else 0


def _parsed(raw: bytes, starts: NDArray[np.int64]) -> Members:
    """Return the members of the records that begin at `starts`."""
    octets = np.frombuffer(raw, np.uint8)
    head = octets[starts[:, None] + np.arange(CENTRAL.itemsize)].view(CENTRAL)[:, 0]
    entries = np.zeros(len(starts), ENTRY)
    for name in ENTRY.names or ():
        entries[name] = head[name]
    after_name = starts + CENTRAL.itemsize + entries["name_length"]
    wide_at = after_name + 4
    # A ZIP64 field has only the values that are too large for the record.
    for name in ("size", "compressed", "offset"):
        wide = entries[name] == MAX32
        if wide.any() and wide_at[wide].max() + 8 <= len(octets):
            entries[name][wide] = octets[wide_at[wide][:, None] + np.arange(8)].view("<i8")[:, 0]
        wide_at = wide_at + 8 * wide
    lengths = entries["name_length"].astype(np.int64)
    return Members(entries, gathered(octets, after_name - lengths, lengths).tobytes())


def content(stream: BinaryIO, entry: np.void) -> bytes:
    """Return the bytes of the member with this entry, inflated by zlib if they are compressed."""
    stream.seek(entry["offset"])
    (local,) = np.frombuffer(stream.read(LOCAL.itemsize), LOCAL)
    stream.seek(int(local["name_length"]) + int(local["extra_length"]), os.SEEK_CUR)
    data = stream.read(int(entry["compressed"]))
    return zlib.decompress(data, RAW) if entry["method"] == DEFLATED else data
