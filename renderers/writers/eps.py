"""EPS files, PostScript level 2: black ink only, whole device pixels, text as outlines.

Source: PostScript Language Reference, 2nd edition; Document Structuring Conventions and EPSF, version 3.0.
"""

import math
from functools import lru_cache

import numpy as np

from renderers.fonts.outlines import Point, glyph_in_cell
from renderers.fonts.subset import UNITS_PER_EM
from renderers.symbol import BarSymbols, Captions, Drawing, MatrixSymbols, SymbolGroup
from renderers.units import POINTS_PER_MILLIMETRE
from renderers.writers.bars import bar_keys, bar_texts
from renderers.writers.hri import TextRun, advance
from renderers.writers.made_once import MadeOnce, TextTable
from renderers.writers.picture_layout import Box, PictureLayout, draw_by_layout
from renderers.writers.text import decimal, printable

# A line of the structuring comments has at most 255 characters, and each character may need escaping.
_TITLE_PIECE = 100
_CONTROL_PICTURES = {0x09: 0x2409, 0x0A: 0x240A}
_HEX_BYTES_PER_LINE = 64
_LINE_FEED = "\n"

# Interpreters paint every pixel that a shape touches, so bars would grow and spaces shrink. `s` moves an edge to the
# nearest pixel boundary, and `r`, which fills the bar `x width bottom height`, stays `e`, a tenth of a pixel, inside
# it. All names are in the file's own dictionary.
_PROLOG = """\
%%BeginProlog
20 dict begin
/s{0 transform round exch round exch itransform pop}bind def
/r{4 2 roll 1 index add s exch s exch 1 index sub e 2 mul sub exch e add exch 4 2 roll exch 3 1 roll rectfill}bind def
/m/rmoveto load def/l/rlineto load def/c/rcurveto load def/z/closepath load def
/q/gsave load def/f{fill grestore}bind def
%%EndProlog
gsave
0 0 0 1 setcmykcolor
"""
_TRAILER = "grestore end\nshowpage\n%%EOF\n"


def write(symbols: SymbolGroup, drawing: Drawing, captions: Captions) -> list[bytes]:
    """Return one EPS file per symbol, 7-bit with line feeds, the same bytes for the same input.

    The bounding box begins at the origin and includes the quiet zone. Nothing is drawn in the quiet zone, so the
    background must be white. The format has no descriptions. Raises CharacterNotInFont for text that the font cannot
    draw.
    """
    return draw_by_layout(symbols, drawing, captions, _draw)


def title_comment(title: str) -> str:
    r"""Return the `%%Title` lines in ASCII, with codes for other characters and symbols for control characters.

    >>> print(title_comment("Crème (50 %)"), end="")
    %%Title: (Cr\\xe8me \(50 %\))
    """
    text = printable(title).translate(_CONTROL_PICTURES).encode("ascii", "backslashreplace").decode()
    starts = range(0, max(1, len(text)), _TITLE_PIECE)
    pieces = [
        text[start : start + _TITLE_PIECE].replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        for start in starts
    ]
    return "%%Title: " + "%%+ ".join(f"({piece})\n" for piece in pieces)


def _draw(symbols: SymbolGroup, layout: PictureLayout, drawing: Drawing, captions: Captions) -> list[bytes]:
    points_per_x = drawing.x_dimension_mm * POINTS_PER_MILLIMETRE
    width, height = layout.width_x * points_per_x, layout.height_x * points_per_x
    head = (
        "%!PS-Adobe-3.0 EPSF-3.0\n"
        f"%%BoundingBox: 0 0 {math.ceil(width)} {math.ceil(height)}\n"
        f"%%HiResBoundingBox: 0 0 {decimal(width)} {decimal(height)}\n"
        "%%LanguageLevel: 2\n%%DocumentData: Clean7Bit\n"
    )
    body = f"%%EndComments\n{_PROLOG}{points_per_x:.7g} dup scale\n"
    if isinstance(symbols, MatrixSymbols):
        symbol_texts = _modules(symbols, layout)
    else:
        symbol_texts = _bars(symbols, layout)
        body += _bar_procedures(layout)
    texts = [_text(text, layout) for text in captions.hri] if layout.text else [""] * len(symbol_texts)
    return [
        f"{head}{title_comment(title)}{body}{symbol}{text}{_TRAILER}".encode("ascii")
        for symbol, title, text in zip(symbol_texts, captions.titles, texts, strict=True)
    ]


