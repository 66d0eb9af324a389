"""PDF files of label sheets: the same bytes for every division into parts, valid, and complete."""

import io
import re
import zlib
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gs1.symbol_size import SymbolKind
from renderers.errors import RenderError
from renderers.sheets import pdf
from renderers.sheets.cells import MOST_PAGES
from renderers.sheets.document import Calibration
from renderers.sheets.pages import TextTooWide
from renderers.sheets.pdf import (
    MAX_BYTES,
    Bookmark,
    CorruptFragment,
    PdfFragment,
    PdfFragmentWriter,
    PdfTooLarge,
    join,
    most_bookmarks,
)
from tests.renderers.sheets.pdf_samples import NAMES, fragments, part, pdf_of, sample, some

FOUR_PAGES = sample(count=200, first_cell=5)
WHOLE = pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels)


def page_texts(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as opened:
        return [page.get_textpage().get_text_range() for page in opened]


def contents(opened: pikepdf.Pdf) -> list[bytes]:
    return [page.Contents.read_bytes() for page in opened.pages]


@given(st.sets(st.integers(1, 3)).map(sorted), st.integers(1, 70))
@settings(deadline=None, max_examples=15)
def test_same_bytes_however_cut(cuts: list[int], batch: int) -> None:
    assert pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels, cuts, batch=batch) == WHOLE


@pytest.mark.parametrize(
    ("count", "first_cell", "pages"),
    [(0, 0, 1), (1, 0, 1), (1, 62, 1), (63, 0, 1), (64, 0, 2), (1, 63, 2), (130, 10, 3)],
)
def test_any_number_of_labels_from_any_place(count: int, first_cell: int, pages: int) -> None:
    made = sample(count=count, first_cell=first_cell)
    content, summary = pdf_of(made.document, made.labels)
    assert (summary.pages, summary.size_bytes) == (pages, len(content))
    with pikepdf.open(io.BytesIO(content)) as opened:
        assert opened.check_pdf_syntax() == []
        drawn = contents(opened)
        assert len(drawn) == pages
        assert sum(page.count(b"BI/W") for page in drawn) == count
    numbers = re.findall(r"L(\d{3})", " ".join(page_texts(content)))
    assert numbers == [f"{row:03d}" for row in range(count)]


def test_a_label_without_a_symbol_stays_empty() -> None:
    made = sample(count=10)
    (group,) = made.labels.groups
    kept = np.array([0, 1, 2, 4, 5, 6, 7, 8])
    labels = replace(made.labels, groups=[some(group, np.isin(np.arange(10), kept))])
    content, _ = pdf_of(made.document, labels)
    assert re.findall(r"L(\d{3})", page_texts(content)[0]) == [f"{row:03d}" for row in kept]


def test_text_can_be_extracted() -> None:
    content, _ = WHOLE
    text = page_texts(content)[0]
    for name in NAMES:
        assert name in text


def test_a_character_in_no_font_is_shown_as_missing() -> None:
    made = sample(count=1, names=["Bee \N{HONEYBEE} \U00013000"])
    assert "Bee \ufffd \ufffd" in page_texts(pdf_of(made.document, made.labels)[0])[0]


def test_others_find_one_font_and_nothing_wrong() -> None:
    content, _ = pdf_of(
        FOUR_PAGES.document, FOUR_PAGES.labels, bookmarks=[Bookmark("Käse", 0), Bookmark("B", 3)]
    )
    with pikepdf.open(io.BytesIO(content)) as opened:
        assert opened.check_pdf_syntax() == []
        assert opened.Root.ViewerPreferences.PrintScaling == "/None"
        assert opened.docinfo["/Title"] == "Labels & <more>"
        first, second = map(bytes, opened.trailer.ID)
        assert len(first) == 16
        assert first == second
        with opened.open_metadata() as metadata:
            assert metadata["dc:title"] == "Labels & <more>"
            assert metadata["pdfaid:part"] == "2"
            assert metadata["xmp:CreateDate"] == "2026-01-02T03:04:05Z"
        with opened.open_outline() as outline:
            assert [entry.title for entry in outline.root] == ["Käse", "B"]
            assert outline.root[1].destination[0].objgen == opened.pages[3].objgen
        files = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and "/FontFile2" in thing
        ]
        assert len(files) == 1
        # Widths in the PDF are those in the font, which PDF/A demands.
        font = opened.pages[0].Resources.Font.F
        assert opened.pages[3].Resources.Font.F.objgen == font.objgen
        assert len(font.DescendantFonts[0].W[1]) == len(FOUR_PAGES.document.characters)
        assert [float(side) for side in opened.pages[0].MediaBox] == [0, 0, 612, 792]


