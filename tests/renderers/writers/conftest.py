"""Symbols from independent encoders, so that writers are tested without our encoders."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import segno
import zint
import zxingcpp
from PIL import Image

from renderers.symbol import BarSymbols, Captions, Drawing, HriZone, MatrixSymbols, QuietZone, SymbolGroup

LINKS = [f"https://id.gs1.org/01/09506000134352/10/LOT-{number:04d}".encode() for number in range(8)]
BRACKETED = [f"(01)09506000134352(17)271231(10)00{number:02d}" for number in range(8)]
MESSAGES = [text.replace("(", "").replace(")", "") for text in BRACKETED]

QR_DRAWING = Drawing(x_dimension_mm=0.495, quiet_zone=QuietZone(4, 4, 4, 4))
DATA_MATRIX_DRAWING = Drawing(x_dimension_mm=0.495, quiet_zone=QuietZone(1, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of symbol: how it is drawn, its texts, and what a reader must say."""

    symbols: SymbolGroup
    drawing: Drawing
    hri: list[str]
    payloads: list[bytes]
    symbology_identifiers: set[str]

    @property
    def captions(self) -> Captions:
        return captions(self.hri)


def captions(texts: list[str]) -> Captions:
    """Return captions of texts in whose values there are no parentheses."""
    return Captions(texts, texts, [re.split(r"(?=\()", text) for text in texts])


def one(modules: np.ndarray) -> MatrixSymbols:
    return MatrixSymbols(np.arange(1), modules[np.newaxis].astype(np.uint8))


def square(quiet_x: float) -> QuietZone:
    return QuietZone(quiet_x, quiet_x, quiet_x, quiet_x)


def bar_widths(symbology: zint.Symbology, data: str, *, gs1: bool = False) -> list[int]:
    """Return the widths of bars and spaces that zint makes of the data."""
    symbol = zint.Symbol()
    symbol.symbology = symbology
    if gs1:
        symbol.input_mode = zint.InputMode.GS1
    symbol.encode(data)
    row = np.asarray(symbol.encoded_data, np.uint8)[0]
    modules = np.unpackbits(row, bitorder="little")[: symbol.width]
    edges = np.flatnonzero(np.diff(modules)) + 1
    return np.diff(np.concatenate(([0], edges, [symbol.width]))).tolist()


def bars(widths: list[list[int]], **layout: object) -> BarSymbols:
    return BarSymbols(np.arange(len(widths)), np.array(widths, np.uint8), **layout)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def qr_symbols() -> MatrixSymbols:
    matrices = [
        segno.make_qr(link, error="m", mode="byte", version=5, boost_error=False).matrix for link in LINKS
    ]
    return MatrixSymbols(np.arange(len(LINKS)), np.array(matrices, np.uint8))


@pytest.fixture(scope="session")
def data_matrix_symbols() -> MatrixSymbols:
    images = []
    for text in BRACKETED:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True, force_square=True)
        image = np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
        images.append(image < 128)
    return MatrixSymbols(np.arange(len(MESSAGES)), np.array(images, np.uint8))


def _ean_13() -> Case:
    digits = ["9506000134352", "4006381333931"]
    symbols = bars(
        [bar_widths(zint.Symbology.EANX, d) for d in digits],
        guards=(0, 2, 28, 30, 56, 58),
        zones=(HriZone(0, 1, -11, 7), HriZone(1, 7, 3, 42), HriZone(7, 13, 50, 42)),
    )
    drawing = Drawing(0.33, QuietZone(11, 7), bar_height_mm=22.85)
    return Case(symbols, drawing, digits, [d.encode() for d in digits], {"]E0"})


def _ean_8() -> Case:
    digits = ["95012346", "96385074"]
    symbols = bars(
        [bar_widths(zint.Symbology.EANX, d[:7]) for d in digits],
        guards=(0, 2, 20, 22, 40, 42),
        zones=(HriZone(0, 4, 3, 28), HriZone(4, 8, 36, 28)),
    )
    drawing = Drawing(0.33, QuietZone(7, 7), bar_height_mm=18.23)
    return Case(symbols, drawing, digits, [d.encode() for d in digits], {"]E4"})


def _upc_a() -> Case:
    digits = ["012345678905", "614141000036"]
    symbols = bars(
        [bar_widths(zint.Symbology.UPCA, d) for d in digits],
        # The bars of the first and the last digit are as long as the guard bars.
        guards=(0, 2, 4, 6, 28, 30, 52, 54, 56, 58),
        zones=(
            HriZone(0, 1, -9, 5, 0.75), HriZone(1, 6, 10, 35),
            HriZone(6, 11, 50, 35), HriZone(11, 12, 99, 5, 0.75),
        ),
    )  # fmt: skip
    drawing = Drawing(0.33, QuietZone(9, 9), bar_height_mm=22.85)
    # A reader tells UPC-A as the EAN-13 it is.
    return Case(symbols, drawing, digits, [b"0" + d.encode() for d in digits], {"]E0"})