def _modules(symbols: MatrixSymbols, layout: PictureLayout) -> list[str]:
    """Return the drawing of each symbol: a stencil with one bit per module."""
    _, rows, columns = symbols.modules.shape
    place = f"{decimal(layout.symbol.x)} {decimal(_bottom(layout.symbol, layout))} translate\n"
    begin = f"q {place}{columns} {rows} scale\n{columns} {rows} true [{columns} 0 0 -{rows} 0 {rows}]\n{{<"
    return [
        f"{begin}{bits.tobytes().hex(_LINE_FEED, -_HEX_BYTES_PER_LINE)}>}} imagemask grestore\n"
        for bits in np.packbits(symbols.modules, axis=2)
    ]


def _bottom(box: Box, layout: PictureLayout) -> float:
    """Return the y of a box's lower side in X, counted up from the lower edge of the picture, as in PostScript."""
    return layout.height_x - box.y - box.height


def _bar_procedures(layout: PictureLayout) -> str:
    """Return the edge margin, `b` and `g`, which draw `x width` as a bar or guard bar, and the bearer bars."""
    symbol, guard = layout.symbol, layout.guard_x
    bottom = _bottom(symbol, layout)
    boxes = " ".join(
        f"{decimal(box.x)} {decimal(_bottom(box, layout))} {decimal(box.width)} {decimal(box.height)}"
        for box in layout.bearer_bars
    )
    return (
        "/e .1 0 idtransform abs exch abs add def\n"
        f"/b{{{decimal(bottom)} {decimal(symbol.height)} r}}bind def\n"
        f"/g{{{decimal(bottom - guard)} {decimal(symbol.height + guard)} r}}bind def\n"
    ) + (f"[{boxes}] rectfill\n" if boxes else "")


@lru_cache(maxsize=64)
def _bar_texts(units_per_x: int, symbol: Box) -> TextTable:
    def bar(start: int, width: int, is_guard: bool) -> str:
        x = decimal(symbol.x + start / units_per_x)
        return f"{x} {decimal(width / units_per_x)} {'g' if is_guard else 'b'}\n"

    return bar_texts(round(symbol.width * units_per_x), bar)


def _bars(symbols: BarSymbols, layout: PictureLayout) -> list[str]:
    """Return the drawing of each symbol, a line for each bar."""
    return _bar_texts(symbols.units_per_x, layout.symbol).joined(bar_keys(symbols))


@lru_cache(maxsize=64)
def _glyph_texts(pitch: int | None) -> MadeOnce[str, str]:
    """Return the drawing of characters, from the origin of each to that of the next, in font units."""

    def glyph_text(character: str) -> str:
        outline = glyph_in_cell(character, pitch)
        lines: list[str] = []
        start: Point = (0, 0)
        for contour in outline.contours:
            lines.append(f"{_step(start, contour.start)} m")
            here = start = contour.start
            for piece in contour.pieces:
                points = piece if len(piece) == 1 else _cubic(here, *piece)
                lines.append(
                    " ".join(_step(here, point) for point in points) + (" l" if len(piece) == 1 else " c")
                )
                here = piece[-1]
            lines.append("z")
        # Characters are filled one by one, because interpreters may limit a path to 1500 points.
        return "\n".join(["q", *lines, f"f {outline.advance} 0 m\n"])

    return MadeOnce(glyph_text)


def _cubic(start: Point, control: Point, end: Point) -> tuple[Point, Point, Point]:
    """Return the quadratic curve as a cubic one, without its start: PostScript has only cubic curves."""
    first, second = (
        ((point[0] + 2 * control[0]) / 3, (point[1] + 2 * control[1]) / 3) for point in (start, end)
    )
    return first, second, end


def _step(here: Point, point: Point) -> str:
    """Return the point relative to the pen, in whole font units.

    Ends of curves are whole already, so rounding errors do not add up.
    """
    return f"{round(point[0] - here[0])} {round(point[1] - here[1])}"


def _text_head(run: TextRun, layout: PictureLayout) -> str:
    scale = run.em_x / UNITS_PER_EM
    return (
        f"q {decimal(run.centre_x)} {decimal(layout.height_x - run.baseline_x)} translate "
        f"{scale * run.stretch:.6g} {scale:.6g} scale "
    )


def _text(text: str, layout: PictureLayout) -> str:
    """Return the drawing of a text's runs."""
    parts: list[str] = []
    for run in layout.text:
        line = text[run.start : run.stop]
        parts += (_text_head(run, layout), f"{-advance(line, run.pitch) // 2} 0 moveto\n")
        parts += map(_glyph_texts(run.pitch).__getitem__, line)
        parts.append("grestore\n")
    return "".join(parts)
