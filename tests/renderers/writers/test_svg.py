"""SVG files: well-formed, in millimetres, and readable after an independent rasteriser."""

import io
import random
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import resvg_py
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from renderers.symbol import Captions, Drawing, MatrixSymbols, QuietZone
from renderers.writers import svg

from .conftest import DATA_MATRIX_DRAWING as DATA_MATRIX
from .conftest import KINDS, LINKS, MESSAGES, Case, bars, captions, one, require_reads, square
from .conftest import QR_DRAWING as QR

SVG = "{http://www.w3.org/2000/svg}"


def rasterise(file: bytes, pixels_per_module: int) -> Image.Image:
    """Return the drawing at so many pixels per module, on no background of the rasteriser's."""
    box = ET.fromstring(file).attrib["viewBox"].split()
    # At 25.4 dpi a millimetre is a pixel, so that drawings of whole millimetres scale without rounding.
    rendered = resvg_py.svg_to_bytes(
        svg_string=file.decode(), width=int(box[2]) * pixels_per_module, dpi=25.4
    )
    return Image.open(io.BytesIO(bytes(rendered))).convert("RGBA")


@pytest.mark.parametrize("pixels", [3, 4, 7])
def test_qr_codes_decode(qr_symbols: MatrixSymbols, pixels: int) -> None:
    files = svg.write(qr_symbols, QR, captions([""] * len(LINKS)))
    for file, link in zip(files, LINKS, strict=True):
        found = zxingcpp.read_barcodes(rasterise(file, pixels).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(link, "]Q1")]


def test_data_matrices_decode(data_matrix_symbols: MatrixSymbols) -> None:
    files = svg.write(data_matrix_symbols, DATA_MATRIX, captions(MESSAGES))
    for file, message in zip(files, MESSAGES, strict=True):
        found = zxingcpp.read_barcodes(rasterise(file, 5).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(message.encode(), "]d2")]


@settings(deadline=None, max_examples=30)
@given(
    npst.arrays(np.uint8, st.tuples(*[st.integers(1, 24)] * 2), elements=st.integers(0, 1)),
    st.integers(0, 4),
    st.integers(1, 3),
)
def test_every_module_is_drawn_where_it_belongs(modules: np.ndarray, quiet_zone: int, pixels: int) -> None:
    (file,) = svg.write(one(modules), Drawing(1, square(quiet_zone)), captions([""]))
    image = np.array(rasterise(file, pixels))
    expected = np.kron(np.pad(modules, quiet_zone), np.ones((pixels, pixels), np.uint8))
    assert (image[..., 3] == 255).all()
    assert ((image[..., 0] < 128) == expected).all()


def test_geometry(qr_symbols: MatrixSymbols) -> None:
    root = ET.fromstring(svg.write(one(qr_symbols.modules[0]), QR, Captions(["T"], ["D"], [[""]]))[0])
    assert (root.attrib["width"], root.attrib["height"]) == ("22.275mm", "22.275mm")
    assert root.attrib["viewBox"] == "0 0 45 45"
    assert (root.attrib["role"], root.attrib["shape-rendering"]) == ("img", "crispEdges")
    assert [child.tag for child in root] == [f"{SVG}{tag}" for tag in ("title", "desc", "rect", "path")]


def test_rectangular_symbols_keep_their_sides() -> None:
    (file,) = svg.write(one(np.ones((8, 18), np.uint8)), Drawing(0.5, square(1)), captions([""]))
    assert b'width="10mm" height="5mm" viewBox="0 0 20 10"' in file


def boxes(path: str) -> list[tuple[float, float, float]]:
    """Return the rows' runs as (left, top, length), from the pen's moves that the writer uses."""
    x = y = 0.0
    found: list[tuple[float, float, float]] = []
    for command, numbers in re.findall(r"([MmvH])([^MmvH]*)", path):
        values = [float(number) for number in numbers.split()]
        if command == "M":
            x, y = values
        elif command == "m":
            x, y = x + values[0], y + values[1]
        elif command == "v":
            y += values[0]
        else:
            found.append((x, y - 1, values[0] - x))
            x = values[0]
    return found


def test_runs_are_whole() -> None:
    modules = np.zeros((3, 40), np.uint8)
    modules[0] = 1
    modules[2, 3:5] = modules[2, 39:] = 1
    (file,) = svg.write(one(modules), Drawing(0.5, square(2)), captions([""]))
    (path,) = re.findall(r' d="([^"]*)"', file.decode())
    assert boxes(path) == [(2, 2, 40), (5, 4, 2), (41, 4, 1)]


@given(st.integers(1, 26), st.integers(1, 9), st.randoms(use_true_random=False))
def test_every_dark_module_is_in_one_box(columns: int, rows: int, chance: random.Random) -> None:
    modules = np.array([[chance.random() < 0.5 for _ in range(columns)] for _ in range(rows)], np.uint8)
    (file,) = svg.write(one(modules), Drawing(0.5, square(2)), captions([""]))
    (path,) = re.findall(r' d="([^"]*)"', file.decode())
    drawn = np.zeros_like(modules)
    for left, top, length in boxes(path):
        drawn[int(top) - 2, int(left) - 2 : int(left + length) - 2] += 1
    assert (drawn == modules).all()


