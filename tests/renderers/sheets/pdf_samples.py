"""Sample documents and labels for the PDF writer, and rasterisers for its output."""

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

from gs1.check_digit import check_digit
from gs1.symbol_size import SymbolKind
from renderers.fonts.subset import max_width_1pt_mm, shown_characters
from renderers.registry import ENCODERS
from renderers.sheets.document import SheetDocument
from renderers.sheets.label_layout import solve
from renderers.sheets.model import LabelLayout
from renderers.sheets.pdf import Bookmark, PdfFragment, PdfFragmentWriter, PdfSummary, join
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.sheets.sizing import HriElement, LabelNeeds, LineNeeds
from renderers.sheets.templates import template
from renderers.symbol import MatrixSymbols, SymbolGroup

NAMES = ("Käse Łódź", "漢字カナ 한국어", "שלום", "مرحبا بالعالم", "Plain name")
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    document: SheetDocument
    labels: SheetLabels
    payloads: list[bytes]


def _with_check_digit(digits: str) -> str:
    return digits + str(check_digit(digits))


def _qr_code(row: int) -> tuple[bytes, tuple[str, ...]]:
    return f"https://id.gs1.org/01/09506000134352/10/L{row:03d}".encode(), (
        "(01)09506000134352",
        f"(10)L{row:03d}",
    )


def _ai_message(row: int) -> tuple[bytes, tuple[str, ...]]:
    return f"\x1d010950600013435210L{row:03d}".encode(), ("(01)09506000134352", f"(10)L{row:03d}")


def _digits(start: str) -> Callable[[int], tuple[bytes, tuple[str, ...]]]:
    def payload(row: int) -> tuple[bytes, tuple[str, ...]]:
        digits = _with_check_digit(f"{start}{row:03d}")
        return digits.encode(), (digits,)

    return payload


#: (template, payload and elements of a row, symbology identifier and what a reader reports before the data)
CASES: dict[SymbolKind, tuple[str, Callable[[int], tuple[bytes, tuple[str, ...]]], str]] = {
    SymbolKind.QR_CODE: ("63up_1in_letter", _qr_code, "]Q1"),
    SymbolKind.GS1_DATAMATRIX: ("63up_1in_letter", _ai_message, "]d2"),
    SymbolKind.EAN_13: ("avery_5160", _digits("950600013"), "]E0"),
    SymbolKind.EAN_8: ("avery_5160", _digits("9506"), "]E4"),
    SymbolKind.UPC_A: ("avery_5160", _digits("61414100"), "]E0"),
    SymbolKind.ITF_14: ("avery_5163", _digits("1950600013"), "]I1"),
    SymbolKind.GS1_128: ("avery_5163", _ai_message, "]C1"),
}


