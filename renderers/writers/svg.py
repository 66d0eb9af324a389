"""SVG 1.1 files: real size in millimetres, filled paths, text as outlines, no external resource."""

import re
from functools import lru_cache

import numpy as np

from renderers.fonts.outlines import Point, glyph_in_cell
from renderers.fonts.subset import UNITS_PER_EM
from renderers.symbol import BarSymbols, Captions, Drawing, MatrixSymbols, SymbolGroup
from renderers.writers.bars import bar_keys, bar_texts
from renderers.writers.hri import TextRun, advance
from renderers.writers.made_once import MadeOnce, TextTable
from renderers.writers.picture_layout import Box, PictureLayout, draw_by_layout
from renderers.writers.text import decimal, printable

# Symbols per NumPy pass: large enough for little call overhead, small enough for the processor's cache.
_BATCH = 512

_MARKUP = re.compile(r"[&<>]|[^\x20-\x7e]")


def write(symbols: SymbolGroup, drawing: Drawing, captions: Captions) -> list[bytes]:
    """Return one SVG file per symbol, UTF-8 with line feeds, the same bytes for the same input.

    Width and height are millimetres, the user unit is X, and the quiet zone is inside and white. The title is the
    image's accessible name. Raises CharacterNotInFont for text that the font cannot draw.
    """
    return draw_by_layout(symbols, drawing, captions, _draw)


def escape(text: str) -> str:
    """Return the text as XML character data.

    >>> escape("Salt & <pepper>")
    'Salt &amp; &lt;pepper&gt;'
    """
    if _MARKUP.search(text) is None:
        return text
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _draw(symbols: SymbolGroup, layout: PictureLayout, drawing: Drawing, captions: Captions) -> list[bytes]:
    x_mm = drawing.x_dimension_mm
    width, height = decimal(layout.width_x), decimal(layout.height_x)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" '
        f'width="{decimal(layout.width_x * x_mm)}mm" height="{decimal(layout.height_x * x_mm)}mm" '
        f'viewBox="0 0 {width} {height}" shape-rendering="crispEdges">\n<title>'
    )
    body = f'</desc>\n<rect width="{width}" height="{height}" fill="#fff"/>\n<path fill="#000" d="'
    body += "".join(map(_box, layout.bearer_bars))
    paths = _modules(symbols, layout) if isinstance(symbols, MatrixSymbols) else _bars(symbols, layout)
    texts = [_text(text, layout.text) for text in captions.hri] if layout.text else [""] * len(paths)
    return [
        f'{head}{escape(title)}</title>\n<desc>{escape(description)}{body}{path}"/>\n{text}</svg>\n'.encode()
        for path, title, description, text in zip(
            paths, captions.titles, captions.descriptions, texts, strict=True
        )
    ]


@lru_cache(maxsize=64)
def _stretches(count: int, left: float) -> TextTable:
    """Return the path data of eight modules of a row, by `dark_before | modules << 1 | stretch << 9`.

    A row has `count` stretches of eight modules, numbered from the left, and begins at `left` X. A run of dark modules
    is a box that starts in one stretch and may end in a later one. Outside a run, the pen is at the border between two
    stretches; inside a run, the end of the box is an absolute position. So the text of a stretch depends only on its
    modules and on whether the last module before it was dark, and a few thousand texts are enough for all symbols of a
    size. The first stretch moves the pen to the next row.
    """

    def stretch_path(key: int) -> str:
        stretch = key >> 9
        parts = [] if stretch else [f"m{-8 * count} 1"]
        pen = 0
        dark_before = key & 1
        for place in range(8):
            dark = key >> (8 - place) & 1
            if dark and not dark_before:
                # Filled, never stroked: drawing programs may rescale a shape without its stroke width.
                parts.append(f"m{place - pen} 0v1" if place > pen else "v1")
            elif dark_before and not dark:
                parts.append(f"H{decimal(left + 8 * stretch + place)}v-1")
                pen = place
            dark_before = dark
        if not dark_before and pen < 8:
            parts.append(f"m{8 - pen} 0")
        return "".join(parts)

    return TextTable(count << 9, stretch_path)


