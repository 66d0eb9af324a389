"""Fragments and archives to test with."""

import io
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.fragments import ArchiveFragment, ArchiveFragmentWriter
from renderers.digested_stream import DigestedStream

Files = Sequence[tuple[str, bytes, bool]]

MEMBERS: Files = [
    *((f"0000/{row:08d}_a.svg", f"<svg>{row}</svg>".encode() * 40, False) for row in range(90)),
    ("0000/00000090_é.svg", b"<svg/>", False),
    ("0000/00000091_a.png", bytes(range(256)), True),
    ("0000/00000092_empty.svg", b"", False),
    ("0000/00000093_empty.png", b"", True),
]


class OneWay(io.RawIOBase):
    """A stream that only goes forward, as an object store's does."""

    def __init__(self) -> None:
        super().__init__()
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.content += data
        return len(data)


def fragment(files: Files) -> tuple[bytes, ArchiveFragment]:
    out = OneWay()
    writer = ArchiveFragmentWriter(out)
    for store, run in groupby(files, key=itemgetter(2)):
        names, contents, _ = zip(*run, strict=True)
        writer.add(names, contents, store=store)
    made = writer.close()
    return bytes(out.content), made


def assemble(
    parts: Sequence[Files], streamed: Sequence[tuple[str, Sequence[bytes]]] = ()
) -> tuple[bytes, ArchiveSummary]:
    out = OneWay()
    with Assembler(DigestedStream(out)) as assembler:
        for members in parts:
            content, made = fragment(members)
            assembler.append_fragment(io.BytesIO(content), made)
        for name, chunks in streamed:
            assembler.add(name, chunks)
        summary = assembler.close()
    return bytes(out.content), summary


def with_flipped(content: bytes, place: int, flip: int) -> bytes:
    return content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]


SMALL = assemble([MEMBERS[90:92], MEMBERS[93:94]], [("manifest.csv", [b"row,file"])])
