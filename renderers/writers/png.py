"""PNG files of matrix symbols: one bit per pixel, whole pixels per module, real size in pHYs."""

import struct
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from isal import isal_zlib

from renderers.symbol import Drawing, MatrixSymbols
from renderers.writers.text import printable

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MILLIMETRES_PER_INCH = 25.4
_FILTER_UP = 2

# Measured on random symbols at 203–600 dpi: level 0 is 40 % larger; 2 and 3 save nothing, and 3 takes
# two to three times as long.
_LEVEL = 1

# Bytes of pixel rows worked on at once: one pass stays in the processor's cache, and memory stays flat.
_BATCH_BYTES = 1 << 21


def pixels_per_module(drawing: Drawing) -> int:
    """Return the pixels along one module: a whole number, at least 1, nearest to the printer's dots.

    >>> pixels_per_module(Drawing(x_dimension_mm=0.396, quiet_zone_x=4, dpi=300))
    5
    """
    return max(1, round(drawing.x_dimension_mm * drawing.dpi / _MILLIMETRES_PER_INCH))


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Return one PNG chunk. Source: PNG 3rd edition, 5.3 "Chunk layout"."""
    tagged = kind + content
    return b"%b%b%b" % (struct.pack(">I", len(content)), tagged, struct.pack(">I", crc32(tagged)))


def _text_chunk(keyword: bytes, text: str) -> bytes:
    """Return a tEXt chunk where Latin-1 holds the text, else iTXt. Source: PNG 3rd edition, 11.3.3."""
    if not text:
        return b""
    text = printable(text)
    try:
        return _chunk(b"tEXt", keyword + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        # Not compressed, no language tag, no translated keyword.
        return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode())


_END = _chunk(b"IEND", b"")


def _head(width: int, height: int, pixels: int, x_dimension_mm: float) -> bytes:
    """Return signature, IHDR (1 bit greyscale) and pHYs.

    The resolution makes a module exactly X wide: rounding to whole pixels moves the resolution, not the
    printed size, to within half a pixel per metre.
    """
    per_metre = round(pixels * 1000 / x_dimension_mm)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
    )


def _streams(symbols: MatrixSymbols, quiet_zone: int, pixels: int) -> list[bytes]:
    """Return the compressed image data of each symbol.

    Of the pixel rows of a module row the first is written out and the others are the Up filter over
    zeros, which says "as above": a scanline costs the compressor next to nothing.
    """
    count, rows, columns = symbols.modules.shape
    height, width = rows + 2 * quiet_zone, columns + 2 * quiet_zone
    row_bytes = (width * pixels + 7) // 8
    batch = max(1, min(count, _BATCH_BYTES // (height * pixels * (row_bytes + 1))))
    light = np.ones((batch, height, width), np.uint8)
    lines = np.zeros((batch, height, pixels, row_bytes + 1), np.uint8)
    lines[:, :, 1:, 0] = _FILTER_UP
    streams: list[bytes] = []
    for first in range(0, count, batch):
        modules = symbols.modules[first : first + batch]
        used = len(modules)
        np.subtract(
            1, modules, out=light[:used, quiet_zone : quiet_zone + rows, quiet_zone : quiet_zone + columns]
        )
        lines[:used, :, 0, 1:] = np.packbits(np.repeat(light[:used], pixels, axis=2), axis=2)
        streams.extend(isal_zlib.compress(image, _LEVEL) for image in lines[:used])
    return streams


def write(
    symbols: MatrixSymbols, drawing: Drawing, titles: Sequence[str], descriptions: Sequence[str]
) -> list[bytes]:
    """Return one PNG file per symbol, the same bytes for the same input.

    Every module is the same whole number of pixels wide and high, and pHYs gives the resolution at which
    a module prints `x_dimension_mm` wide.
    """
    _, rows, columns = symbols.modules.shape
    quiet_zone, pixels = drawing.quiet_zone_x, pixels_per_module(drawing)
    head = _head(
        (columns + 2 * quiet_zone) * pixels,
        (rows + 2 * quiet_zone) * pixels,
        pixels,
        drawing.x_dimension_mm,
    )
    return [
        b"".join(
            (
                head,
                _text_chunk(b"Title", title),
                _text_chunk(b"Description", description),
                _chunk(b"IDAT", stream),
                _END,
            )
        )
        for stream, title, description in zip(
            _streams(symbols, quiet_zone, pixels), titles, descriptions, strict=True
        )
    ]
