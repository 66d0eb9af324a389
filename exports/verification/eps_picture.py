"""Reads back the EPS files we write, for a decoder to look at.

No PostScript interpreter comes with the service, so this reads the few forms our writer uses: the stencil of a
matrix symbol, and bars as `x width b` or `g` over the heights that the file's own `/b` and `/g` give. Anything
else raises, so a file that does not say what ours say cannot pass. That interpreters draw these forms so is
proven in the tests, with one.
"""

import re
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exports.errors import SymbolDoesNotDecode

_PIXELS_PER_X = 8

_BOX = re.compile(r"^%%HiResBoundingBox: 0 0 ([\d.]+) ([\d.]+)$", re.MULTILINE)
_SCALE = re.compile(r"^([\d.e-]+) dup scale$", re.MULTILINE)
_STENCIL = re.compile(
    r"^q ([\d.]+) ([\d.]+) translate\n(\d+) (\d+) scale\n\3 \4 true \[\3 0 0 -\4 0 \4\]\n\{<([0-9a-f\s]+)>\} imagemask grestore$",
    re.MULTILINE,
)
_HEIGHTS = re.compile(r"^/([bg])\{(-?[\d.]+) ([\d.]+) r\}bind def$", re.MULTILINE)
_BEARERS = re.compile(r"^\[([\d. -]+)\] rectfill$", re.MULTILINE)
_BAR = re.compile(r"^([\d.]+) ([\d.]+) ([bg])$", re.MULTILINE)


def picture_of(eps: bytes) -> Image.Image:
    """Return the symbol as a greyscale picture, black on white, its text left out. Raises SymbolDoesNotDecode."""
    text = eps.decode("ascii")
    box, scale = _BOX.search(text), _SCALE.search(text)
    if box is None or scale is None:
        raise SymbolDoesNotDecode("The EPS has no bounding box or no scale", value=text[:200])
    width, height = (round(float(side) / float(scale[1]) * _PIXELS_PER_X) for side in box.groups())
    # Counted from the lower edge up, as PostScript does.
    dark = np.zeros((height, width), np.bool_)
    stencil = _STENCIL.search(text)
    drawn = 0
    if stencil is not None:
        drawn = _stencil(dark, stencil)
    else:
        heights = {name: (float(bottom), float(high)) for name, bottom, high in _HEIGHTS.findall(text)}
        bearers = [map(float, numbers.split()) for numbers in _BEARERS.findall(text)]
        for x, y, w, h in zip(*[chain.from_iterable(bearers)] * 4, strict=True):
            _fill(dark, x, y, w, h)
        for x, w, name in _BAR.findall(text):
            _fill(dark, float(x), heights[name][0], float(w), heights[name][1])
            drawn += 1
    if not drawn:
        raise SymbolDoesNotDecode("The EPS draws no symbol", value=text[:200])
    return Image.fromarray(np.where(dark[::-1], 0, 255).astype(np.uint8), "L")


def _stencil(dark: NDArray[np.bool_], found: re.Match[str]) -> int:
    columns, rows = int(found[3]), int(found[4])
    packed = np.frombuffer(bytes.fromhex(found[5]), np.uint8).reshape(rows, -1)
    modules = np.unpackbits(packed, axis=1, count=columns)[::-1]
    left, bottom = (round(float(place) * _PIXELS_PER_X) for place in (found[1], found[2]))
    block = modules.repeat(_PIXELS_PER_X, axis=0).repeat(_PIXELS_PER_X, axis=1)
    dark[bottom : bottom + block.shape[0], left : left + block.shape[1]] = block
    return 1


def _fill(dark: NDArray[np.bool_], x: float, y: float, width: float, height: float) -> None:
    left, right = (round(edge * _PIXELS_PER_X) for edge in (x, x + width))
    bottom, top = (round(edge * _PIXELS_PER_X) for edge in (y, y + height))
    dark[max(0, bottom) : top, left:right] = True
