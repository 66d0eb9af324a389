"""SVG files: well-formed, in millimetres, and readable after an independent rasteriser."""

import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import resvg_py
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from renderers.symbol import Drawing, MatrixSymbols
from renderers.writers import svg

from .conftest import LINKS, MESSAGES

SVG = "{http://www.w3.org/2000/svg}"
QR = Drawing(x_dimension_mm=0.495, quiet_zone_x=4)
DATA_MATRIX = Drawing(x_dimension_mm=0.495, quiet_zone_x=1)


def rasterise(file: bytes, pixels_per_module: int) -> Image.Image:
    """Return the drawing at so many pixels per module, on no background of the rasteriser's."""
    box = ET.fromstring(file).attrib["viewBox"].split()
    # At 25.4 dpi a millimetre is a pixel, so that drawings of whole millimetres scale without rounding.
    rendered = resvg_py.svg_to_bytes(
        svg_string=file.decode(), width=int(box[2]) * pixels_per_module, dpi=25.4
    )
    return Image.open(io.BytesIO(bytes(rendered))).convert("RGBA")


def one(modules: np.ndarray) -> MatrixSymbols:
    return MatrixSymbols(np.arange(1), modules[np.newaxis].astype(np.uint8))


@pytest.mark.parametrize("pixels", [3, 4, 7])
def test_qr_codes_decode(qr_symbols: MatrixSymbols, pixels: int) -> None:
    files = svg.write(qr_symbols, QR, [""] * len(LINKS), [""] * len(LINKS))
    for file, link in zip(files, LINKS, strict=True):
        found = zxingcpp.read_barcodes(rasterise(file, pixels).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(link, "]Q1")]


def test_data_matrices_decode(data_matrix_symbols: MatrixSymbols) -> None:
    files = svg.write(data_matrix_symbols, DATA_MATRIX, MESSAGES, MESSAGES)
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
    (file,) = svg.write(one(modules), Drawing(1, quiet_zone), [""], [""])
    image = np.array(rasterise(file, pixels))
    expected = np.kron(np.pad(modules, quiet_zone), np.ones((pixels, pixels), np.uint8))
    assert (image[..., 3] == 255).all()
    assert ((image[..., 0] < 128) == expected).all()


def test_geometry(qr_symbols: MatrixSymbols) -> None:
    root = ET.fromstring(svg.write(one(qr_symbols.modules[0]), QR, ["T"], ["D"])[0])
    assert (root.attrib["width"], root.attrib["height"]) == ("22.275mm", "22.275mm")
    assert root.attrib["viewBox"] == "0 0 45 45"
    assert (root.attrib["role"], root.attrib["shape-rendering"]) == ("img", "crispEdges")
    assert [child.tag for child in root] == [f"{SVG}{tag}" for tag in ("title", "desc", "rect", "path")]


def test_rectangular_symbols_keep_their_sides() -> None:
    (file,) = svg.write(one(np.ones((8, 18), np.uint8)), Drawing(0.5, 1), [""], [""])
    assert b'width="10mm" height="5mm" viewBox="0 0 20 10"' in file


def test_runs_are_whole() -> None:
    modules = np.zeros((3, 40), np.uint8)
    modules[0] = 1
    modules[2, 3:5] = modules[2, 39:] = 1
    (file,) = svg.write(one(modules), Drawing(0.5, 2), [""], [""])
    assert b'd="M2 2h40v1H2zM5 4h2v1H5zM41 4h1v1H41z"' in file


def test_a_batch_gives_the_same_files_as_its_symbols_one_by_one() -> None:
    count = 2 * svg._BATCH + 1
    modules = np.random.default_rng(1).integers(0, 2, (count, 9, 11), dtype=np.uint8)
    names = [str(number) for number in range(count)]
    files = svg.write(MatrixSymbols(np.arange(count), modules), QR, names, names)
    assert files == [svg.write(one(m), QR, [n], [n])[0] for m, n in zip(modules, names, strict=True)]


def test_the_run_cache_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = np.random.default_rng(1).integers(0, 2, (50, 12, 12), dtype=np.uint8)
    symbols, names = MatrixSymbols(np.arange(50), modules), [""] * 50
    expected = svg.write(symbols, Drawing(0.5, 3), names, names)
    monkeypatch.setattr(svg, "_MAX_CACHED_RUNS", 10)
    svg._runs.cache_clear()
    assert svg.write(symbols, Drawing(0.5, 3), names, names) == expected
    assert len(svg._runs(13, 3)) <= 10


@given(st.text())
def test_any_text_survives_or_is_made_visible(text: str) -> None:
    (file,) = svg.write(one(np.ones((1, 1))), QR, [text], [text])
    root = ET.fromstring(file)
    for tag in ("title", "desc"):
        read = root.findtext(f"{SVG}{tag}") or ""
        assert len(read) == len(text)
        assert all(was == now or not was.isprintable() for was, now in zip(text, read, strict=True))


def test_control_characters_are_shown() -> None:
    (file,) = svg.write(one(np.ones((1, 1))), QR, ["a\x1db\x00"], ["]]> <&\r\x7f"])
    root = ET.fromstring(file)
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("a␝b␀", "]]> <&␍␡")


def test_no_symbols_no_files() -> None:
    assert svg.write(MatrixSymbols(np.arange(0), np.zeros((0, 21, 21), np.uint8)), QR, [], []) == []


def test_a_missing_title_is_an_error(qr_symbols: MatrixSymbols) -> None:
    with pytest.raises(ValueError, match="shorter"):
        svg.write(qr_symbols, QR, ["only one"], [""] * len(LINKS))
