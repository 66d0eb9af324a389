"""Fields lie where the turned label has them."""

import numpy as np
import pytest

from renderers.zpl.media import Media

WIDTH, HEIGHT = 70, 40


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_field_lies_where_the_turned_picture_has_it(rotate: int) -> None:
    media = Media(WIDTH, HEIGHT, rotate, 0, 0)
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    left, bottom, width, height = 5, 8, 20, 3
    label[HEIGHT - bottom - height : HEIGHT - bottom, left : left + width] = 1
    turned = media.turned(label[None])[0]
    rows, columns = np.flatnonzero(turned.any(1)), np.flatnonzero(turned.any(0))
    assert media.corner(left, bottom, width, height) == (columns[0], rows[0])
    assert media.printed == turned.shape[::-1]
    assert np.array_equal(turned, np.rot90(label, -(rotate // 90)))


def test_an_offset_moves_what_was_turned() -> None:
    x, y = Media(WIDTH, HEIGHT, 90, 0, 0).corner(5, 8, 20, 3)
    moved_x, moved_y = Media(WIDTH, HEIGHT, 90, 4, -2).corner(5, 8, 20, 3)
    assert (moved_x - x, moved_y - y) == (4, -2)
