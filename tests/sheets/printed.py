"""A page as a printer draws it, with measurements of each label: its text, place and dark area."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pypdfium2
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

from exports.artefacts import ArtefactStore
from exports.jobs.plan import ExportPlan
from exports.sheets.pages import encode
from exports.sheets.plan import SheetPlan
from gs1.symbol_size import SymbolKind
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout
from renderers.symbol import MatrixSymbols
from tests.sheets import jobs

#: What a reader calls each kind; it takes FNC1 in first place for a part of the name.
IDENTIFIERS = {
    SymbolKind.QR_CODE: "]Q1",
    SymbolKind.GS1_DATAMATRIX: "]d2",
    SymbolKind.EAN_13: "]E0",
    SymbolKind.UPC_A: "]E0",
    SymbolKind.EAN_8: "]E4",
    SymbolKind.ITF_14: "]I1",
    SymbolKind.GS1_128: "]C1",
}

#: Where in the symbol its edges and dark area are measured: pixels around it that must be light.
_RIM = 3

_MILLIMETRES_PER_INCH = 25.4

#: White around a label that is cut out, for a reader that wants some on every side.
_WHITE = 12


@dataclass(frozen=True)
class Label:
    """What must be in one cell: its layout, payload, modules or bars in X, and dark area in X squared.

    Bars have no area of their own here: it is their width in X.
    """

    cell: int
    layout: LabelLayout
    payload: bytes
    width_x: float
    dark: float


@dataclass(frozen=True)
class Measured:
    """The worst of the labels of a page: distance from the template, and dark area over nominal less 1."""

    labels: int
    off_mm: float
    ink: float


def expected(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame) -> list[Label]:
    """Return the labels of a sheet's only page, in the order of their cells."""
    batch = encode(plan, sheet, rows)
    found = []
    for encoded in batch.groups:
        layout, group = encoded.layout, encoded.symbols
        matrix = isinstance(group, MatrixSymbols)
        for index, position in enumerate(group.positions.tolist()):
            dark = (
                group.modules[index].sum() if matrix else group.widths[index, ::2].sum() / group.units_per_x
            )
            payload = batch.labels["data"][position].encode().removeprefix(b"\x1d")
            if layout.kind is SymbolKind.UPC_A:
                payload = b"0" + payload  # a reader reports the EAN-13 that it also is
            found.append(Label(position, layout, payload, group.width_x, float(dark)))
    return sorted(found, key=lambda label: label.cell)


def _pdfium(path: Path, dpi: int) -> NDArray[np.bool_]:
    with pypdfium2.PdfDocument(path) as document:
        # The page's size is known in single precision: whole dots may come out a hair above as many pixels.
        scale = dpi / 72 * (1 - 1e-6)
        return document[0].render(scale=scale, grayscale=True, no_smoothtext=True).to_numpy() < 128


def _black(command: list[str]) -> NDArray[np.bool_]:
    """Return where a printer's black and white picture is black."""
    done = subprocess.run(command, check=True, capture_output=True)
    with Image.open(io.BytesIO(done.stdout)) as picture:
        return ~np.array(picture)


def _poppler(path: Path, dpi: int) -> NDArray[np.bool_]:
    return _black(["pdftoppm", "-mono", "-r", str(dpi), "-singlefile", str(path)])


def _ghostscript(path: Path, dpi: int) -> NDArray[np.bool_]:
    options = ["-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-sDEVICE=pbmraw", f"-r{dpi}", "-sOutputFile=-"]
    return _black(["gs", *options, str(path)])


RASTERISERS: Mapping[str, Callable[[Path, int], NDArray[np.bool_]]] = {
    "pdfium": _pdfium,
    "poppler": _poppler,
    "ghostscript": _ghostscript,
}

#: The program that each of them needs.
PROGRAMS = {"poppler": "pdftoppm", "ghostscript": "gs"}


def is_installed(tool: str) -> bool:
    return tool not in PROGRAMS or shutil.which(PROGRAMS[tool]) is not None


