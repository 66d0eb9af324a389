"""The packaged font files, in order of preference."""

import io
from functools import cache
from importlib.resources import files

from fontTools.ttLib import TTFont

# One face for Latin text, then wide coverage, then CJK, then one font for each script that these lack.
FONT_FILES = (
    "AtkinsonHyperlegible-Regular.ttf",
    "AtkinsonHyperlegible-LatinExt.ttf",
    "DejaVuSans.ttf",
    "DroidSansFallback.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansEthiopic-Regular.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansKhmer-Regular.ttf",
)

BOLD_FONT_FILES = (
    "AtkinsonHyperlegible-Bold.ttf",
    "AtkinsonHyperlegible-BoldLatinExt.ttf",
    "DejaVuSans-Bold.ttf",
    "NotoSansThai-Bold.ttf",
    "NotoSansDevanagari-Bold.ttf",
    "NotoSansTamil-Bold.ttf",
    "NotoSansBengali-Bold.ttf",
    "NotoSansEthiopic-Bold.ttf",
    "NotoSansGeorgian-Bold.ttf",
    "NotoSansArmenian-Bold.ttf",
    "NotoSansKhmer-Bold.ttf",
    *FONT_FILES,
)

UNITS_PER_EM = 1000


def font_files(*, bold: bool) -> tuple[str, ...]:
    """Return the font files in order of preference. Behind the bold ones are the others, for what no bold font has."""
    return BOLD_FONT_FILES if bold else FONT_FILES


# Khmer hangs two letters below another: at full size they would touch the next line.
_EMS = {"NotoSansKhmer-Regular.ttf": 800, "NotoSansKhmer-Bold.ttf": 800}


def em(file: str) -> int:
    """Return the size in which a font is drawn beside the others, in thousandths of theirs."""
    return _EMS.get(file, UNITS_PER_EM)


def content(file: str) -> bytes:
    return files("renderers.fonts").joinpath(file).read_bytes()


@cache
def opened(file: str) -> TTFont:
    return TTFont(io.BytesIO(content(file)), lazy=True)
