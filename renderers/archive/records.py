"""The records of a ZIP archive, many members at once.

Source: PKWARE APPNOTE.TXT 6.3.10; section numbers stand beside each structure.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from renderers.errors import RenderError

STORED, DEFLATED = 0, 8

#: Level 2 is the fastest level. SVGs are only 7 % larger than at zlib's level 6. Negative window bits mean raw deflate.
LEVEL, RAW = 2, -15

MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF

_UTF8_FLAG = 0x0800  # 4.4.4, bit 11
_VERSION, _ZIP64_VERSION = 20, 45  # 4.4.3.2
_UNIX = 3 << 8  # 4.4.2: external attributes are Unix modes
_MODE = 0o100644 << 16  # a regular file, rw-r--r--
# 4.4.6: bits 0 to 4 the day, 5 to 8 the month, then years since 1980. 1980-02-01, not the first possible day, because
# tools unpack in local time, and a file that a time zone moves to 1979 cannot be zipped again.
_DATE = 2 << 5 | 1
_ZIP64_TAG = 1  # 4.5.3

#: A member without its name: the offset of its local header, the sizes of its data, and so on. In a fragment's
#: directory, the offset counts from the start of the fragment.
ENTRY = np.dtype(
    [
        ("offset", "<i8"),
        ("compressed", "<i8"),
        ("size", "<i8"),
        ("crc", "<u4"),
        ("flags", "<u2"),
        ("method", "<u2"),
        ("name_length", "<u2"),
    ]
)

# 4.3.7
LOCAL = np.dtype(
    [
        ("mark", "<u4"),
        ("needed", "<u2"),
        ("flags", "<u2"),
        ("method", "<u2"),
        ("time", "<u2"),
        ("date", "<u2"),
        ("crc", "<u4"),
        ("compressed", "<u4"),
        ("size", "<u4"),
        ("name_length", "<u2"),
        ("extra_length", "<u2"),
    ]
)

# 4.3.12
CENTRAL = np.dtype(
    [
        ("mark", "<u4"),
        ("made_by", "<u2"),
        *((name, LOCAL[name]) for name in LOCAL.names or () if name != "mark"),
        ("comment_length", "<u2"),
        ("disk", "<u2"),
        ("internal", "<u2"),
        ("external", "<u4"),
        ("offset", "<u4"),
    ]
)

# 4.3.16: disk numbers, entries here and in all, size and offset of the central directory, comment length
END = struct.Struct("<4s4H2LH")
# 4.3.14 and 4.3.15
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")

_LOCAL_MARK, CENTRAL_MARK = 0x04034B50, 0x02014B50
END_MARK, END64_MARK, _LOCATOR_MARK = b"PK\5\6", b"PK\6\6", b"PK\6\7"


class CorruptArchive(RenderError):
    """An archive or fragment is not what was written: damaged, cut short or made by another program."""

    code = "corrupt_archive"


@dataclass(frozen=True, slots=True)
class Members:
    """Consecutive members: `entries` of dtype `ENTRY`, and their names in UTF-8, concatenated."""

    entries: NDArray[np.void]
    names: bytes

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        *,
        offset: int,
        method: int,
        crcs: Sequence[int],
        compressed: Sequence[int],
        sizes: Sequence[int],
    ) -> "Members":
        """Return members that are adjacent from `offset` on. Raises RenderError for an invalid name."""
        raw = [name.encode() for name in names]
        lengths = [len(name) for name in raw]
        if raw and not 0 < min(lengths) <= max(lengths) <= MAX16:
            wrong = next(name for name, length in zip(names, lengths, strict=True) if not 0 < length <= MAX16)
            raise RenderError("Not a member name", value=wrong, expected="1 to 65,535 bytes of UTF-8")
        entries = np.zeros(len(raw), ENTRY)
        entries["crc"], entries["method"], entries["name_length"] = crcs, method, lengths
        entries["compressed"], entries["size"] = compressed, sizes
        entries["flags"] = [0 if name.isascii() else _UTF8_FLAG for name in raw]
        spans = header_lengths(entries) + entries["compressed"]
        entries["offset"] = offset + np.cumsum(spans) - spans
        return cls(entries, b"".join(raw))

    def __len__(self) -> int:
        return len(self.entries)

    def moved(self, by: int) -> "Members":
        """Return the same members with offsets increased by `by` bytes."""
        entries = self.entries.copy()
        entries["offset"] += by
        return Members(entries, self.names)

    def runs(self, count: int) -> Iterator["Members"]:
        """Yield the members in runs of at most `count`."""
        names_at = 0
        for first in range(0, len(self), count):
            entries = self.entries[first : first + count]
            names_end = names_at + int(entries["name_length"].sum())
            yield Members(entries, self.names[names_at:names_end])
            names_at = names_end

    def each_name(self) -> list[bytes]:
        return split(self.names, self.entries["name_length"])


def header_lengths(entries: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the size in bytes of each member's local header, including the name."""
    return LOCAL.itemsize + entries["name_length"].astype(np.int64) + 20 * _is_wide(entries)


