"""Read the drawings on the pages of a finished PDF of ours, with their positions.

Pages are found by the cross-reference table and the page tree, as in any reader. Only the few operators that our writer
uses are read; anything else is refused. Lengths are dots of the layout's printer, from the page's lower left corner.
Source: ISO 32000-1:2008, 7.5.4 (cross-reference table), 7.7.3 (page tree).
"""

import mmap
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from isal import isal_zlib

from exports.errors import SymbolDoesNotDecode

_START = re.compile(rb"startxref\n(\d+)\n%%EOF\n\Z")
_SECTION = re.compile(rb"xref\n0 (\d+)\n")
_ROOT = re.compile(rb"/Root (\d+) 0 R")
_PAGES = re.compile(rb"/Pages (\d+) 0 R")
_KIDS = re.compile(rb"/Kids\[([\d R]*)\]")
_CONTENTS = re.compile(rb"<</Type/Page/Parent \d+ 0 R/Contents (\d+) 0 R>>")
_STREAM = re.compile(rb"<</Filter/FlateDecode/Length (\d+)>>\nstream\n")

_HEAD = re.compile(rb"(?:[\d. -]+ cm\n){1,2}(?:/Cut Do\n)?")
_MASK = (
    rb"q (?P<width>\d+)\.98 0 0 (?P<height>\d+)\.98 (?P<left>\d+)\.01 (?P<bottom>\d+)\.01 cm "
    rb"BI/W (?P<columns>\d+)/H (?P<rows>\d+)/IM true/BPC 1/D\[1 0\]/F/AHx ID (?P<samples>[0-9a-f]+)>\nEI Q\n"
)
_TEXT = rb"BT/(?P<font>[FB]) (?P<size>[\d.e+-]+) Tf (?P<x>\d+) (?P<y>\d+) Td<(?P<glyphs>[0-9a-f]+)>Tj ET\n"
_LOGO = rb"q 1 0 0 1 (?P<logo_x>\d+) (?P<logo_y>\d+) cm/Logo Do Q\n"
_MEASURES = ("left", "bottom", "width", "height", "columns", "rows")
_OPERATORS = re.compile(rb"(?:%b|%b|%b)" % (_MASK, _TEXT, _LOGO))


class Mask(NamedTuple):
    """Modules or bars: a stencil of dark and light samples stretched over a rectangle with the lower left `x`, `y`."""

    x: int
    y: int
    width: int
    height: int
    columns: int
    rows: int
    samples: bytes


class Text(NamedTuple):
    """A line of text from `x` on the baseline `y`: glyph numbers of an embedded font, four hexadecimal digits each."""

    x: int
    y: int
    size: float
    glyphs: bytes
    bold: bool


class Logo(NamedTuple):
    """The document's logo; `x` and `y` are its lower left corner."""

    x: int
    y: int


#: Anything drawn on a label.
Drawn: TypeAlias = Mask | Text | Logo


class PdfPages:
    """The pages of a PDF in their order. It takes some bytes of memory per page."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        self._file = mmap.mmap(self._stream.fileno(), 0, access=mmap.ACCESS_READ)
        end = _START.search(self._file, max(0, len(self._file) - 64))
        section = end and _SECTION.match(self._file, int(end[1]))
        root = end and _ROOT.search(self._file, int(end[1]))
        if not (section and root):
            raise _not_ours("there is no cross-reference table")
        table = np.frombuffer(self._file[section.end() : section.end() + 20 * int(section[1])], "S20")
        self._offsets = array("Q", (int(entry[:10]) for entry in table.tolist()))
        self._contents = array("Q", self._leaves(self._number(_PAGES, int(root[1]))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._stream.close()

    def __len__(self) -> int:
        return len(self._contents)

    def content(self, page: int) -> bytes:
        """Return the operators of a page, counted from 0. Raises SymbolDoesNotDecode."""
        found = _STREAM.match(self._file, self._start(self._contents[page]))
        if found is None:
            raise _not_ours(f"page {page + 1} has no content")
        return isal_zlib.decompress(self._file[found.end() : found.end() + int(found[1])])

    def _leaves(self, node: int) -> Iterator[int]:
        """Yield the numbers of the content streams below a node of the page tree."""
        start = self._start(node)
        if contents := _CONTENTS.match(self._file, start):
            yield int(contents[1])
            return
        end = self._file.find(b"\nendobj\n", start)
        kids = _KIDS.search(self._file, start, end)
        if kids is None:
            raise _not_ours(f"object {node} is neither a page nor a node of the page tree")
        for kid in kids[1].split(b" 0 R")[:-1]:
            yield from self._leaves(int(kid))

    def _number(self, pattern: re.Pattern[bytes], number: int) -> int:
        start = self._start(number)
        found = pattern.search(self._file, start, self._file.find(b"\nendobj\n", start))
        if found is None:
            raise _not_ours(f"object {number} is not what it should be")
        return int(found[1])

    def _start(self, number: int) -> int:
        """Return the offset of an object's body, after `N 0 obj` and a line feed."""
        head = b"%d 0 obj\n" % number
        offset = self._offsets[number] if number < len(self._offsets) else len(self._file)
        if self._file[offset : offset + len(head)] != head:
            raise _not_ours(f"object {number} is not where the cross-reference table says")
        return offset + len(head)


def drawings(name: str, content: bytes) -> Iterator[Drawn]:
    """Yield the drawings of a page in their order. Raises SymbolDoesNotDecode for operators that we do not write."""
    head = _HEAD.match(content)
    at = head.end() if head else 0
    while head and at < len(content) and (found := _OPERATORS.match(content, at)):
        at = found.end()
        if found["logo_x"] is not None:
            yield Logo(int(found["logo_x"]), int(found["logo_y"]))
        elif found["samples"] is None:
            bold = found["font"] == b"B"
            yield Text(int(found["x"]), int(found["y"]), float(found["size"]), found["glyphs"], bold)
        else:
            left, bottom, width, height, columns, rows = map(int, found.group(*_MEASURES))
            # Masks are drawn a hundredth of a dot inside their edges.
            yield Mask(left, bottom, width + 1, height + 1, columns, rows, found["samples"])
    if not head or at < len(content):
        raise _not_ours(f"{name} draws what no label has: {content[at : at + 40]!r}")


def _not_ours(why: str) -> SymbolDoesNotDecode:
    return SymbolDoesNotDecode(f"The PDF is not of our form: {why}", value=why)