def test_a_batch_gives_the_same_files_as_its_symbols_one_by_one() -> None:
    count = 2 * svg._BATCH + 1
    modules = np.random.default_rng(1).integers(0, 2, (count, 9, 11), dtype=np.uint8)
    names = [str(number) for number in range(count)]
    files = svg.write(MatrixSymbols(np.arange(count), modules), QR, captions(names))
    assert files == [svg.write(one(m), QR, captions([n]))[0] for m, n in zip(modules, names, strict=True)]


@given(st.text())
def test_any_text_survives_or_is_made_visible(text: str) -> None:
    (file,) = svg.write(one(np.ones((1, 1))), QR, captions([text]))
    root = ET.fromstring(file)
    for tag in ("title", "desc"):
        read = root.findtext(f"{SVG}{tag}") or ""
        assert len(read) == len(text)
        assert all(was == now or not was.isprintable() for was, now in zip(text, read, strict=True))


def test_control_characters_are_shown() -> None:
    (file,) = svg.write(one(np.ones((1, 1))), QR, Captions(["a\x1db\x00"], ["]]> <&\r\x7f"], [[""]]))
    root = ET.fromstring(file)
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("a␝b␀", "]]> <&␍␡")


def test_no_symbols_no_files() -> None:
    assert svg.write(MatrixSymbols(np.arange(0), np.zeros((0, 21, 21), np.uint8)), QR, captions([])) == []


def test_a_missing_title_is_an_error(qr_symbols: MatrixSymbols) -> None:
    with pytest.raises(ValueError, match="not as many titles"):
        svg.write(qr_symbols, QR, Captions(["only one"], [""] * len(LINKS), [[""]] * len(LINKS)))


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("hri", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_decodes(cases: dict[str, Case], kind: str, hri: bool, dpi: int) -> None:
    case = cases[kind]
    files = svg.write(case.symbols, replace(case.drawing, hri=hri), case.captions)
    for number, file in enumerate(files):
        drawn = resvg_py.svg_to_bytes(svg_string=file.decode(), dpi=dpi, skip_system_fonts=True)
        require_reads(Image.open(io.BytesIO(bytes(drawn))), case, number)


def test_sizes_of_linear_symbols(cases: dict[str, Case]) -> None:
    """The sizes are GS1's: EAN-13 at 0.33 mm is 37.29 by 25.93 mm, digits included."""
    case = cases["EAN-13"]
    with_digits = svg.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0]
    assert b'width="37.29mm" height="25.93mm" viewBox="0 0 113 78.5758"' in with_digits
    without = svg.write(case.symbols, case.drawing, case.captions)[0]
    assert b'width="37.29mm" height="24.5mm" viewBox="0 0 113 74.2424"' in without


def test_bars_guards_and_bearer_bars_are_where_they_belong() -> None:
    drawing = Drawing(0.5, QuietZone(10, 10), bar_height_mm=10)
    (file,) = svg.write(bars([[2, 5, 2]], units_per_x=2, guards=(2,)), drawing, captions([""]))
    assert b'd="M10 0h1v20H10zM13.5 0h1v25H13.5z"' in file
    (file,) = svg.write(bars([[2, 5, 2]], units_per_x=2), replace(drawing, bearer_bar_x=2), captions([""]))
    assert b'd="M0 0h24.5v2H0zM0 22h24.5v2H0zM10 2h1v20H10zM13.5 2h1v20H13.5z"' in file


def test_text_is_outlines_of_the_font() -> None:
    symbols = bars([[1, 1, 1]])
    drawing = Drawing(1, QuietZone(10, 10), bar_height_mm=10, hri=True)
    (file,) = svg.write(symbols, drawing, captions(["11"]))
    root = ET.fromstring(file)
    assert [child.tag for child in root] == [
        f"{SVG}{tag}" for tag in ("title", "desc", "rect", "path", "path")
    ]
    path = root[-1].attrib["d"]
    # 402 units wide: two of them are centred. The second is drawn like the first.
    assert path.startswith("M-402 0m")
    glyphs = path.removeprefix("M-402 0")
    assert glyphs[: len(glyphs) // 2] == glyphs[len(glyphs) // 2 :]


def test_texts_of_different_length_keep_their_files() -> None:
    """A file depends on its own text, not on the others it is drawn with."""
    texts = ["(01)09506000134352", "(01)09506000134352(10)A", "(01)09506000134352(10)" + "W" * 20, "(10)A"]
    modules = np.random.default_rng(1).integers(0, 2, (len(texts), 18, 18), dtype=np.uint8)
    drawing = replace(DATA_MATRIX, hri=True)
    files = svg.write(MatrixSymbols(np.arange(len(texts)), modules), drawing, captions(texts))
    assert files == [
        svg.write(one(m), drawing, captions([text]))[0] for m, text in zip(modules, texts, strict=True)
    ]
    assert len({ET.fromstring(file).attrib["viewBox"] for file in files}) > 1