def local_headers(members: Members) -> bytes:
    """Return the members' local headers, concatenated."""
    entries = members.entries
    wide = _is_wide(entries)
    head = np.zeros(len(entries), LOCAL)
    _fill(head, entries, wide)
    head["mark"], head["extra_length"] = _LOCAL_MARK, 20 * wide
    for name in ("compressed", "size"):
        head[name] = np.where(wide, MAX32, entries[name])
    # 4.5.3: a local header must have both sizes.
    extra = np.zeros(
        int(wide.sum()), [("tag", "<u2"), ("length", "<u2"), ("size", "<i8"), ("compressed", "<i8")]
    )
    extra["tag"], extra["length"] = _ZIP64_TAG, 16
    extra["size"], extra["compressed"] = entries["size"][wide], entries["compressed"][wide]
    return _interleaved(
        len(entries), (head, LOCAL.itemsize), (members.names, entries["name_length"]), (extra, 20 * wide)
    )


def central_records(members: Members) -> bytes:
    """Return the members' central-directory records. Values that do not fit 32 bits are in ZIP64 extra fields."""
    entries = members.entries
    wide = {name: entries[name] >= MAX32 for name in ("size", "compressed", "offset")}
    count = wide["size"].astype(np.int64) + wide["compressed"] + wide["offset"]
    head = np.zeros(len(entries), CENTRAL)
    _fill(head, entries, count > 0)
    head["mark"], head["external"] = CENTRAL_MARK, _MODE
    head["made_by"] = _UNIX | head["needed"]
    head["extra_length"] = (count > 0) * 4 + 8 * count
    for name in wide:
        head[name] = np.minimum(entries[name], MAX32)
    tags = np.zeros(int((count > 0).sum()), [("tag", "<u2"), ("length", "<u2")])
    tags["tag"], tags["length"] = _ZIP64_TAG, 8 * count[count > 0]
    return _interleaved(
        len(entries),
        (head, CENTRAL.itemsize),
        (members.names, entries["name_length"]),
        (tags, 4 * (count > 0)),
        *((entries[name][each], 8 * each) for name, each in wide.items()),
    )


def end_records(members: int, directory_bytes: int, directory_offset: int) -> bytes:
    """Return the end record of the archive, after ZIP64 end records if a value is too large for it."""
    few, size, offset = min(members, MAX16), min(directory_bytes, MAX32), min(directory_offset, MAX32)
    end = END.pack(END_MARK, 0, 0, few, few, size, offset, 0)
    if few < MAX16 and size < MAX32 and offset < MAX32:
        return end
    version, rest = _UNIX | _ZIP64_VERSION, END64.size - 12
    totals = members, members, directory_bytes, directory_offset
    end64 = END64.pack(END64_MARK, rest, version, _ZIP64_VERSION, 0, 0, *totals)
    locator = LOCATOR.pack(_LOCATOR_MARK, 0, directory_offset + directory_bytes, 1)
    return end64 + locator + end


def split(joined: bytes, lengths: ArrayLike) -> list[bytes]:
    """Return `joined` cut into pieces of these lengths."""
    bounds = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).tolist()
    return [joined[start:stop] for start, stop in pairwise(bounds)]


def ragged(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indexes of the ranges [start, start + length), concatenated."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


def gathered(
    octets: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return the octets of the ranges [start, start + length), concatenated."""
    if len(starts) and (lengths == lengths[0]).all():
        # All names have the same length, the common case: copy whole ranges instead of single octets.
        return sliding_window_view(octets, int(lengths[0]))[starts].ravel()
    return octets[ragged(starts, lengths)]


def _fill(head: NDArray[np.void], entries: NDArray[np.void], wide: NDArray[np.bool_]) -> None:
    """Fill in the fields that both kinds of header have."""
    head["needed"] = np.where(wide, _ZIP64_VERSION, _VERSION)
    head["date"] = _DATE
    for name in ("flags", "method", "crc", "name_length"):
        head[name] = entries[name]


def _is_wide(entries: NDArray[np.void]) -> NDArray[np.bool_]:
    return np.maximum(entries["compressed"], entries["size"]) >= MAX32


def _interleaved(count: int, *pieces: tuple[NDArray[np.void] | bytes, ArrayLike]) -> bytes:
    """Return `count` records, concatenated.

    A piece is one field of all records: its concatenated bytes, and the number of bytes of each record.
    """
    lengths = [np.broadcast_to(np.asarray(each, np.int64), (count,)) for _, each in pieces]
    octets = [
        np.frombuffer(piece if isinstance(piece, bytes) else piece.tobytes(), np.uint8) for piece, _ in pieces
    ]
    if count and all((each == each[0]).all() for each in lengths):
        # All names have the same length, the common case: every record has the same form.
        return np.hstack([each.reshape(count, -1) for each in octets if each.size]).tobytes()
    whole = np.sum(lengths, axis=0)
    at = np.cumsum(whole) - whole
    out = np.empty(int(whole.sum()), np.uint8)
    for piece, each in zip(octets, lengths, strict=True):
        out[ragged(at, each)] = piece
        at = at + each
    return out.tobytes()
