"""PDF files of label sheets: fragments of pages are written separately and joined by copying.

Every object's number follows from the document alone, so a worker writes its pages with final numbers and the
joined file has the same bytes however its pages were cut into fragments. Both sides need constant memory.

Source: ISO 32000-1:2008, 7.5 (file structure), 7.7 (document structure), 12.3.3 (outline); the file conforms
to ISO 19005-2:2011, PDF/A-2b.
"""

import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Protocol

from renderers.digested_stream import DigestedStream
from renderers.errors import RenderError
from renderers.sheets import pages, pdf_parts
from renderers.sheets.document import SheetDocument
from renderers.sheets.placement import SheetLabels

#: Indirect objects that a PDF/A may have. Source: ISO 19005-2:2011, 6.1.13.
MAX_OBJECTS = 8_388_607

#: Bytes of a file of which a cross-reference table can tell where each object begins, in ten digits. Source:
#: ISO 32000-1:2008, 7.5.4.
MAX_BYTES = 9_999_999_999

_KIDS = 256
_BLOCK = 1 << 20
_SPOOL_BYTES = 1 << 20

# Rows of the cross-reference table written at once: each is 70 bytes in memory.
_TABLE_ROWS = 1 << 14

# A fragment's directory has, for every page, the sizes in bytes of its two objects: page and content.
_ENTRY = struct.Struct("<2L")

_CATALOG, _PAGE_TREE, _INFO, _METADATA, _INTENT, _PROFILE, _CUT_MARKS, _FONT = range(1, 9)
_FONT_OBJECTS = 5

# 7.5.2: four bytes above 127 tell transfer programs that the file is binary.
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


class CorruptFragment(RenderError):
    """A fragment of pages is not the one that was written."""

    code = "corrupt_fragment"


class PdfTooLarge(RenderError):
    """The labels make more than one PDF can hold."""

    code = "pdf_too_large"


@dataclass(frozen=True, slots=True)
class PdfFragment:
    """Pages [first_page, first_page + pages): sizes of the two halves in bytes, SHA-256 (hex) of both halves."""

    first_page: int
    pages: int
    data_bytes: int
    directory_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: a title and the page, from 0, that it leads to."""

    title: str
    page: int


class Bookmarks(Protocol):
    """Bookmarks in the order of the outline. They are counted first and read later, so they need no list."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Bookmark]: ...


@dataclass(frozen=True, slots=True)
class PdfSummary:
    """A finished PDF: size in bytes, pages, SHA-256 (hex)."""

    size_bytes: int
    pages: int
    sha256: str


