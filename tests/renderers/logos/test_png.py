"""PNG logos: whole dots of the printer, black where the picture is dark."""

import io

import numpy as np
import pytest
from PIL import Image

from renderers.logos import png
from renderers.logos.errors import InvalidLogo


def file_of(picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def samples(operators, width, height):
    digits = operators.partition("ID ")[2].partition(">")[0]
    rows = np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(height, -1)
    return np.unpackbits(rows, axis=1)[:, :width]


def test_dots_are_black_where_most_of_the_picture_is_dark():
    picture = Image.new("L", (40, 20), 255)
    picture.paste(0, (0, 0, 20, 20))
    drawn = samples(png.read(file_of(picture)).operators(20, 10), 20, 10)
    assert drawn[:, :10].all()
    assert not drawn[:, 10:].any()


def test_transparent_pixels_are_white():
    picture = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 4, 8))
    drawn = samples(png.read(file_of(picture)).operators(16, 16), 16, 16)
    assert drawn[:, :8].all()
    assert not drawn[:, 8:].any()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_read(mode):
    assert png.read(file_of(Image.new(mode, (10, 5)))).aspect == 2


def test_other_files_are_refused():
    out = io.BytesIO()
    Image.new("L", (9, 9)).save(out, "GIF")
    for content in (b"", b"hello", out.getvalue(), file_of(Image.new("L", (9, 9)))[:40]):
        with pytest.raises(InvalidLogo):
            png.read(content)
    with pytest.raises(InvalidLogo, match="3,001 x 1 pixels"):
        png.read(file_of(Image.new("1", (3_001, 1))))
    with pytest.raises(InvalidLogo, match="at most"):
        png.read(bytes(png.MAX_BYTES + 1))
