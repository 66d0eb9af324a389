"""Read back the SVG files that we write. A file with anything but our writer's forms is refused."""

import io
import math
import re
from functools import lru_cache
from html import unescape

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from exports.errors import SymbolDoesNotDecode
from exports.verification.formats.drawn import Drawn, Line, require_even_scale, require_inside
from exports.verification.formats.glyphs import character
from renderers.fonts.outlines import Point

#: The user unit is X. There are few pixels, because drawing takes longer than decoding.
_PIXELS_PER_X = 2

_FILE = re.compile(
    r'<\?xml version="1\.0" encoding="UTF-8"\?>\n'
    r'<svg xmlns="http://www\.w3\.org/2000/svg" version="1\.1" role="img" width="([\d.]+)mm" height="([\d.]+)mm" '
    r'viewBox="0 0 ([\d.]+) ([\d.]+)" shape-rendering="crispEdges">\n'
    r"<title>([^<]*)</title>\n<desc>([^<]*)</desc>\n"
    r'<rect width="\3" height="\4" fill="#fff"/>\n'
    r'<path fill="#000" d="[MmHhVvz\d. -]+"/>\n'
    r"(.*)</svg>\n",
    re.DOTALL,
)
_TEXT = re.compile(
    r'<path fill="#000" shape-rendering="geometricPrecision" transform="translate\(([\d.-]+) ([\d.-]+)\)'
    r'scale\(([\d.e-]+) ([\d.e-]+)\)" d="M(-?\d+) 0((?:m[^"]*)?)"/>\n'
)
# The contours of a character, and the step to the next one's origin.
_GLYPH = re.compile(r"((?:m[^mz]+z)+)m(-?[\d.]+)[ ]?(-?[\d.]+)(?=m|$)")
_PIECE = re.compile(r"([mlqz])([^mlqz]*)")
_NUMBER = re.compile(r"-?[\d.]+")


def read(name: str, data: bytes) -> Drawn:
    """Return the content of the file. Raises SymbolDoesNotDecode if our writer did not write it."""
    found = _FILE.fullmatch(data.decode("utf-8", "replace"))
    if found is None:
        raise SymbolDoesNotDecode(f"{name} is not an SVG of our form", value=data[:200])
    width_mm, height_mm, width_x, height_x = map(float, found.groups()[:4])
    require_even_scale(name, width_mm / width_x, height_mm / height_x)
    grey = _picture(found, width_x, height_x)
    lines = [require_inside(name, line, width_x, height_x) for line in _lines(name, found[7])]
    return Drawn(grey, _PIXELS_PER_X * width_x / width_mm, unescape(found[5]), unescape(found[6]), lines)


def _picture(file: re.Match[str], width_x: float, height_x: float) -> NDArray[np.uint8]:
    """Return the file as pixels, a whole number per X. The size is rounded up to whole pixels."""
    width, height = (math.ceil(side * _PIXELS_PER_X) for side in (width_x, height_x))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 '
    view_box = f'{width / _PIXELS_PER_X:g} {height / _PIXELS_PER_X:g}" shape-rendering="crispEdges">'
    svg = head + view_box + file[0][file.start(5) - len("<title>") :]
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white", dpi=96, skip_system_fonts=True))
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("L"))


def _lines(name: str, text: str) -> list[Line]:
    lines: list[Line] = []
    at = 0
    for path in _TEXT.finditer(text):
        centre, baseline, across, down = map(float, path.groups()[:4])
        if path.start() != at or min(across, down) <= 0:
            break
        at = path.end()
        pen = int(path[5])
        left = centre + pen * across
        characters: list[str] = []
        seen = 0
        for glyph in _GLYPH.finditer(path[6]):
            known = _character(glyph[1], glyph[2], glyph[3])
            if known is None or glyph.start() != seen:
                break
            characters.append(known[0])
            pen += known[1]
            seen = glyph.end()
        if seen != len(path[6]):
            raise SymbolDoesNotDecode(f"{name} has text of no known character", value=path[6][seen:][:200])
        lines.append(Line("".join(characters), left, centre + pen * across, baseline))
    if at != len(text):
        raise SymbolDoesNotDecode(f"{name} has more than a symbol and its text", value=text[at:][:200])
    return lines


@lru_cache(maxsize=4096)
def _character(path: str, step_x: str, step_y: str) -> tuple[str, int] | None:
    """Return the character and its advance in font units, or None if its outline is not in our fonts."""
    contours: list[list[Point]] = []
    start_x = start_y = 0.0
    for letter, numbers in _PIECE.findall(path):
        values = [float(number) for number in _NUMBER.findall(numbers)]
        if letter == "m":
            start_x, start_y = start_x + values[0], start_y - values[1]
            contours.append([])
        if letter != "z":
            contours[-1].append((values[-2], -values[-1]))
    found = character(contours)
    if found is None or start_y - float(step_y):
        return None
    return found, round(start_x + float(step_x))
