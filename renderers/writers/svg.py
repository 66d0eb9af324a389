"""SVG 1.1 files of matrix symbols: real size in millimetres, one filled path, no external resource."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from renderers.symbol import Drawing, MatrixSymbols
from renderers.writers.text import printable

# A version 40 QR code has 5.6 million possible runs; most never occur, and no process may hold them all.
_MAX_CACHED_RUNS = 250_000

# Symbols per NumPy pass: large enough to hide the call overhead, small enough to stay in the cache.
_BATCH = 512

_MARKUP = re.compile(r"[&<>]|[^\x20-\x7e]")


class _Runs(dict[int, str]):
    """Path data of every horizontal run, by `start * stride + length`, made when first asked for.

    `start` counts modules row by row in rows of `stride` modules, the last of which is always light.
    """

    __slots__ = ("_quiet_zone", "_stride")

    def __init__(self, stride: int, quiet_zone: int) -> None:
        super().__init__()
        self._stride = stride
        self._quiet_zone = quiet_zone

    def __missing__(self, key: int) -> str:
        if len(self) >= _MAX_CACHED_RUNS:
            self.clear()
        start, length = divmod(key, self._stride)
        y, x = divmod(start, self._stride)
        left = x + self._quiet_zone
        # Filled, never stroked: drawing programs may rescale a shape without its stroke width.
        run = self[key] = f"M{left} {y + self._quiet_zone}h{length}v1H{left}z"
        return run


_runs = lru_cache(maxsize=8)(_Runs)


def _number(value: float) -> str:
    """Return the shortest decimal of a length, to a tenth of a micrometre."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def escape(text: str) -> str:
    """Return the text as XML character data.

    >>> escape("Salt & <pepper>")
    'Salt &amp; &lt;pepper&gt;'
    """
    if _MARKUP.search(text) is None:
        return text
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _paths(symbols: MatrixSymbols, quiet_zone: int) -> list[str]:
    """Return the path data of each symbol: its dark runs, row by row, left to right."""
    count, rows, columns = symbols.modules.shape
    stride = columns + 1
    area = rows * stride
    runs = _runs(stride, quiet_zone)
    paths: list[str] = []
    for first in range(0, count, _BATCH):
        modules = symbols.modules[first : first + _BATCH]
        # One light column after each row ends every run inside its row, so the whole batch is one line.
        line = np.zeros((len(modules), rows, stride), np.uint8)
        line[:, :, :columns] = modules
        flat = line.reshape(-1)
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        if flat.size and flat[0]:
            edges = np.concatenate(([0], edges))
        starts, ends = edges[0::2], edges[1::2]
        owners, places = np.divmod(starts, area)
        keys = places * stride + (ends - starts)
        bounds = np.searchsorted(owners, np.arange(len(modules) + 1)).tolist()
        texts = list(map(runs.__getitem__, keys.tolist()))
        paths.extend("".join(texts[begin:end]) for begin, end in pairwise(bounds))
    return paths


def write(
    symbols: MatrixSymbols, drawing: Drawing, titles: Sequence[str], descriptions: Sequence[str]
) -> list[bytes]:
    """Return one SVG file per symbol, UTF-8 with line feeds, the same bytes for the same input.

    Width and height are millimetres, the user unit is one module, the quiet zone is inside and white.
    The title is the image's accessible name.
    """
    _, rows, columns = symbols.modules.shape
    quiet_zone, x_dimension_mm = drawing.quiet_zone_x, drawing.x_dimension_mm
    width, height = columns + 2 * quiet_zone, rows + 2 * quiet_zone
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" '
        f'width="{_number(width * x_dimension_mm)}mm" height="{_number(height * x_dimension_mm)}mm" '
        f'viewBox="0 0 {width} {height}" shape-rendering="crispEdges">\n<title>'
    )
    body = f'</desc>\n<rect width="{width}" height="{height}" fill="#fff"/>\n<path fill="#000" d="'
    return [
        f'{head}{escape(title)}</title>\n<desc>{escape(description)}{body}{path}"/>\n</svg>\n'.encode()
        for path, title, description in zip(_paths(symbols, quiet_zone), titles, descriptions, strict=True)
    ]
