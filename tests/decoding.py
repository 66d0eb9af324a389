"""Decode drawn symbols with zxing-cpp, which shares no code with our encoders and writers."""

import io
import multiprocessing
import re
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import PurePosixPath

import pypdfium2
import resvg_py
import zxingcpp
from PIL import Image

# What a scanner reports: the symbology identifier ("]Q1", "]d2") and the message's bytes.
Reading = tuple[str, bytes]

_PIXELS_PER_MODULE = 8
_VIEW_BOX = re.compile(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) [\d.]+"')
# Below this the pool's start costs more than it saves.
_POOL_FROM = 500
_BATCH = 100


class UnreadableSymbol(Exception):
    """A file of the artefact holds no symbol, or more than one."""


def read_symbol(name: str, content: bytes) -> Reading:
    """Return what the one symbol in this SVG or PNG file says; UnreadableSymbol otherwise.

    The text is never looked at: readers differ in how they guess a character set, bytes do not.
    """
    if name.endswith(".svg"):
        content = _rasterised(content.decode())
    with Image.open(io.BytesIO(content)) as picture:
        found = zxingcpp.read_barcodes(picture.convert("L"), try_rotate=False, try_invert=False)
    if any(code.symbology_identifier == "]C1" for code in found):
        # This reader sees an EAN-13 inside some Code 128 symbols, zint's as well as ours.
        found = [code for code in found if code.symbology_identifier != "]E0"]
    if len(found) != 1:
        raise UnreadableSymbol(f"{name}: {len(found)} symbols found, not 1")
    return str(found[0].symbology_identifier), bytes(found[0].bytes)


def read_sheet(pdf: bytes, dpi: int = 300) -> list[Reading]:
    """Return what the labels of a PDF say, page by page, as PDFium draws them for a printer of 300 dots an inch."""
    readings: list[Reading] = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            picture = page.render(scale=dpi / 72, grayscale=True).to_pil()
            found = zxingcpp.read_barcodes(picture, try_rotate=False, try_invert=False)
            readings += [(str(code.symbology_identifier), bytes(code.bytes)) for code in found]
    return readings


def is_symbol(name: str) -> bool:
    return PurePosixPath(name).suffix in {".svg", ".png"}


def read_archive(archive: bytes) -> list[tuple[str, Reading]]:
    """Return each symbol file's name and reading, in the archive's order; large archives in two processes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = [(name, opened.read(name)) for name in opened.namelist() if is_symbol(name)]
    if len(files) < _POOL_FROM:
        return _read_batch(files)
    batches = [files[start : start + _BATCH] for start in range(0, len(files), _BATCH)]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        return [each for batch in pool.map(_read_batch, batches) for each in batch]


def _read_batch(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, Reading]]:
    return [(name, read_symbol(name, content)) for name, content in files]


def _rasterised(svg: str) -> bytes:
    """Return the drawing as PNG, whole pixels to a module where the view box counts in modules."""
    box = _VIEW_BOX.search(svg)
    if box is None:
        raise UnreadableSymbol("the SVG has no viewBox")
    width = round(float(box.group(1)) * _PIXELS_PER_MODULE)
    # Without dots per inch the file's millimetres have no size; the width overrides what they come to.
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=width, dpi=96, background="#ffffff", skip_system_fonts=True
        )
    )
