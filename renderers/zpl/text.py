"""Lines of text as fields: in the printer's own font where they are sure to fit, as pictures elsewhere.

Element strings are in the printer's font, and so are lines of a design without the product's name that have nothing
but spaces and characters of CSET 82. Other characters are not in every printer's font, and no font of theirs is bold.

Source: Zebra, ZPL II Programming Guide, `^A`, `^FB`, `^FD`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from renderers.fonts.subset import CAP_HEIGHT, UNITS_PER_EM
from renderers.fonts.visual_order import visual
from renderers.sheets.model import Align
from renderers.sheets.placement import SHARE_TO_THE_LEFT, PlacedText
from renderers.units import MILLIMETRES_PER_INCH, POINTS_PER_INCH
from renderers.writers.glyph_bitmap import glyph_bitmap
from renderers.writers.made_once import MadeOnce
from renderers.zpl.graphics import picture
from renderers.zpl.media import Media

#: The least height of font 0, in dots. Source: `^A`.
_LEAST_HEIGHT = 10

#: The height of capitals in font 0, and how far its baseline is below the top of a line, relative to its height.
_CAPITALS = 0.75

#: Widths of the characters of font 0 by a thousandth of its height, space and CSET 82. Measured in pictures of
#: zpl-renderer-js 3.4.0, whose font has the proportions of the printers'.
_WIDTHS_1000 = {
    250: "'", 278: " /:;Ifijlt", 333: '!"(),.r', 389: "z", 444: "Jcksvxy",
    500: "*+0123456789<=>?EFLTZ_abdeghnopqu", 556: "ABCKPSVXY", 611: "DGHNOQRU", 667: "&w", 778: "Mm", 800: "-",
    833: "%W",
}  # fmt: skip

#: How much wider a printer's font may be than the measured one.
_MARGIN = 1.1

#: How narrow the font may be set, relative to its height.
_NARROWEST = 0.7

#: How `^FB` calls alignments.
_JUSTIFICATIONS: Mapping[Align, str] = {"left": "L", "centre": "C", "right": "R"}

#: For characters that are not in the table: wider than any line.
_UNKNOWN = 1 << 30


def _table() -> NDArray[np.int64]:
    widths = np.full(128, _UNKNOWN, np.int64)
    for width, characters in _WIDTHS_1000.items():
        widths[[ord(character) for character in characters]] = width
    return widths


_WIDTHS = _table()


def fields(media: Media, dpi: int, placed: PlacedText, left: int, bottom: int) -> list[str]:
    """Return one line of each label as a field, empty where there is no text.

    `left` and `bottom` are the label's lower left corner on the page.
    """
    em_dots = placed.size_pt * dpi / POINTS_PER_INCH
    height = round(em_dots * CAP_HEIGHT / UNITS_PER_EM / _CAPITALS)
    room = int(placed.room_mm * dpi / MILLIMETRES_PER_INCH)
    x, baseline = left + placed.x, bottom + placed.baseline
    if placed.printer_font and height >= _LEAST_HEIGHT:
        widths = _character_widths(placed.strings, height, room).tolist()
    else:
        widths = [0] * len(placed.strings)
    share = SHARE_TO_THE_LEFT[placed.align]
    start = x - room * share
    below = height - round(_CAPITALS * height)
    left_dots, top_dots = media.corner(round(start), baseline - below, room, height)
    command = f"^FO{left_dots},{top_dots}^A0{media.orientation},{height},"
    block = f"^FB{room},1,0,{_JUSTIFICATIONS[placed.align]}^FD"
    pictures = MadeOnce[str, str](
        lambda text: _picture(media, _Style(em_dots, placed.bold), text, x, baseline, share)
    )
    return [
        f"{command}{width}{block}{text}^FS" if width and text else pictures[text]
        for text, width in zip(placed.strings, widths, strict=True)
    ]


def _character_widths(strings: Sequence[str], height: int, room: int) -> NDArray[np.int64]:
    """Return how wide to set font 0 for each string to be sure to fit; 0 where it would have to be too narrow."""
    codes = np.frombuffer("".join(strings).encode("utf-32-le"), "<u4")
    sums = np.concatenate(([0], np.cumsum(_WIDTHS[np.minimum(codes, len(_WIDTHS) - 1)])))
    needed = np.diff(sums[np.cumsum([0, *map(len, strings)])]) * _MARGIN / 1000
    widths = np.minimum(height, room / np.maximum(needed, 1e-9)).astype(np.int64)
    return np.where(widths >= _NARROWEST * height, widths, 0)


class _Style(NamedTuple):
    """The size of an em in dots, and the weight."""

    em_dots: float
    bold: bool


class _Drawn(NamedTuple):
    """A text in dots: its ink, 1 for black, where the ink begins from the pen and above the baseline, and its width."""

    samples: NDArray[np.uint8]
    left: int
    bottom: int
    width: float


@lru_cache(maxsize=4096)
def _picture(media: Media, style: _Style, text: str, x: float, baseline: int, share: float) -> str:
    """Return the text, of whose width this share is to the left of `x`."""
    drawn = _drawn(text, style)
    rows, columns = drawn.samples.shape
    if not rows:
        return ""
    left = round(x - drawn.width * share) + drawn.left
    corner = media.corner(left, baseline + drawn.bottom, columns, rows)
    return picture(*corner, media.turned(drawn.samples[None])[0])


@lru_cache(maxsize=4096)
def _drawn(text: str, style: _Style) -> _Drawn:
    pen = 0.0
    placed = []
    for character in visual(text, bold=style.bold):
        bitmap = glyph_bitmap(character, None, style.em_dots, 1.0, bold=style.bold)
        if bitmap.pixels.size:
            placed.append((round(pen) + bitmap.left, bitmap.top, bitmap.pixels))
        pen += bitmap.advance
    if not placed:
        return _Drawn(np.zeros((0, 0), np.uint8), 0, 0, pen)
    left, top = min(x for x, _, _ in placed), min(y for _, y, _ in placed)
    right = max(x + pixels.shape[1] for x, _, pixels in placed)
    bottom = max(y + pixels.shape[0] for _, y, pixels in placed)
    samples = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, pixels in placed:
        rows, columns = pixels.shape
        samples[y - top : y - top + rows, x - left : x - left + columns] |= 1 - pixels
    return _Drawn(samples, left, -bottom, pen)