def _box(box: Box) -> str:
    """Return the path data of a rectangle."""
    # Filled, never stroked: drawing programs may rescale a shape without its stroke width.
    x = decimal(box.x)
    return f"M{x} {decimal(box.y)}h{decimal(box.width)}v{decimal(box.height)}H{x}z"


def _modules(symbols: MatrixSymbols, layout: PictureLayout) -> list[str]:
    """Return the path data of each symbol: its dark runs, row by row, left to right."""
    count, rows, columns = symbols.modules.shape
    # At least one light column follows each row, so that every run ends inside its row.
    stretches = columns // 8 + 1
    first_stretch = np.arange(stretches, dtype=np.int32) << 9
    texts = _stretches(stretches, layout.symbol.x)
    start = f"M{decimal(layout.symbol.x + 8 * stretches)} {decimal(layout.symbol.y - 1)}"
    paths: list[str] = []
    for first in range(0, count, _BATCH):
        modules = symbols.modules[first : first + _BATCH]
        keys = np.zeros((len(modules), rows, stretches), np.int32)
        keys[:, :, : -(-columns // 8)] = np.packbits(modules, axis=2)
        keys <<= 1
        keys[:, :, 1:] |= keys[:, :, :-1] >> 1 & 1
        keys += first_stretch
        paths += [start + path for path in texts.joined(keys.reshape(len(modules), -1))]
    return paths


@lru_cache(maxsize=64)
def _bar_texts(units_per_x: int, symbol: Box, guard_x: float) -> TextTable:
    def bar(start: int, width: int, is_guard: bool) -> str:
        height = symbol.height + guard_x if is_guard else symbol.height
        return _box(Box(symbol.x + start / units_per_x, symbol.y, width / units_per_x, height))

    return bar_texts(round(symbol.width * units_per_x), bar)


def _bars(symbols: BarSymbols, layout: PictureLayout) -> list[str]:
    """Return the path data of each symbol, bar by bar."""
    return _bar_texts(symbols.units_per_x, layout.symbol, layout.guard_x).joined(bar_keys(symbols))


@lru_cache(maxsize=64)
def _glyph_paths(pitch: int | None) -> MadeOnce[str, str]:
    """Return the path data of characters, from the origin of each to that of the next, in font units."""

    def glyph_path(character: str) -> str:
        outline = glyph_in_cell(character, pitch)
        parts: list[str] = []
        start: Point = (0, 0)
        for contour in outline.contours:
            parts.append(f"m{_step(start, contour.start)}")
            here = start = contour.start
            for piece in contour.pieces:
                parts.append("lq"[len(piece) - 1] + " ".join(_step(here, point) for point in piece))
                here = piece[-1]
            parts.append("z")
        parts.append(f"m{_step(start, (outline.advance, 0))}")
        return "".join(parts).replace(" -", "-")

    return MadeOnce(glyph_path)


def _step(here: Point, point: Point) -> str:
    """Return the point relative to the pen; in SVG y points down."""
    return f"{point[0] - here[0]:g} {here[1] - point[1]:g}"


@lru_cache(maxsize=1024)
def _text_head(run: TextRun) -> str:
    scale = run.em_x / UNITS_PER_EM
    return (
        '<path fill="#000" shape-rendering="geometricPrecision" '
        f'transform="translate({decimal(run.centre_x)} {decimal(run.baseline_x)})'
        f'scale({scale * run.stretch:.6g} {scale:.6g})" d="M'
    )


def _text(text: str, runs: tuple[TextRun, ...]) -> str:
    """Return the paths of a text's runs."""
    parts: list[str] = []
    for run in runs:
        line = text[run.start : run.stop]
        glyphs = _glyph_paths(run.pitch)
        parts += (_text_head(run), str(-advance(line, run.pitch) // 2), " 0")
        parts += map(glyphs.__getitem__, line)
        parts.append('"/>\n')
    return "".join(parts)
