"""Bookmarks of sheets: one for each product, in constant memory."""

import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl
import pytest

from exports.requests.export_types import Slot
from exports.sheets import plan as sheet_plan
from exports.sheets.plan import SheetPlan, bookmarks
from renderers.sheets.document import SheetDocument
from renderers.sheets.pdf import PdfFragmentWriter, join
from renderers.sheets.templates import TEMPLATES


def sheet_of(rows: int, copies: int = 1) -> SheetPlan:
    template = TEMPLATES["avery_5160"]
    pages = -(-rows * copies // template.labels_per_page)
    document = SheetDocument(template, 600, pages, "t", "\ufffd", datetime(1980, 1, 1, tzinfo=UTC))
    return SheetPlan(document, (), Slot.QR, "M", rows, copies, 1)


def frame(gtins: list[str], first: int = 0, copies: int = 1) -> pl.DataFrame:
    rows = range(first, first + len(gtins))
    return pl.DataFrame(
        {
            "first_label": [row * copies for row in rows],
            "gtin14": gtins,
            "product_name": [f"N{gtin}" if gtin else "" for gtin in gtins],
        }
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_product_has_one_bookmark_however_rows_are_batched(size: int) -> None:
    gtins = ["A", "A", "B", "C", "C", "C", "D"]
    whole = frame(gtins, copies=10)
    sheet = sheet_of(len(gtins), copies=10)
    found = bookmarks(sheet, lambda: whole.iter_slices(size))
    assert len(found) == 4
    assert [(mark.title, mark.page) for mark in found] == [
        ("NA (A)", 0), ("NB (B)", 0), ("NC (C)", 1), ("ND (D)", 2)
    ]  # fmt: skip


def test_rows_without_a_name_are_found_by_their_gtin() -> None:
    nameless = frame(["A"]).with_columns(product_name=pl.lit(None, pl.String))
    assert [mark.title for mark in bookmarks(sheet_of(1), lambda: [nameless])] == ["A"]


@pytest.mark.parametrize("most", [2, 3, 4])
def test_bookmarks_that_no_pdf_can_hold_are_left_out(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(sheet_plan, "most_bookmarks", lambda _: most)
    found = bookmarks(sheet_of(3), lambda: [frame(["A", "B", "C"])])
    assert (len(found), len(list(found))) == ((3, 3) if most >= 3 else (0, 0))


class Nowhere(io.BytesIO):
    """Forgets what is written."""

    def write(self, data: object, /) -> int:
        return 0


def peak_bytes(count: int, size: int = 10_000) -> int:
    """Return the memory that joining a PDF of so many products takes at most."""

    def frames() -> Iterator[pl.DataFrame]:
        for first in range(0, count, size):
            yield frame([f"{number:014d}" for number in range(first, min(first + size, count))], first)

    sheet, pages = sheet_of(count), io.BytesIO()
    fragment = PdfFragmentWriter(sheet.document, pages, 0, sheet.document.pages).close()
    pages.seek(0)
    tracemalloc.start()
    join(sheet.document, [(fragment, pages)], Nowhere(), bookmarks(sheet, frames))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_bookmarks_are_written_one_by_one() -> None:
    """Each takes its place in the cross-reference table, twice while that is made; in a list it would take 300 bytes."""
    peak_bytes(10)  # the fonts are read once
    few, many = peak_bytes(10_000), peak_bytes(150_000)
    assert many - few < 140_000 * 2 * 8 * 1.5