@pytest.mark.parametrize("options", [{}, {"cut_marks": True, "calibration": Calibration(1, 1, 99)}])
def test_pdf_a(options: dict) -> None:
    pytest.importorskip("jsonschema", reason="pikepdf[pdfa] is not installed")
    pytest.importorskip("referencing", reason="pikepdf[pdfa] is not installed")
    from pikepdf import pdfa

    made = sample(count=70, **options)
    content, _ = pdf_of(made.document, made.labels, bookmarks=[Bookmark("Käse", 1)])
    with pikepdf.open(io.BytesIO(content)) as opened:
        assert list(pdfa.check(opened, "2b").findings) == []


@pytest.mark.parametrize("pages", [1, 255, 256, 257, 600])
def test_the_page_tree_keeps_order(pages: int) -> None:
    made = sample(count=1, template_id="thermal_2x1in", first_cell=pages - 1)
    content, _ = pdf_of(made.document, made.labels, [pages // 2] if pages > 1 else [])
    with pikepdf.open(io.BytesIO(content)) as opened:
        assert opened.check_pdf_syntax() == []
        assert [b"BI/W" in page for page in contents(opened)] == [False] * (pages - 1) + [True]
        assert all(len(node.Kids) <= 256 for node in _nodes(opened.Root.Pages))


def _nodes(node: pikepdf.Object) -> list[pikepdf.Object]:
    if node.Type == "/Page":
        return []
    return [node, *(found for kid in node.Kids for found in _nodes(kid))]


def test_every_offset_is_right() -> None:
    content, _ = WHOLE
    table = content[content.rindex(b"xref\n0 ") :].split(b"\n")
    begin = int(content[content.rindex(b"startxref") :].split(b"\n")[1])
    assert content[begin : begin + 5] == b"xref\n"
    count = int(table[1].split()[1])
    for number, entry in enumerate(table[3 : 2 + count], 1):
        at = int(entry[:10])
        assert content[at : at + 20].startswith(b"%d 0 obj\n" % number)


def test_content_is_drawn_in_whole_dots() -> None:
    """Corners of masks are a hundredth inside whole dots; the page's first operator makes points of dots."""
    with pikepdf.open(io.BytesIO(WHOLE[0])) as opened:
        content = contents(opened)[0]
    assert content.startswith(b"0.1200000000 0 0 0.1200000000 0.00000000 0.00000000 cm\nq ")
    places = re.findall(rb"q (\S+) 0 0 (\S+) (\S+) (\S+) cm", content)
    assert len(places) == 58
    assert all(re.fullmatch(rb"\d+\.(01|98)", number) for place in places for number in place)


def test_a_text_too_wide_is_refused() -> None:
    made = sample(count=2)
    (group,) = made.labels.groups
    names = ["short", "much longer than anything the layout was solved for"]
    labels = replace(made.labels, groups=[replace(group, lines=[names])])
    with pytest.raises(TextTooWide) as raised:
        pdf_of(made.document, labels)
    assert raised.value.value == names[1]
    assert raised.value.code == "text_too_wide"


def test_bars_of_broken_dots_are_refused() -> None:
    made = sample(SymbolKind.ITF_14, 1)
    (group,) = made.labels.groups
    broken = replace(group, layout=replace(group.layout, x_dots=13))
    with pytest.raises(RenderError, match="broken number"):
        pdf_of(made.document, replace(made.labels, groups=[broken]))


@pytest.mark.parametrize("pages", [(1, 1), (2, 1), (-1, 1), (0, 5)])
def test_a_fragment_must_be_of_the_document(pages: tuple[int, int]) -> None:
    with pytest.raises(RenderError, match="Not pages"):
        PdfFragmentWriter(FOUR_PAGES.document, io.BytesIO(), *pages)


def test_labels_must_be_on_the_fragment_and_in_order() -> None:
    writer = PdfFragmentWriter(FOUR_PAGES.document, io.BytesIO(), 0, 2)
    writer.add(part(FOUR_PAGES.labels, 60, 70))
    with pytest.raises(RenderError, match="not on the pages"):
        writer.add(part(FOUR_PAGES.labels, 0, 1))
    with pytest.raises(RenderError, match="not on the pages"):
        writer.add(part(FOUR_PAGES.labels, 150, 151))


def test_no_document_without_a_page_or_time_zone() -> None:
    with pytest.raises(RenderError, match="at least one page"):
        replace(FOUR_PAGES.document, pages=0)
    with pytest.raises(RenderError, match="time zone"):
        replace(FOUR_PAGES.document, created=datetime(2026, 1, 1))  # noqa: DTZ001


def test_damaged_missing_and_misplaced_fragments_are_refused() -> None:
    document, labels = FOUR_PAGES.document, FOUR_PAGES.labels
    first, second = fragments(document, labels, [2])

    def joined(*parts: tuple[PdfFragment, bytes]) -> None:
        join(document, [(made, io.BytesIO(data)) for made, data in parts], io.BytesIO())

    good = [(made, stream.getvalue()) for made, stream in (first, second)]
    joined(*good)
    (made, data), other = good
    for damaged in (data[:-1], data[:100] + b"x" + data[101:], data[:-1] + b"x", b""):
        with pytest.raises(CorruptFragment):
            joined((made, damaged), other)
    for parts in (good[:1], good[1:], [good[1], good[0]], [good[0], good[0]], []):
        with pytest.raises(CorruptFragment, match="missing"):
            joined(*parts)
    with pytest.raises(CorruptFragment):
        joined((replace(made, pages=3, first_page=0), data), other)


def test_a_bookmark_must_lead_somewhere() -> None:
    with pytest.raises(RenderError, match="bookmark"):
        pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels, bookmarks=[Bookmark("x", 4)])


def test_the_most_pages_are_within_the_objects_of_pdf_a() -> None:
    document = sample(count=1).document
    assert most_bookmarks(replace(document, pages=MOST_PAGES)) > 0


@pytest.mark.parametrize("entries", [2, 3, 4])
def test_a_pdf_has_no_more_objects_than_pdf_a_allows(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    """Without bookmarks the four pages take so many objects that three bookmarks and their root still fit."""
    content, _ = pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels)
    objects = int(re.findall(rb"/Size ([0-9]+)", content)[0]) - 1
    monkeypatch.setattr(pdf, "MAX_OBJECTS", objects + 4)
    assert most_bookmarks(FOUR_PAGES.document) == 3
    bookmarks = [Bookmark(str(number), 0) for number in range(entries)]
    if entries <= 3:
        pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels, bookmarks=bookmarks)
        return
    with pytest.raises(PdfTooLarge) as error:
        pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels, bookmarks=bookmarks)
    assert error.value.value == objects + 5


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_pdf_is_no_longer_than_ten_digits_tell(monkeypatch: pytest.MonkeyPatch, spare: int) -> None:
    _, summary = pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels)
    monkeypatch.setattr(pdf, "MAX_BYTES", summary.size_bytes + spare)
    if spare >= 0:
        pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels)
        return
    with pytest.raises(PdfTooLarge) as error:
        pdf_of(FOUR_PAGES.document, FOUR_PAGES.labels)
    assert error.value.value == summary.size_bytes


