"""PNG files: whole pixels per module, real size, readable by an independent decoder."""

import io
import struct

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from renderers.symbol import Drawing, MatrixSymbols
from renderers.writers import png

from .conftest import LINKS, MESSAGES


def one(modules: np.ndarray) -> MatrixSymbols:
    return MatrixSymbols(np.arange(1), modules[np.newaxis].astype(np.uint8))


def opened(file: bytes) -> Image.Image:
    """Return the image read in full, checksums included."""
    with Image.open(io.BytesIO(file)) as image:
        image.verify()
    image = Image.open(io.BytesIO(file))
    image.load()
    return image


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("x_dimension_mm", [0.396, 0.495])
def test_qr_codes_decode(qr_symbols: MatrixSymbols, dpi: int, x_dimension_mm: float) -> None:
    for file, link in zip(
        png.write(qr_symbols, Drawing(x_dimension_mm, 4, dpi), MESSAGES, MESSAGES), LINKS, strict=True
    ):
        found = zxingcpp.read_barcodes(opened(file).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(link, "]Q1")]


@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_data_matrices_decode(data_matrix_symbols: MatrixSymbols, dpi: int) -> None:
    for file, message in zip(
        png.write(data_matrix_symbols, Drawing(0.495, 1, dpi), MESSAGES, MESSAGES), MESSAGES, strict=True
    ):
        found = zxingcpp.read_barcodes(opened(file).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(message.encode(), "]d2")]


@pytest.mark.parametrize(
    ("x_dimension_mm", "dpi", "pixels", "reason"),
    [
        (0.495, 600, 12, "11.69 dots, up"),
        (0.396, 600, 9, "9.35 dots, down"),
        (0.396, 203, 3, "3.16 dots"),
        (0.254, 50, 1, "half a dot: never none"),
    ],
)
def test_pixels_per_module(x_dimension_mm: float, dpi: int, pixels: int, reason: str) -> None:
    assert png.pixels_per_module(Drawing(x_dimension_mm, 4, dpi)) == pixels, reason


@settings(deadline=None)
@given(
    npst.arrays(np.uint8, st.tuples(*[st.integers(1, 30)] * 2), elements=st.integers(0, 1)),
    st.integers(0, 4),
    st.sampled_from([72, 203, 300, 600, 1200]),
)
def test_pixels_are_the_modules(modules: np.ndarray, quiet_zone: int, dpi: int) -> None:
    drawing = Drawing(0.396, quiet_zone, dpi)
    image = opened(png.write(one(modules), drawing, [""], [""])[0])
    pixels = png.pixels_per_module(drawing)
    assert image.mode == "1"
    expected = np.kron(np.pad(modules, quiet_zone), np.ones((pixels, pixels), np.uint8))
    assert (~np.array(image) == expected.astype(bool)).all()


@pytest.mark.parametrize("dpi", [203, 300, 600, 1200])
@pytest.mark.parametrize("x_dimension_mm", [0.254, 0.396, 0.495, 0.743, 0.99])
def test_a_module_prints_x_wide(x_dimension_mm: float, dpi: int) -> None:
    drawing = Drawing(x_dimension_mm, 4, dpi)
    (file,) = png.write(one(np.ones((3, 3))), drawing, [""], [""])
    place = file.index(b"pHYs") + 4
    across, down, unit = struct.unpack(">IIB", file[place : place + 9])
    assert (across, unit) == (down, 1)
    assert png.pixels_per_module(drawing) / across * 1000 == pytest.approx(x_dimension_mm, rel=2e-4)


def test_batches_do_not_mix() -> None:
    modules = np.random.default_rng(1).integers(0, 2, (200, 20, 24), dtype=np.uint8)
    drawing, names = Drawing(0.99, 2, 1200), [str(number) for number in range(200)]
    files = png.write(MatrixSymbols(np.arange(200), modules), drawing, names, names)
    assert files == [png.write(one(m), drawing, [n], [n])[0] for m, n in zip(modules, names, strict=True)]


@pytest.mark.parametrize(
    ("text", "read", "chunk"),
    [
        ("Crème", "Crème", b"tEXt"),
        ("緑茶 & <1>", "緑茶 & <1>", b"iTXt"),
        ("10A\x1d21B\x00", "10A␝21B␀", b"iTXt"),
    ],
)
def test_texts(text: str, read: str, chunk: bytes) -> None:
    (file,) = png.write(one(np.ones((2, 2))), Drawing(0.5, 1), [text], [text])
    assert file.count(chunk) == 2
    assert opened(file).info["Title"] == opened(file).info["Description"] == read


def test_no_symbols_no_files() -> None:
    none = MatrixSymbols(np.arange(0), np.zeros((0, 21, 21), np.uint8))
    assert png.write(none, Drawing(0.5, 4), [], []) == []