def dark_edges_mm(path: Path, dpi: int) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of all that is dark on the first page."""
    page = _pdfium(path, dpi)
    rows, columns = np.flatnonzero(page.any(1)), np.flatnonzero(page.any(0))
    edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) * _MILLIMETRES_PER_INCH / dpi
    left, top, right, bottom = edges.tolist()
    return left, top, right, bottom


def print_and_measure(plan: ExportPlan, rows: pl.DataFrame, tools: list[str]) -> dict[str, Measured] | None:
    """Return what each rasteriser makes of the job's one page; None where no label fits the template.

    Raises AssertionError where a label does not read as it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            sheet, content = jobs.sheets(plan, rows, ArtefactStore(f"{folder}/store"))
        except DoesNotFit:
            return None
        path = Path(folder, "page.pdf")
        path.write_bytes(content)
        labels = expected(plan, sheet, rows)
        assert labels
        dpi = sheet.document.dpi
        return {tool: _measured(sheet, labels, RASTERISERS[tool](path, dpi), tool) for tool in tools}


def _measured(sheet: SheetPlan, labels: list[Label], page: NDArray[np.bool_], tool: str) -> Measured:
    template, dpi = sheet.template, sheet.document.dpi
    assert page.shape == tuple(reversed(sheet.document.page_dots)), tool
    off_mm, ink = [0.0], [0.0]
    for label in labels:
        where = f"{tool}, {dpi} dpi, {template.id} label {label.cell}"
        assert _read(_cut_out(sheet, page, label.cell)) == [
            (IDENTIFIERS[label.layout.kind], label.payload)
        ], where
        off, share = _place_and_ink(sheet, page, label)
        off_mm.append(off)
        ink.append(share - 1)
    return Measured(len(labels), max(off_mm), max(ink, key=abs))


def _cut_out(sheet: SheetPlan, page: NDArray[np.bool_], cell: int) -> NDArray[np.bool_]:
    """Return one label by the template's millimetres, not by anything the writer computed."""
    template, dots = sheet.template, sheet.document.dpi / _MILLIMETRES_PER_INCH
    left, top = template.label_origin_mm(cell)
    return page[
        round(top * dots) : round((top + template.label_height_mm) * dots),
        round(left * dots) : round((left + template.label_width_mm) * dots),
    ]


def _read(label: NDArray[np.bool_]) -> list[tuple[str, bytes]]:
    picture = np.pad(np.where(label, 0, 255).astype(np.uint8), _WHITE, constant_values=255)
    codes = zxingcpp.read_barcodes(picture, try_rotate=False, try_invert=False)
    return [(code.symbology_identifier, code.bytes) for code in codes]


def _place_and_ink(sheet: SheetPlan, page: NDArray[np.bool_], label: Label) -> tuple[float, float]:
    """Return how far, in mm, the symbol's edges are from where template and layout have them, and its ink.

    Ink is dark area over nominal. Of linear symbols it is that of the bars in the middle of their height,
    clear of bearer and guard bars, and the lower edge is not looked at.
    """
    template, layout = sheet.template, label.layout
    dot_mm = _MILLIMETRES_PER_INCH / sheet.document.dpi
    x_mm, y_mm = template.label_origin_mm(label.cell)
    matrix = not layout.bar_height_dots
    wide = label.width_x * layout.x_dots
    high = wide if matrix else layout.bar_height_dots
    # A smaller symbol than the largest stands in the middle of the box.
    spare = (layout.box_width_x - label.width_x) * layout.x_dots / 2
    left = x_mm / dot_mm + layout.box_left_dots + spare
    bottom = (y_mm + template.label_height_mm) / dot_mm - layout.box_bottom_dots - (spare if matrix else 0)
    top = bottom - high
    column, row = round(left) - _RIM, round(top) - _RIM
    box = page[row : round(bottom) + (_RIM if matrix else 0), column : round(left + wide) + _RIM]
    if matrix:
        nominal = label.dark * layout.x_dots**2
        rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
        edges = [row + rows[0] - top, row + rows[-1] + 1 - bottom]
        dark = box
    else:
        middle = len(box) // 2
        dark = box[middle - middle // 2 : middle + middle // 2]
        nominal = label.dark * layout.x_dots * len(dark)
        columns = np.flatnonzero(dark.any(0))
        bars = np.flatnonzero(box[:, round(wide / 2) :].any(1))
        edges = [] if layout.bearer_bar_dots else [row + bars[0] - top]
    edges += [column + columns[0] - left, column + columns[-1] + 1 - (left + wide)]
    return float(max(map(abs, edges))) * dot_mm, float(dark.sum() / nominal)
