"""PNG files: one bit per pixel, whole pixels per element, real size in pHYs; and greyscale pictures of pages."""

import struct
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from renderers.symbol import Captions, Drawing, SymbolGroup
from renderers.units import MILLIMETRES_PER_INCH
from renderers.writers.picture_layout import PictureLayout, draw_by_layout
from renderers.writers.pixels import Band, PixelGrid, bands
from renderers.writers.text import printable

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FILTER_UP = 2

# Measured on random symbols at 203–600 dpi: level 0 is 40 % larger; 2 and 3 save nothing, and 3 takes
# two to three times as long.
_LEVEL = 1

# Bytes of pixel rows processed at once, so that a pass stays in the processor's cache and memory is bounded.
_BATCH_BYTES = 1 << 21


def write(symbols: SymbolGroup, drawing: Drawing, captions: Captions) -> list[bytes]:
    """Return one PNG file per symbol, the same bytes for the same input.

    X is a whole number of pixels in both directions, and pHYs gives the resolution at which X prints `x_dimension_mm`
    wide. Raises CharacterNotInFont for text that the font cannot draw.
    """
    return draw_by_layout(symbols, drawing, captions, _draw)


def greyscale(pixels: NDArray[np.uint8], dpi: tuple[float, float]) -> bytes:
    """Return a picture, (rows, columns), as a PNG of 8 bits per pixel. `dpi` is its resolution across and down.

    Each row is the difference from the one above. Measured on pages of labels: Pillow, which chooses a filter for each row,
    and zlib's level 6 take twenty times as long, for files a third smaller.
    """
    height, width = pixels.shape
    lines = np.full((height, 1 + width), _FILTER_UP, np.uint8)
    lines[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=lines[1:, 1:])
    across, down = (round(each * 1000 / MILLIMETRES_PER_INCH) for each in dpi)
    return _head(width, height, 8, (across, down)) + _chunk(b"IDAT", isal_zlib.compress(lines, _LEVEL)) + _END


def pixels_per_x(drawing: Drawing) -> int:
    """Return the pixels along X: a whole number, at least 1, nearest to the printer's dots.

    >>> from renderers.symbol import QuietZone
    >>> pixels_per_x(Drawing(x_dimension_mm=0.396, quiet_zone=QuietZone(4, 4, 4, 4), dpi=300))
    5
    """
    return max(1, round(drawing.x_dimension_mm * drawing.dpi / MILLIMETRES_PER_INCH))


def _draw(symbols: SymbolGroup, layout: PictureLayout, drawing: Drawing, captions: Captions) -> list[bytes]:
    grid = PixelGrid.of(symbols, layout, pixels_per_x(drawing))
    # The resolution makes X the requested length: rounding X to whole pixels changes the resolution, not the printed size.
    per_metre = round(grid.pixels * 1000 / drawing.x_dimension_mm)
    head = _head(grid.width, grid.height, 1, (per_metre, per_metre))
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
            _streams(symbols, grid, captions.hri), captions.titles, captions.descriptions, strict=True
        )
    ]


def _streams(symbols: SymbolGroup, grid: PixelGrid, texts: Sequence[str]) -> list[bytes]:
    """Return the compressed image data of each symbol.

    Only the first pixel line of a module or bar is written in full. The other lines are the Up filter over zeros, which
    means "as above" and compresses to almost nothing.
    """
    count, row_bytes = len(symbols.positions), (grid.width + 7) // 8
    batch = max(1, min(count, _BATCH_BYTES // (grid.height * (row_bytes + 1))))
    lines = np.zeros((batch, grid.height, row_bytes + 1), np.uint8)
    streams: list[bytes] = []
    for first in range(0, count, batch):
        part = symbols.only(slice(first, first + batch))
        used = len(part.positions)
        begin = 0
        for band in bands(part, grid, texts[first : first + batch]):
            end = begin + band.lines.shape[1] * band.repeat
            _fill(lines[:used, begin:end], band)
            begin = end
        streams.extend(isal_zlib.compress(image, _LEVEL) for image in lines[:used])
    return streams


def _fill(lines: NDArray[np.uint8], band: Band) -> None:
    """Write a band as filtered lines, (symbols, pixel lines, 1 + bytes), whose first byte is the filter."""
    symbols, _, width = lines.shape
    view = lines.reshape(symbols, -1, band.repeat, width, copy=False)
    view[:, :, 1:, 0] = _FILTER_UP
    view[:, :, 0, 1:] = np.packbits(band.lines, axis=2)


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Return one PNG chunk. Source: PNG 3rd edition, 5.3 "Chunk layout"."""
    tagged = kind + content
    return b"%b%b%b" % (struct.pack(">I", len(content)), tagged, struct.pack(">I", crc32(tagged)))


def _text_chunk(keyword: bytes, text: str) -> bytes:
    """Return a tEXt chunk if the text is Latin-1, else iTXt. Source: PNG 3rd edition, 11.3.3."""
    if not text:
        return b""
    text = printable(text)
    try:
        return _chunk(b"tEXt", keyword + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        # Not compressed, no language tag, no translated keyword.
        return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode())


_END = _chunk(b"IEND", b"")


def _head(width: int, height: int, bits: int, per_metre: tuple[int, int]) -> bytes:
    """Return signature, IHDR (greyscale) and pHYs, whose resolution is whole pixels per metre across and down."""
    return (
        _SIGNATURE
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
        + _chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    )