class _Numbers:
    """The object numbers of a document.

    `levels` are the numbers of nodes on each level of the page tree, from the pages to the root. Object numbers
    are given first to the objects that the file has once, `bold_font` and `logo` among them only where there are
    such, then to the nodes below the root, level by level, then to the pages, two each, and last to the outline.
    """

    def __init__(self, document: SheetDocument) -> None:
        page_count = document.pages
        self.levels = [page_count]
        while len(self.levels) == 1 or self.levels[-1] > 1:
            self.levels.append(-(-self.levels[-1] // _KIDS))
        self._first_nodes: list[int] = [0]
        self.bold_font = _FONT + _FONT_OBJECTS
        self.logo = self.bold_font + (_FONT_OBJECTS if document.bold else 0)
        free = self.logo + (1 if document.logo is not None else 0)
        for nodes in self.levels[1:-1]:
            self._first_nodes.append(free)
            free += nodes
        self._first_page = free
        self.outline = free + 2 * page_count

    def node(self, level: int, index: int) -> int:
        """Return the number of a node of the page tree; level 0 are the pages."""
        if level == 0:
            return self._first_page + 2 * index
        return _PAGE_TREE if level == len(self.levels) - 1 else self._first_nodes[level] + index

    def parent(self, level: int, index: int) -> int:
        return self.node(level + 1, index // _KIDS)


def most_bookmarks(document: SheetDocument) -> int:
    """Return how many bookmarks the document may have."""
    return MAX_OBJECTS - _Numbers(document).outline


class PdfFragmentWriter:
    """Writes pages [first_page, last_page) to a stream that need not seek, in ascending order."""

    def __init__(self, document: SheetDocument, stream: BinaryIO, first_page: int, last_page: int) -> None:
        if not 0 <= first_page < last_page <= document.pages:
            raise RenderError(
                "Not pages of the document", value=(first_page, last_page), expected=f"0 to {document.pages}"
            )
        self._document, self._stream = document, DigestedStream(stream)
        self._first, self._page, self._last = first_page, first_page, last_page
        self._numbers = _Numbers(document)
        self._head = pages.page_head(document)
        self._open: list[str] = []
        self._directory = array("L")

    def add(self, labels: SheetLabels) -> None:
        """Draw labels, whose cells follow those of the last call, and write the pages that are complete.

        Raises RenderError for a cell before the current page or beyond the fragment.
        """
        per_page = self._document.template.labels_per_page
        for page, operators in zip(
            (labels.cells // per_page).tolist(), pages.draw(self._document, labels), strict=True
        ):
            if not self._page <= page < self._last:
                raise RenderError(
                    "A label is not on the pages being written",
                    value=page,
                    expected=f"pages {self._page} to {self._last - 1}",
                )
            while self._page < page:
                self._write_page()
            self._open.append(operators)

    def close(self) -> PdfFragment:
        """Write the remaining pages, blank ones too, and the directory. The stream stays open."""
        while self._page < self._last:
            self._write_page()
        directory = b"".join(
            _ENTRY.pack(*self._directory[at : at + 2]) for at in range(0, len(self._directory), 2)
        )
        data_bytes = self._stream.offset
        self._stream.write(directory)
        return PdfFragment(
            self._first, self._last - self._first, data_bytes, len(directory), self._stream.hexdigest()
        )

    def _write_page(self) -> None:
        number = self._numbers.node(0, self._page)
        parent = self._numbers.parent(0, self._page)
        # A page inherits everything else from the root of the page tree.
        page = _object(number, f"<</Type/Page/Parent {parent} 0 R/Contents {number + 1} 0 R>>".encode())
        content = _object(number + 1, pdf_parts.stream("", self._head + "".join(self._open).encode("ascii")))
        self._stream.write(page + content)
        self._directory.extend((len(page), len(content)))
        self._open.clear()
        self._page += 1


def _object(number: int, body: bytes) -> bytes:
    return b"%d 0 obj\n%b\nendobj\n" % (number, body)


class _File(DigestedStream):
    """The file being written, and the offset of each object by its number."""

    def __init__(self, out: BinaryIO, objects: int) -> None:
        super().__init__(out)
        if objects > MAX_OBJECTS:
            raise PdfTooLarge(
                "The PDF has too many objects", value=objects, expected=f"at most {MAX_OBJECTS}"
            )
        self.offsets = array("Q", bytes(8 * (objects + 1)))

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.offset > MAX_BYTES:
            raise PdfTooLarge(
                "The PDF is too large", value=self.offset, expected=f"at most {MAX_BYTES} bytes"
            )

    def add(self, number: int, body: bytes) -> None:
        self.offsets[number] = self.offset
        self.write(_object(number, body))


def join(
    document: SheetDocument,
    fragments: Iterable[tuple[PdfFragment, IO[bytes]]],
    out: BinaryIO,
    bookmarks: Bookmarks = (),
) -> PdfSummary:
    """Write the PDF to a stream that need not seek and return its size and digest.

    `fragments` come in the order of their pages and cover the document; each stream stands at the first
    byte of its fragment. Raises CorruptFragment if one is damaged, missing or out of order, and PdfTooLarge.
    Discard the file then.
    """
    numbers, entries = _Numbers(document), len(bookmarks)
    file = _File(out, numbers.outline - 1 + (entries + 1 if entries else 0))
    file.write(_HEADER)
    for number, body in _single_objects(document, numbers, entries):
        file.add(number, body)
    page = 0
    for fragment, stream in fragments:
        if fragment.first_page != page:
            raise CorruptFragment("Pages are missing", value=fragment.first_page, expected=f"page {page}")
        _copy(file, fragment, stream, numbers.node(0, page))
        page += fragment.pages
    if page != document.pages:
        raise CorruptFragment("Pages are missing at the end", value=page, expected=f"{document.pages}")
    for number, body in _outline(numbers, bookmarks, entries, document):
        file.add(number, body)
    _finish(file)
    return PdfSummary(file.offset, document.pages, file.hexdigest())


def _single_objects(
    document: SheetDocument, numbers: _Numbers, bookmarks: int
) -> Iterable[tuple[int, bytes]]:
    """Yield number and body of all objects except pages and outline."""
    outline = f"/Outlines {numbers.outline} 0 R/PageMode/UseOutlines" if bookmarks else ""
    catalog = (
        f"<</Type/Catalog/Pages {_PAGE_TREE} 0 R/Metadata {_METADATA} 0 R/OutputIntents[{_INTENT} 0 R]"
        f"/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>{outline}>>"
    )
    yield _CATALOG, catalog.encode()
    yield _INFO, pdf_parts.info(document.title, document.created)
    yield _METADATA, pdf_parts.metadata(document.title, document.created)
    yield _INTENT, pdf_parts.output_intent(_PROFILE)
    yield _PROFILE, pdf_parts.colour_profile()
    width, height = document.page_dots
    # This object exists without cut marks too, so that numbers depend only on the pages.
    yield (
        _CUT_MARKS,
        pdf_parts.stream(
            f"/Type/XObject/Subtype/Form/BBox[0 0 {width} {height}]/Resources<<>>",
            pages.cut_marks(document) if document.cut_marks else b"",
        ),
    )
    yield from enumerate(pdf_parts.font_objects(document.characters, _FONT), _FONT)
    fonts, objects = f"/{pages.FONT_RESOURCE} {_FONT} 0 R", f"/{pages.CUT_MARKS_RESOURCE} {_CUT_MARKS} 0 R"
    if document.bold:
        bold = pdf_parts.font_objects(document.characters, numbers.bold_font, bold=True)
        yield from enumerate(bold, numbers.bold_font)
        fonts += f"/{pages.BOLD_RESOURCE} {numbers.bold_font} 0 R"
    if document.logo is not None:
        form = f"/Type/XObject/Subtype/Form/BBox[0 0 {width} {height}]/Resources<<>>"
        logo = document.logo if isinstance(document.logo, str) else document.logo.operators
        yield numbers.logo, pdf_parts.stream(form, logo.encode())
        objects += f"/{pages.LOGO_RESOURCE} {numbers.logo} 0 R"
    right, top = document.page_points
    inherited = f"/MediaBox[0 0 {right:.10g} {top:.10g}]/Resources<</Font<<{fonts}>>/XObject<<{objects}>>>>"
    for level in range(1, len(numbers.levels)):
        root = level == len(numbers.levels) - 1
        for index in range(numbers.levels[level]):
            below = range(index * _KIDS, min((index + 1) * _KIDS, numbers.levels[level - 1]))
            leaves = _KIDS**level
            count = min((index + 1) * leaves, document.pages) - index * leaves
            kids = " ".join(f"{numbers.node(level - 1, kid)} 0 R" for kid in below)
            place = inherited if root else f"/Parent {numbers.parent(level, index)} 0 R"
            yield numbers.node(level, index), f"<</Type/Pages/Count {count}/Kids[{kids}]{place}>>".encode()


def _copy(file: _File, fragment: PdfFragment, stream: IO[bytes], number: int) -> None:
    digest, begin = sha256(), file.offset

    def take(size: int, use: Callable[[bytes], object]) -> None:
        while size:
            block = stream.read(min(size, _BLOCK))
            if not block:
                raise CorruptFragment("A fragment of pages is cut short", expected=f"{size} more bytes")
            digest.update(block)
            use(block)
            size -= len(block)

    take(fragment.data_bytes, file.write)
    with SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        take(fragment.directory_bytes, spool.write)
        if digest.hexdigest() != fragment.sha256 or fragment.directory_bytes != fragment.pages * _ENTRY.size:
            raise CorruptFragment(
                "A fragment of pages is not what was written",
                value=digest.hexdigest(),
                expected=fragment.sha256,
            )
        spool.seek(0)
        for page in range(fragment.pages):
            page_bytes, content_bytes = _ENTRY.unpack(spool.read(_ENTRY.size))
            file.offsets[number + 2 * page] = begin
            file.offsets[number + 2 * page + 1] = begin + page_bytes
            begin += page_bytes + content_bytes


def _outline(
    numbers: _Numbers, bookmarks: Bookmarks, entries: int, document: SheetDocument
) -> Iterable[tuple[int, bytes]]:
    if not entries:
        return
    root, first, last = numbers.outline, numbers.outline + 1, numbers.outline + entries
    yield (
        root,
        f"<</Type/Outlines/First {first} 0 R/Last {last} 0 R/Count {entries}>>".encode(),
    )
    for number, bookmark in enumerate(bookmarks, first):
        if not 0 <= bookmark.page < document.pages:
            raise RenderError(
                "A bookmark leads nowhere", value=bookmark.page, expected=f"0 to {document.pages}"
            )
        before = f"/Prev {number - 1} 0 R" if number > first else ""
        after = f"/Next {number + 1} 0 R" if number < last else ""
        yield (
            number,
            f"<</Title{pdf_parts.text_string(bookmark.title)}/Parent {root} 0 R{before}{after}"
            f"/Dest[{numbers.node(0, bookmark.page)} 0 R/Fit]>>".encode(),
        )


def _finish(file: _File) -> None:
    """Write the cross-reference table and the trailer. The file's identifier is the digest of all objects."""
    identifier = file.hexdigest()[:32]
    begin, size = file.offset, len(file.offsets)
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for at in range(1, size, _TABLE_ROWS):
        file.write(b"".join(b"%010d 00000 n \n" % offset for offset in file.offsets[at : at + _TABLE_ROWS]))
    file.write(
        f"trailer\n<</Size {size}/Root {_CATALOG} 0 R/Info {_INFO} 0 R/ID[<{identifier}><{identifier}>]>>\n"
        f"startxref\n{begin}\n%%EOF\n".encode()
    )
