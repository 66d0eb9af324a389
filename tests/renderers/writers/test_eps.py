"""EPS files: conforming, with black ink only, and exact to the module in Ghostscript."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.symbol import BarSymbols, Drawing, MatrixSymbols, QuietZone
from renderers.writers import eps

from .conftest import KINDS, Case, bars, captions, ghostscript, one, require_reads, square

LINE = Drawing(0.5, QuietZone(10, 10), bar_height_mm=10)
# Without it Ghostscript makes a dark grey of the black ink, and a halftone of that.
SOLID = "-dUseFastColor=true"


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("hri", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_decodes(cases: dict[str, Case], kind: str, hri: bool, dpi: int) -> None:
    case = cases[kind]
    files = eps.write(case.symbols, replace(case.drawing, hri=hri), case.captions)
    for number, file in enumerate(files[:2]):
        require_reads(ghostscript(file, "pnggray", dpi), case, number)
        require_reads(ghostscript(file, "pngmono", dpi, SOLID), case, number)


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("kind", KINDS)
def test_dark_areas_neither_grow_nor_shrink(cases: dict[str, Case], kind: str, dpi: int) -> None:
    """As plain rectangles the bars would come out up to 1.28 times as wide."""
    case = cases[kind]
    dots_per_x = case.drawing.x_dimension_mm * dpi / 25.4
    image = ~np.array(
        ghostscript(eps.write(case.symbols, case.drawing, case.captions)[0], "pngmono", dpi, SOLID)
    )
    if isinstance(case.symbols, BarSymbols):
        row = image[image.shape[0] // 2]
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        drawn = np.diff(edges)
        expected = case.symbols.widths[0] / case.symbols.units_per_x * dots_per_x
        assert np.abs(drawn - expected).max() < 1
    else:
        assert image.sum() / (case.symbols.modules[0].sum() * dots_per_x**2) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_bars_stay_true_when_the_page_is_turned(cases: dict[str, Case], turned: int) -> None:
    case = cases["EAN-13"]
    file = eps.write(case.symbols, case.drawing, case.captions)[0]
    around = b"%%EndComments\n150 150 translate " + str(turned).encode() + b" rotate\n"
    page = re.sub(rb"(BoundingBox: 0 0) .*", rb"\1 300 300", file).replace(b"%%EndComments\n", around)
    picture = ghostscript(page, "pngmono", 203, SOLID)
    require_reads(picture.rotate(-turned, expand=True), case, 0)


def test_black_ink_alone(cases: dict[str, Case]) -> None:
    case = cases["ITF-14"]
    file = eps.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0]
    cyan, magenta, yellow, black = ghostscript(file, "tiff32nc", 100).split()
    assert {band.getextrema() for band in (cyan, magenta, yellow)} == {(0, 0)}
    assert black.getextrema() == (0, 255)


def test_comments_say_the_size(cases: dict[str, Case]) -> None:
    case = cases["EAN-13"]
    lines = eps.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0].decode().split("\n")
    # 37.29 and 25.93 mm are 105.7039 and 73.5024 points.
    assert lines[:7] == [
        "%!PS-Adobe-3.0 EPSF-3.0",
        "%%BoundingBox: 0 0 106 74",
        "%%HiResBoundingBox: 0 0 105.7039 73.5024",
        "%%LanguageLevel: 2",
        "%%DocumentData: Clean7Bit",
        "%%Title: (9506000134352)",
        "%%EndComments",
    ]
    assert lines[-2:] == ["%%EOF", ""]


def test_ink_stays_inside_the_bounding_box(cases: dict[str, Case]) -> None:
    for case in cases.values():
        file = eps.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0]
        width, height = map(int, re.search(rb"%%BoundingBox: 0 0 (\d+) (\d+)", file).groups())  # type: ignore[union-attr]
        # Drawn on a larger page, with a margin that must stay white.
        page = re.sub(rb"(BoundingBox: 0 0) .*", b"\\1 %d %d" % (width + 40, height + 40), file)
        page = page.replace(b"%%EndComments\n", b"%%EndComments\n20 20 translate\n")
        ink = 255 - np.array(ghostscript(page, "pnggray", 144))
        assert not ink[:39].any() and not ink[-39:].any()  # noqa: PT018 - one thing: the margin
        assert not ink[:, :39].any() and not ink[:, -39:].any()  # noqa: PT018


@pytest.mark.parametrize(
    ("title", "comment"),
    [
        ("QR Code (01)", r"(QR Code \(01\))"),
        ("Crème", r"(Cr\\xe8me)"),
        ("緑茶", r"(\\u7dd1\\u8336)"),
        ("a\n%%EOF\tb\x1d\\", r"(a\\u240a%%EOF\\u2409b\\u241d\\)"),
        ("", "()"),
    ],
)
def test_titles(title: str, comment: str) -> None:
    assert eps.title_comment(title) == f"%%Title: {comment}\n"


@given(st.text())
def test_any_title_is_7_bit_and_within_its_lines(title: str) -> None:
    lines = eps.title_comment(title).split("\n")
    assert lines.pop() == ""
    for number, line in enumerate(lines):
        assert line.startswith("%%+ (" if number else "%%Title: (")
        assert len(line) <= 255
        assert re.fullmatch(r"[\x20-\x7e]*", line)
        inside = line[line.index("(") + 1 : -1]
        assert not re.search(r"[()]", re.sub(r"\\[\\()]", "", inside))


def test_titles_do_not_disturb_the_drawing() -> None:
    (file,) = eps.write(bars([[1, 1, 1]]), LINE, captions([")%\n)( showpage \\"]))
    (plain,) = eps.write(bars([[1, 1, 1]]), LINE, captions([""]))
    assert ghostscript(file, "pnggray", 100).tobytes() == ghostscript(plain, "pnggray", 100).tobytes()


def test_lines_are_short(cases: dict[str, Case]) -> None:
    for case in cases.values():
        file = eps.write(case.symbols, replace(case.drawing, hri=True), case.captions)[0]
        assert max(map(len, file.split(b"\n"))) <= 255
        assert file.isascii()


def test_bars_are_where_they_belong() -> None:
    (file,) = eps.write(bars([[2, 5, 2]], units_per_x=2, guards=(2,)), LINE, captions([""]))
    assert b"/b{5 20 r}bind def\n/g{0 25 r}bind def\n10 1 b\n13.5 1 g\n" in file
    (file,) = eps.write(bars([[2, 5, 2]], units_per_x=2), replace(LINE, bearer_bar_x=2), captions([""]))
    assert b"[0 22 24.5 2 0 0 24.5 2] rectfill\n10 1 b\n13.5 1 b\n" in file


def test_rectangular_matrix() -> None:
    modules = np.zeros((2, 9), np.uint8)
    modules[0, 0] = modules[1, 8] = 1
    (file,) = eps.write(one(modules), Drawing(1, square(1)), captions([""]))
    assert b"9 2 true [9 0 0 -2 0 2]\n{<80000080>} imagemask" in file


def test_no_symbols_no_files() -> None:
    none = MatrixSymbols(np.arange(0), np.zeros((0, 21, 21), np.uint8))
    assert eps.write(none, LINE, captions([])) == []