def _upc_e() -> Case:
    digits = ["01234565", "04252614"]
    symbols = bars(
        [bar_widths(zint.Symbology.UPCE, d[:7]) for d in digits],
        guards=(0, 2, 28, 30, 32),
        zones=(HriZone(0, 1, -9, 4, 4 / 7), HriZone(1, 7, 3, 42), HriZone(7, 8, 54, 4, 4 / 7)),
    )
    drawing = Drawing(0.33, QuietZone(9, 7), bar_height_mm=22.85)
    # A reader tells the UPC-A that it stands for, as the EAN-13 that this is.
    return Case(symbols, drawing, digits, [b"0012345000065", b"0042100005264"], {"]E0"})


def _itf_14() -> Case:
    digits = ["10614141000415", "15400141288763"]
    # zint's wide elements are 3 X: ours are 2.5, in halves.
    widths = [[{1: 2, 3: 5}[w] for w in bar_widths(zint.Symbology.ITF14, d[:13])] for d in digits]
    drawing = Drawing(0.495, QuietZone(10, 10), bar_height_mm=31.75, bearer_bar_x=2)
    payloads = [d.encode() for d in digits]
    return Case(bars(widths, units_per_x=2), drawing, digits, payloads, {"]I0", "]I1"})


def _gs1_128() -> Case:
    texts = ["(01)09506000134352(17)271231(10)AB-12", "(01)09506000134369(17)280131(10)QG/j9"]
    symbols = bars(
        [bar_widths(zint.Symbology.GS1_128, t.replace("(", "[").replace(")", "]"), gs1=True) for t in texts]
    )
    drawing = Drawing(0.495, QuietZone(10, 10), bar_height_mm=31.75)
    payloads = [t.replace("(", "").replace(")", "").encode() for t in texts]
    return Case(symbols, drawing, texts, payloads, {"]C1"})


def _rectangle() -> Case:
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.DATAMATRIX
    symbol.input_mode = zint.InputMode.GS1
    symbol.option_2 = 28  # 12 rows of 36 modules
    symbol.encode(BRACKETED[0].replace("(", "[").replace(")", "]"))
    modules = np.unpackbits(np.asarray(symbol.encoded_data), axis=1, bitorder="little")
    return Case(
        one(modules[: symbol.rows, : symbol.width]),
        DATA_MATRIX_DRAWING,
        BRACKETED[:1],
        [MESSAGES[0].encode()],
        {"]d2"},
    )


LINEAR_CASES = {
    "EAN-13": _ean_13, "EAN-8": _ean_8, "UPC-A": _upc_a, "UPC-E": _upc_e, "ITF-14": _itf_14, "GS1-128": _gs1_128,
}  # fmt: skip


@pytest.fixture(scope="session")
def cases(qr_symbols: MatrixSymbols, data_matrix_symbols: MatrixSymbols) -> dict[str, Case]:
    """Every kind of symbol the writers draw."""
    links = [f"(01)09506000134352(10)LOT-{number:04d}" for number in range(8)]
    messages = [message.encode() for message in MESSAGES]
    return {
        "QR Code": Case(qr_symbols, QR_DRAWING, links, LINKS, {"]Q1"}),
        "GS1 DataMatrix": Case(data_matrix_symbols, DATA_MATRIX_DRAWING, BRACKETED, messages, {"]d2"}),
        "Rectangular GS1 DataMatrix": _rectangle(),
        **{name: make() for name, make in LINEAR_CASES.items()},
    }


KINDS = ["QR Code", "GS1 DataMatrix", "Rectangular GS1 DataMatrix", *LINEAR_CASES]


def read(picture: Image.Image) -> list[tuple[bytes, str]]:
    """Return payload and symbology identifier of every symbol in a picture."""
    found = zxingcpp.read_barcodes(picture.convert("L"), try_rotate=False, try_invert=False)
    return [(code.bytes, code.symbology_identifier) for code in found]


def require_reads(picture: Image.Image, case: Case, number: int) -> None:
    ((payload, identifier),) = read(picture)
    assert payload == case.payloads[number]
    assert identifier in case.symbology_identifiers


def ghostscript(file: bytes, device: str, dpi: int, *options: str) -> Image.Image:
    """Return what Ghostscript draws inside the bounding box; skips without it, but not in the full tests."""
    program = shutil.which("gs")
    if program is None:
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail("Ghostscript (gs) is not installed")
        pytest.skip("Ghostscript (gs) is not installed")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.eps"), Path(folder, "out")
        source.write_bytes(file)
        command = [
            program,
            "-q",
            "-dSAFER",
            "-dBATCH",
            "-dNOPAUSE",
            "-dEPSCrop",
            f"-sDEVICE={device}",
            *options,
        ]
        ran = subprocess.run(
            [*command, f"-r{dpi}", f"-sOutputFile={target}", str(source)], capture_output=True, check=True
        )
        assert (ran.stdout, ran.stderr) == (b"", b"")
        with Image.open(target) as picture:
            picture.load()
            return picture
