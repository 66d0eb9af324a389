"""Read back the EPS files that we write.

The service has no PostScript interpreter, so this reads only the forms that our writer uses: the stencil of a matrix
symbol, bars as `x width b` or `g` with the heights in the file's `/b` and `/g`, and characters as outlines. The
procedures must be those below, byte for byte; a file with anything else is refused. The tests check with an interpreter
that these procedures draw these forms.
"""

import math
import re
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exports.errors import SymbolDoesNotDecode
from exports.verification.formats.drawn import Drawn, Line, require_inside
from exports.verification.formats.glyphs import character
from renderers.fonts.outlines import Point
from renderers.units import POINTS_PER_MILLIMETRE

_PIXELS_PER_X = 8

#: A copy of the writer's prolog, so that a change there is detected.
_PROLOG = """\
%%EndComments
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
_EDGE = "/e .1 0 idtransform abs exch abs add def\n"
_TRAILER = "grestore end\nshowpage\n%%EOF\n"

_N = r"-?[\d.]+(?:e-\d+)?"
_STENCIL = (
    rf"q (?P<left>{_N}) (?P<bottom>{_N}) translate\n(?P<columns>\d+) (?P<rows>\d+) scale\n"
    r"(?P=columns) (?P=rows) true \[(?P=columns) 0 0 -(?P=rows) 0 (?P=rows)\]\n"
    r"\{<(?P<bits>[0-9a-f\n]+)>\} imagemask grestore\n"
)
_BARS = (
    rf"{re.escape(_EDGE)}/b\{{(?P<b>{_N} {_N}) r\}}bind def\n/g\{{(?P<g>{_N} {_N}) r\}}bind def\n"
    rf"(?:\[(?P<bearers>[\d. -]+)\] rectfill\n)?(?P<bars>(?:{_N} {_N} [bg]\n)+)"
)
_FILE = re.compile(
    r"%!PS-Adobe-3\.0 EPSF-3\.0\n%%BoundingBox: 0 0 (?P<box>\d+ \d+)\n"
    rf"%%HiResBoundingBox: 0 0 (?P<width>{_N}) (?P<height>{_N})\n"
    r"%%LanguageLevel: 2\n%%DocumentData: Clean7Bit\n"
    r"%%Title: (?P<title>\(.*\)\n(?:%%\+ \(.*\)\n)*)"
    rf"{re.escape(_PROLOG)}(?P<scale>{_N}) dup scale\n"
    rf"(?:{_STENCIL}|{_BARS})(?P<text>(?:q {_N} {_N} translate (?:.*\n)*?grestore\n)*){re.escape(_TRAILER)}"
)
_LINE = re.compile(
    rf"q ({_N}) ({_N}) translate ({_N}) ({_N}) scale (-?\d+) 0 moveto\n((?:q\n[^qf]*f -?\d+ 0 m\n)*)grestore\n"
)
_GLYPH = re.compile(r"q\n([^qf]*)f (-?\d+) 0 m\n")
_ESCAPED = re.compile(r"\\([\\()])")


def picture_of(eps: bytes) -> Image.Image:
    """Return the symbol as a greyscale picture, black on white, without its text. Raises SymbolDoesNotDecode."""
    return Image.fromarray(read("The EPS", eps).picture, "L")


def read(name: str, data: bytes) -> Drawn:
    """Return the content of the file. Raises SymbolDoesNotDecode if our writer did not write it."""
    found = _FILE.fullmatch(data.decode("ascii", "replace"))
    if found is None:
        raise SymbolDoesNotDecode(f"{name} is not an EPS of our form", value=data[:200])
    points_per_x = float(found["scale"])
    width_x, height_x = (float(found[side]) / points_per_x for side in ("width", "height"))
    if found["box"] != " ".join(str(math.ceil(float(found[side]))) for side in ("width", "height")):
        raise SymbolDoesNotDecode(f"{name}: the two bounding boxes differ", value=found["box"])
    # Rows count from the lower edge up, as in PostScript.
    dark = np.zeros((round(height_x * _PIXELS_PER_X), round(width_x * _PIXELS_PER_X)), np.bool_)
    if found["bits"]:
        _stencil(dark, found)
    else:
        _bars(dark, found)
    picture = np.where(dark[::-1], np.uint8(0), np.uint8(255))
    title = "".join(line[line.index("(") + 1 : -1] for line in found["title"].splitlines())
    lines = [require_inside(name, line, width_x, height_x) for line in _lines(name, found["text"], height_x)]
    pixels_per_mm = _PIXELS_PER_X * POINTS_PER_MILLIMETRE / points_per_x
    return Drawn(picture, pixels_per_mm, _ESCAPED.sub(r"\1", title), None, lines)


def _stencil(dark: NDArray[np.bool_], found: re.Match[str]) -> None:
    columns, rows = int(found["columns"]), int(found["rows"])
    packed = np.frombuffer(bytes.fromhex(found["bits"]), np.uint8).reshape(rows, -1)
    modules = np.unpackbits(packed, axis=1, count=columns)[::-1]
    left, bottom = (round(float(found[place]) * _PIXELS_PER_X) for place in ("left", "bottom"))
    block = modules.repeat(_PIXELS_PER_X, axis=0).repeat(_PIXELS_PER_X, axis=1)
    dark[bottom : bottom + block.shape[0], left : left + block.shape[1]] = block


def _bars(dark: NDArray[np.bool_], found: re.Match[str]) -> None:
    bearers = map(float, (found["bearers"] or "").split())
    for x, y, width, height in zip(*[chain(bearers)] * 4, strict=True):
        _fill(dark, x, y, width, height)
    heights = {name: tuple(map(float, found[name].split())) for name in "bg"}
    for bar in found["bars"].splitlines():
        x, width, name = bar.split()
        bottom, height = heights[name]
        _fill(dark, float(x), bottom, float(width), height)


def _fill(dark: NDArray[np.bool_], x: float, y: float, width: float, height: float) -> None:
    left, right = (round(edge * _PIXELS_PER_X) for edge in (x, x + width))
    bottom, top = (round(edge * _PIXELS_PER_X) for edge in (y, y + height))
    dark[max(0, bottom) : top, left:right] = True


def _lines(name: str, text: str, height_x: float) -> list[Line]:
    lines: list[Line] = []
    at = 0
    for run in _LINE.finditer(text):
        centre, baseline, across, down = map(float, run.groups()[:4])
        if run.start() != at or min(across, down) <= 0:
            break
        at = run.end()
        glyphs = [(_character(path), int(advance)) for path, advance in _GLYPH.findall(run[6])]
        characters = [each for each, _ in glyphs if each is not None]
        if len(characters) != len(glyphs):
            raise SymbolDoesNotDecode(f"{name} has text of no known character", value=run[6][:200])
        begin = int(run[5])
        end = begin + sum(advance for _, advance in glyphs)
        left, right = centre + begin * across, centre + end * across
        lines.append(Line("".join(characters), left, right, height_x - baseline))
    if at != len(text):
        raise SymbolDoesNotDecode(f"{name} has more than a symbol and its text", value=text[at:][:200])
    return lines


@lru_cache(maxsize=4096)
def _character(path: str) -> str | None:
    """Return the character that the lines draw, or None if its outline is not in the font."""
    contours: list[list[Point]] = []
    for line in path.splitlines():
        *numbers, operator = line.split()
        values = [float(number) for number in numbers]
        if operator == "m":
            contours.append([])
        if operator != "z":
            contours[-1].append((values[-2], values[-1]))
    return character(contours)
