"""PNG files: whole pixels per module, correct size, readable by an independent decoder."""

import io
import re
import struct
from dataclasses import replace

import numpy as np
import pytest
import resvg_py
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from renderers.symbol import Drawing, MatrixSymbols, QuietZone
from renderers.writers import png, svg

from .conftest import KINDS, LINKS, MESSAGES, Case, bars, captions, one, require_reads, square


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
        png.write(qr_symbols, Drawing(x_dimension_mm, square(4), dpi), captions(MESSAGES)), LINKS, strict=True
    ):
        found = zxingcpp.read_barcodes(opened(file).convert("L"))
        assert [(code.bytes, code.symbology_identifier) for code in found] == [(link, "]Q1")]


@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_data_matrices_decode(data_matrix_symbols: MatrixSymbols, dpi: int) -> None:
    for file, message in zip(
        png.write(data_matrix_symbols, Drawing(0.495, square(1), dpi), captions(MESSAGES)),
        MESSAGES,
        strict=True,
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
def test_pixels_per_x(x_dimension_mm: float, dpi: int, pixels: int, reason: str) -> None:
    assert png.pixels_per_x(Drawing(x_dimension_mm, square(4), dpi)) == pixels, reason


@settings(deadline=None)
@given(
    npst.arrays(np.uint8, st.tuples(*[st.integers(1, 30)] * 2), elements=st.integers(0, 1)),
    st.integers(0, 4),
    st.sampled_from([72, 203, 300, 600, 1200]),
)
def test_pixels_are_the_modules(modules: np.ndarray, quiet_zone: int, dpi: int) -> None:
    drawing = Drawing(0.396, square(quiet_zone), dpi)
    image = opened(png.write(one(modules), drawing, captions([""]))[0])
    pixels = png.pixels_per_x(drawing)
    assert image.mode == "1"
    expected = np.kron(np.pad(modules, quiet_zone), np.ones((pixels, pixels), np.uint8))
    assert (~np.array(image) == expected.astype(bool)).all()


@pytest.mark.parametrize("dpi", [203, 300, 600, 1200])
@pytest.mark.parametrize("x_dimension_mm", [0.254, 0.396, 0.495, 0.743, 0.99])
def test_a_module_prints_x_wide(x_dimension_mm: float, dpi: int) -> None:
    drawing = Drawing(x_dimension_mm, square(4), dpi)
    (file,) = png.write(one(np.ones((3, 3))), drawing, captions([""]))
    place = file.index(b"pHYs") + 4
    across, down, unit = struct.unpack(">IIB", file[place : place + 9])
    assert (across, unit) == (down, 1)
    assert png.pixels_per_x(drawing) / across * 1000 == pytest.approx(x_dimension_mm, rel=2e-4)


def test_batches_do_not_mix() -> None:
    modules = np.random.default_rng(1).integers(0, 2, (200, 20, 24), dtype=np.uint8)
    drawing, names = Drawing(0.99, square(2), 1200), [str(number) for number in range(200)]
    files = png.write(MatrixSymbols(np.arange(200), modules), drawing, captions(names))
    assert files == [
        png.write(one(m), drawing, captions([n]))[0] for m, n in zip(modules, names, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "read", "chunk"),
    [
        ("Crème", "Crème", b"tEXt"),
        ("緑茶 & <1>", "緑茶 & <1>", b"iTXt"),
        ("10A\x1d21B\x00", "10A␝21B␀", b"iTXt"),
    ],
)
def test_texts(text: str, read: str, chunk: bytes) -> None:
    (file,) = png.write(one(np.ones((2, 2))), Drawing(0.5, square(1)), captions([text]))
    assert file.count(chunk) == 2
    assert opened(file).info["Title"] == opened(file).info["Description"] == read


def test_no_symbols_no_files() -> None:
    none = MatrixSymbols(np.arange(0), np.zeros((0, 21, 21), np.uint8))
    assert png.write(none, Drawing(0.5, square(4)), captions([])) == []


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("hri", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_decodes(cases: dict[str, Case], kind: str, hri: bool, dpi: int) -> None:
    case = cases[kind]
    drawing = replace(case.drawing, hri=hri, dpi=dpi)
    files = png.write(case.symbols, drawing, case.captions)
    for number, file in enumerate(files):
        picture = opened(file)
        require_reads(picture, case, number)
        assert picture.mode == "1"
        # The picture may be a pixel higher than the layout; wide elements of ITF-14 half a pixel wider.
        width_x = drawing.quiet_zone.left + case.symbols.width_x + drawing.quiet_zone.right
        across, _ = picture.info["dpi"]
        if kind not in {"ITF-14", "GS1 DataMatrix", "Rectangular GS1 DataMatrix"} or not hri:
            assert picture.width / across * 25.4 == pytest.approx(width_x * drawing.x_dimension_mm, rel=2e-3)


@pytest.mark.parametrize("pixels", range(1, 13))
def test_wide_to_narrow_stays_within_gs1s_bounds(pixels: int) -> None:
    """Source: GS1 General Specifications, 5.3.2.3: 2.25 to 3.0."""
    drawing = Drawing(25.4 / 600 * pixels, QuietZone(10, 10), bar_height_mm=1)
    image = ~np.array(opened(png.write(bars([[5, 2, 2, 5, 2]], units_per_x=2), drawing, captions([""]))[0]))
    edges = np.flatnonzero(np.diff(image[0].astype(int)))
    wide, narrow, *_ = np.diff(edges)
    assert narrow == pixels
    assert 2.25 <= wide / narrow <= 3.0
    assert abs(wide - 2.5 * narrow) <= 0.5


def test_bars_and_guards_are_where_they_belong() -> None:
    symbols = bars([[2, 1, 1], [1, 1, 2]], guards=(2,))
    drawing = Drawing(0.5, QuietZone(3, 2), dpi=102, bar_height_mm=5)
    files = png.write(symbols, drawing, captions(["", ""]))
    for file, row, guard in zip(files, ("000110100", "000101100"), ("000000100", "000001100"), strict=True):
        line, below = (np.repeat([int(d) for d in text], 2) for text in (row, guard))
        expected = [line] * 20 + [below] * 10
        assert (~np.array(opened(file)) == np.array(expected)).all()


def test_bearer_bars_span_the_quiet_zones_and_touch_the_bars() -> None:
    drawing = Drawing(0.5, QuietZone(3, 2), dpi=102, bar_height_mm=5, bearer_bar_x=1)
    (file,) = png.write(bars([[2, 1, 1]]), drawing, captions([""]))
    line = np.repeat([0, 0, 0, 1, 1, 0, 1, 0, 0], 2)
    solid = np.ones_like(line)
    assert (~np.array(opened(file)) == np.array([solid] * 2 + [line] * 20 + [solid] * 2)).all()


def test_guard_bars_reach_down_between_the_digits(cases: dict[str, Case]) -> None:
    case = cases["EAN-13"]
    image = ~np.array(opened(png.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0]))
    pixels = png.pixels_per_x(case.drawing)
    bars_end = round(22.85 / 0.33 * pixels)
    under = image[bars_end : bars_end + round(0.5 * pixels)].all(axis=0).reshape(-1, pixels).all(axis=1)
    assert np.flatnonzero(under).tolist() == [11 + place for place in (0, 2, 46, 48, 92, 94)]
    # Nothing but guard bars in the half X below the bars, nor beside them.
    assert not image[bars_end : bars_end + pixels // 2, : 11 * pixels].any()
    assert not image[bars_end:, 14 * pixels : int(14.5 * pixels)].any()


def test_texts_of_different_length_keep_their_files() -> None:
    texts = ["(01)09506000134352", "(01)09506000134352(10)A", "(01)09506000134352(10)" + "W" * 20, "(10)A"]
    modules = np.random.default_rng(1).integers(0, 2, (len(texts), 18, 18), dtype=np.uint8)
    drawing = Drawing(0.396, square(1), hri=True)
    files = png.write(MatrixSymbols(np.arange(len(texts)), modules), drawing, captions(texts))
    assert files == [
        png.write(one(m), drawing, captions([text]))[0] for m, text in zip(modules, texts, strict=True)
    ]


@pytest.mark.parametrize("kind", ["EAN-13", "UPC-A", "GS1-128", "QR Code"])
def test_text_looks_like_that_of_an_independent_rasteriser(cases: dict[str, Case], kind: str) -> None:
    case = cases[kind]
    drawing = replace(case.drawing, hri=True, dpi=600)
    ink = ~np.array(opened(png.write(case.symbols, drawing, case.captions)[0]))
    vector = svg.write(case.symbols, drawing, case.captions)[0].decode()
    # In pixels, not millimetres: one to one with ours.
    pixels = png.pixels_per_x(drawing)
    width, height = re.search(r'viewBox="0 0 (\S+) (\S+)"', vector).groups()  # type: ignore[union-attr]
    size = f'width="{float(width) * pixels}" height="{float(height) * pixels}"'
    vector = re.sub(r'width="\S+mm" height="\S+mm"', size, vector)
    drawn = resvg_py.svg_to_bytes(svg_string=vector)
    expected = np.array(Image.open(io.BytesIO(bytes(drawn))).convert("L")) < 128
    lines = min(len(ink), len(expected))
    assert abs(len(ink) - len(expected)) <= 2
    assert ink.shape[1] == expected.shape[1]
    # Pens and baselines stand on whole pixels here: outlines may differ by one along their edges.
    text = slice(lines - 4 * pixels, lines)
    assert (ink[text] != expected[text]).sum() < 0.2 * expected[text].sum()
    assert expected[text].sum() / ink[text].sum() == pytest.approx(1, abs=0.05)


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_greyscale_pictures_are_read_as_they_are(pixels: np.ndarray) -> None:
    picture = opened(png.greyscale(pixels, (171.5, 150.0)))
    assert picture.mode == "L"
    assert np.array_equal(np.array(picture), pixels)
    assert picture.info["dpi"] == pytest.approx((171.5, 150.0), abs=0.02)
