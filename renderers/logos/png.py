"""Reads a logo from a PNG. Transparent pixels are white; a dot is black where its pixels are dark on average."""

import io
import struct

from PIL import Image, UnidentifiedImageError

from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import DotLogo

#: Bytes of the file, and pixels on each side: 100 mm at 600 dpi have 2,363.
MAX_BYTES, MAX_PIXELS = 256 * 1024, 3_000

_SIGNATURE, _HEADER_BYTES = b"\x89PNG\r\n\x1a\n", 33


def read(content: bytes) -> DotLogo:
    """Return the logo. Raises InvalidLogo for another format, a damaged file, or one that is too large.

    The size is checked before a pixel is decompressed.
    """
    if len(content) > MAX_BYTES:
        raise InvalidLogo(
            f"The PNG has {len(content):,} bytes; a logo has {MAX_BYTES:,} at most",
            value=len(content),
            expected=f"at most {MAX_BYTES} bytes",
        )
    width, height = _size(content)
    if max(width, height) > MAX_PIXELS:
        raise InvalidLogo(
            f"The PNG has {width:,} x {height:,} pixels; a logo has {MAX_PIXELS:,} on each side at most",
            value=(width, height),
            expected=f"at most {MAX_PIXELS} pixels on each side",
        )
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            on_white = Image.new("RGBA", picture.size, "white")
            on_white.alpha_composite(picture.convert("RGBA"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        # Pillow raises any of these for a damaged file.
        raise InvalidLogo(f"The logo is no PNG that can be read: {error}", expected="a PNG") from error
    return DotLogo(on_white.convert("L"))


def _size(content: bytes) -> tuple[int, int]:
    """Return width and height as the header chunk tells them. Raises InvalidLogo. Source: PNG, 5.2 and 11.2.1."""
    if content[:8] != _SIGNATURE or content[12:16] != b"IHDR" or len(content) < _HEADER_BYTES:
        raise InvalidLogo("The logo is no PNG that can be read: it has no header", expected="a PNG")
    width, height = struct.unpack_from(">2I", content, 16)
    return width, height
