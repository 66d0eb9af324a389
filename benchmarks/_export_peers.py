"""The loop that a user would write: a library's QR Codes as SVG, each put into a ZIP."""

import io
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator

import segno
import zint

#: One symbol: the link to the bytes of its SVG.
Maker = Callable[[str], bytes]


def labels_per_second(make: Maker, links: list[str]) -> float:
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, link in enumerate(links):
                archive.writestr(f"{number:08d}.svg", make(link))
        return len(links) / (time.perf_counter() - began)


def peers() -> Iterator[tuple[str, Maker, float]]:
    """Yield each peer's name and function, and how many times its speed an export should reach."""
    yield "segno, zipfile", _by_segno, 110
    yield "zint, zipfile", _zint(), 9


def _by_segno(link: str) -> bytes:
    file = io.BytesIO()
    segno.make(link, error="m", micro=False).save(file, kind="svg")
    return file.getvalue()


def _zint() -> Maker:
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.QRCODE
    symbol.outfile = "x.svg"
    symbol.output_options = zint.OutputOptions.BARCODE_MEMORY_FILE | zint.OutputOptions.BARCODE_QUIET_ZONES
    symbol.option_1 = 2  # level M

    def make(link: str) -> bytes:
        symbol.clear()
        symbol.encode(link)
        symbol.print()
        return bytes(symbol.memfile or b"")

    return make
