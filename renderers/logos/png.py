"""Reads a logo from a PNG. Transparent pixels are white; a dot is black where its pixels are dark on average."""

import io

from PIL import Image, UnidentifiedImageError

from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import DotLogo

#: Bytes of the file, and pixels on each side: 100 mm at 600 dpi have 2,363.
MAX_BYTES, MAX_PIXELS = 256 * 1024, 3_000


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
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if max(picture.size) > MAX_PIXELS:
                raise InvalidLogo(
                    f"The PNG has {picture.width:,} x {picture.height:,} pixels; a logo has {MAX_PIXELS:,} on each side at most",
                    value=picture.size,
                    expected=f"at most {MAX_PIXELS} pixels on each side",
                )
            on_white = Image.new("RGBA", picture.size, "white")
            on_white.alpha_composite(picture.convert("RGBA"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow raises any of these for a damaged file.
        raise InvalidLogo(f"The logo is no PNG that can be read: {error}", expected="a PNG") from error
    return DotLogo(on_white.convert("L"))
