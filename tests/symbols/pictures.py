"""Independent rasterisers at a printer's resolution, and the decoder that reads their pictures."""

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import resvg_py
import zxingcpp
from PIL import Image

from tests.decoding import Reading

PRINTERS_DPI = (203, 300, 600)

#: (files, dpi, folder to work in) -> one picture per file
Rasteriser = Callable[[Sequence[bytes], int, Path], list[Image.Image]]


def read(picture: Image.Image) -> list[Reading]:
    """Return symbology identifier and bytes of every symbol in the picture, whatever its symbology.

    Inside a few Code 128 symbols zxing-cpp also sees an EAN-13, at some scales and in zint's drawing as well
    (lot 0 of GTIN 01000000000009 at four pixels to an X): beside a GS1-128 none is counted.
    """
    found = zxingcpp.read_barcodes(picture.convert("L"), try_rotate=False, try_invert=False)
    readings = [(str(code.symbology_identifier), bytes(code.bytes)) for code in found]
    if any(identifier == "]C1" for identifier, _ in readings):
        return [reading for reading in readings if reading[0] != "]E0"]
    return readings


def tool(name: str, package: str) -> str:
    """Return the program's path; skips where it is not installed, but fails in the full tests."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail(f"{name} is not installed (Debian: {package})")
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return path


def png(files: Sequence[bytes], dpi: int, folder: Path) -> list[Image.Image]:
    """Return the files, which are pictures already."""
    return [Image.open(io.BytesIO(file)) for file in files]


def resvg(files: Sequence[bytes], dpi: int, folder: Path) -> list[Image.Image]:
    return [
        Image.open(
            io.BytesIO(
                bytes(resvg_py.svg_to_bytes(svg_string=file.decode(), dpi=dpi, skip_system_fonts=True))
            )
        )
        for file in files
    ]


def librsvg(files: Sequence[bytes], dpi: int, folder: Path) -> list[Image.Image]:
    program = tool("rsvg-convert", "librsvg2-bin")
    pictures = []
    for file in files:
        drawn = _run([program, f"--dpi-x={dpi}", f"--dpi-y={dpi}"], stdin=file)
        pictures.append(Image.open(io.BytesIO(drawn)))
    return pictures


def ghostscript(files: Sequence[bytes], dpi: float, folder: Path) -> list[Image.Image]:
    """Return what Ghostscript draws inside each bounding box, all files in one process."""
    target = folder / "gs-%05d.png"
    _ghostscript(
        files, folder, "-sDEVICE=pngmono", "-dUseFastColor=true", f"-r{dpi:g}", f"-sOutputFile={target}"
    )
    return _pages(folder, "gs-*.png")


def poppler(files: Sequence[bytes], dpi: int, folder: Path) -> list[Image.Image]:
    """Return what Poppler draws of the files made a PDF, a page each."""
    program = tool("pdftoppm", "poppler-utils")
    document = folder / "all.pdf"
    _ghostscript(files, folder, "-sDEVICE=pdfwrite", f"-sOutputFile={document}")
    _run([program, "-r", str(dpi), "-gray", "-png", str(document), str(folder / "poppler")])
    return _pages(folder, "poppler-*.png")


def _ghostscript(files: Sequence[bytes], folder: Path, *options: str) -> None:
    program = tool("gs", "ghostscript")
    sources = [folder / f"{number:05d}.eps" for number in range(len(files))]
    for source, file in zip(sources, files, strict=True):
        source.write_bytes(file)
    said = _run([program, "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dEPSCrop", *options, *map(str, sources)])
    assert said == b""


def _run(command: list[str], stdin: bytes = b"") -> bytes:
    ran = subprocess.run(command, input=stdin, capture_output=True, check=True)
    assert ran.stderr == b""
    return ran.stdout


def _pages(folder: Path, pattern: str) -> list[Image.Image]:
    return [Image.open(path) for path in sorted(folder.glob(pattern))]