def test_the_last_offset_that_ten_digits_tell() -> None:
    assert b"%010d" % MAX_BYTES == b"9999999999"


def test_fragments_follow_each_other_in_one_stream() -> None:
    """A store may hold all fragments of a job end to end: a fragment is read to its last byte and no further."""
    made = fragments(FOUR_PAGES.document, FOUR_PAGES.labels, [1, 3])
    stream = io.BytesIO(b"".join(data.getvalue() for _, data in made))
    out = io.BytesIO()
    join(FOUR_PAGES.document, [(fragment, stream) for fragment, _ in made], out)
    assert out.getvalue() == WHOLE[0]
    assert [one.first_page + one.pages for (one, _) in made] == [1, 3, 4]
    assert all(one.first_page + one.pages == two.first_page for (one, _), (two, _) in pairwise(made))


def test_streams_are_plain_zlib() -> None:
    content, _ = WHOLE
    found = re.findall(rb"/Filter/FlateDecode/Length (\d+)>>\nstream\n", content)
    assert len(found) == 4 + 4  # pages; font, its ToUnicode table, profile, cut marks
    for match in re.finditer(rb"/Filter/FlateDecode/Length (\d+)>>\nstream\n", content):
        end = match.end() + int(match[1])
        zlib.decompress(content[match.end() : end])
        assert content[end : end + 18] == b"\nendstream\nendobj\n"