def sample(
    kind: SymbolKind = SymbolKind.QR_CODE,
    count: int = 63,
    *,
    first_cell: int = 0,
    dpi: int = 600,
    names: Sequence[str] = NAMES,
    template_id: str | None = None,
    **options: Any,
) -> Sample:
    default, row_of, _ = CASES[kind]
    sheet = template(template_id or default)
    rows = [row_of(row) for row in range(max(count, 1))]
    payloads, elements = [row[0] for row in rows], [row[1] for row in rows]
    encoded = ENCODERS[kind](payloads, "M")
    assert not encoded.refused
    matrix = isinstance(encoded.groups[0], MatrixSymbols)
    width = max(group.width_x for group in encoded.groups)
    ais = [text[1:3] if text.startswith("(") else "" for text in elements[0]]
    needs = LabelNeeds(
        width,
        width if matrix else None,
        tuple(HriElement(ai, max_width_1pt_mm([row[at] for row in elements])) for at, ai in enumerate(ais)),
        1 if matrix else encoded.groups[0].units_per_x,
    )
    name = LineNeeds(0, (max_width_1pt_mm(names),), optional=1)
    layout = solve(sheet, kind, needs, around=[name], dpi=dpi)
    cuts = [0, *accumulate(len(line.ais) for line in layout.hri)]
    hri = [["".join(row[begin:end]) for row in elements] for begin, end in pairwise(cuts)]
    cells = first_cell + np.arange(count)
    shown = [names[row % len(names)] for row in range(count)]
    pages = max(1, -(-(first_cell + count) // sheet.labels_per_page))
    return Sample(
        SheetDocument(
            sheet,
            dpi,
            pages,
            "Labels & <more>",
            shown_characters([*shown, *(text for line in hri for text in line)]),
            CREATED,
            **options,
        ),
        SheetLabels(cells, [of(layout, group, hri, shown) for group in encoded.groups] if count else []),
        payloads[:count],
    )


def of(
    layout: LabelLayout, symbols: SymbolGroup, hri: Sequence[Sequence[str]], names: Sequence[str]
) -> LabelGroup:
    """Return a group with the texts of its own labels, out of those of all."""
    own = symbols.positions.tolist()
    lines = [[names[at] for at in own] for _ in layout.lines]
    return LabelGroup(layout, symbols, [[line[at] for at in own] for line in hri], lines)


def some(group: LabelGroup, kept: NDArray[np.bool_], shift: int = 0) -> LabelGroup:
    """Return the labels of a group that are kept, their positions counted from `shift`."""
    symbols = group.symbols.only(kept)
    fewer = replace(symbols, positions=symbols.positions - shift)
    at = np.flatnonzero(kept).tolist()
    hri, lines = ([[line[index] for index in at] for line in some] for some in (group.hri, group.lines))
    return LabelGroup(group.layout, fewer, hri, lines)


def part(labels: SheetLabels, start: int, stop: int) -> SheetLabels:
    """Return labels [start, stop) as a batch of their own."""
    groups = []
    for group in labels.groups:
        kept = (group.symbols.positions >= start) & (group.symbols.positions < stop)
        if kept.any():
            groups.append(some(group, kept, start))
    return SheetLabels(labels.cells[start:stop], groups)


def fragments(
    document: SheetDocument, labels: SheetLabels, cuts: Sequence[int] = (), batch: int = 1000
) -> list[tuple[PdfFragment, io.BytesIO]]:
    """Return the document's pages cut at `cuts`, each fragment's labels added in batches."""
    made = []
    bounds = [0, *cuts, document.pages]
    per_page = document.template.labels_per_page
    for first, last in pairwise(bounds):
        out = io.BytesIO()
        writer = PdfFragmentWriter(document, out, first, last)
        start, stop = np.searchsorted(labels.cells, [first * per_page, last * per_page]).tolist()
        for at in range(start, stop, batch):
            writer.add(part(labels, at, min(at + batch, stop)))
        made.append((writer.close(), io.BytesIO(out.getvalue())))
    return made


def pdf_of(
    document: SheetDocument,
    labels: SheetLabels,
    cuts: Sequence[int] = (),
    bookmarks: Sequence[Bookmark] = (),
    batch: int = 1000,
) -> tuple[bytes, PdfSummary]:
    out = io.BytesIO()
    summary = join(document, fragments(document, labels, cuts, batch), out, bookmarks)
    return out.getvalue(), summary


def _pdfium(content: bytes, dpi: int, page: int) -> NDArray[np.uint8]:
    with pypdfium2.PdfDocument(content) as opened:
        # Whole dots times 72 / dpi may come out a hair above a whole number of pixels.
        scale = dpi / 72 * (1 - 1e-9)
        return opened[page].render(scale=scale, grayscale=True, no_smoothtext=True).to_numpy().copy()


def _tool(command: list[str]) -> NDArray[np.uint8]:
    if shutil.which(command[0]) is None:
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail(f"{command[0]} is not installed")
        pytest.skip(f"{command[0]} is not installed")
    return np.array(
        Image.open(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)).convert("L")
    )


def rasterised(content: bytes, tool: str, dpi: int, tmp_path: Any, page: int = 0) -> NDArray[np.uint8]:
    """Return a page as grey pixels. poppler draws it as a printer does, in black and white."""
    if tool == "pdfium":
        return _pdfium(content, dpi, page)
    path = tmp_path / "labels.pdf"
    path.write_bytes(content)
    number = str(page + 1)
    if tool == "poppler":
        return _tool(["pdftoppm", "-mono", "-r", str(dpi), "-f", number, "-singlefile", str(path)])
    options = ["-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-sDEVICE=pgmraw", f"-r{dpi}"]
    return _tool(
        ["gs", *options, f"-dFirstPage={number}", f"-dLastPage={number}", "-sOutputFile=-", str(path)]
    )


def readings(picture: NDArray[np.uint8]) -> list[tuple[bytes, str]]:
    return [
        (code.bytes, code.symbology_identifier) for code in zxingcpp.read_barcodes(Image.fromarray(picture))
    ]


def expected(kind: SymbolKind, payloads: list[bytes]) -> set[tuple[bytes, str]]:
    """Return the readings of symbols with these payloads."""
    # A reader reports UPC-A as the EAN-13 it is, and FNC1 in first place by the symbology identifier alone.
    before = b"0" if kind is SymbolKind.UPC_A else b""
    return {(before + payload.removeprefix(b"\x1d"), CASES[kind][2]) for payload in payloads}
