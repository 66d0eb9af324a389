"""Pictures are read back by a reader of their own."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exports.verification.formats import zpl_fields
from renderers.zpl import graphics

_SAMPLES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 40)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


def read(fields: str, x: int, y: int) -> np.ndarray:
    """Return what the strips of a picture show together, which is at (x, y)."""
    strips = []
    for field in fields.removesuffix("^FS").split("^FS"):
        head, kind, digits = re.fullmatch(r"(\^FO\d+,\d+)(\^GFA,\d+,\d+,\d+,)(.*)", field).groups()
        box = zpl_fields.field_of(head + kind).box
        assert (box.x, box.y) == (x, y + sum(map(len, strips)))
        strips.append(zpl_fields.picture(digits, box))
    return np.concatenate(strips)


@given(_SAMPLES, st.integers(1, 9), st.integers(1, 9))
def test_samples_are_whole_dots(samples: np.ndarray, across: int, down: int) -> None:
    for sample, field in zip(samples, graphics.pictures(7, 3, samples, across, down), strict=True):
        expected = np.repeat(np.repeat(sample, down, axis=0), across, axis=1)
        found = read(field, 7, 3)
        assert (found[:, : expected.shape[1]] == expected).all()
        assert not found[:, expected.shape[1] :].any()
        assert len(found) == len(expected)


@given(_SAMPLES)
def test_white_and_repeated_rows_are_left_out(samples: np.ndarray) -> None:
    for sample in samples:
        assert (read(graphics.picture(2, 0, sample), 2, 0)[:, : sample.shape[1]] == sample).all()


@pytest.mark.parametrize("rows", [1, 3, 1200])
def test_no_picture_has_more_bytes_than_a_printer_takes(rows: int) -> None:
    samples = np.random.default_rng(1).integers(0, 2, (1, rows, 1200), np.uint8)
    dots = 1200 // rows if rows < 1200 else 1
    [enlarged] = graphics.pictures(0, 9, samples, 1, dots)
    expected = np.repeat(samples[0], dots, axis=0)
    for fields in (enlarged, graphics.picture(0, 9, expected)):
        assert (read(fields, 0, 9) == expected).all()
        assert fields.count("^GF") >= 2


@pytest.mark.parametrize(
    ("width", "height", "field"), [(9, 4, "^FO1,5^GB9,4,4^FS"), (2, 80, "^FO1,5^GB2,80,2^FS")]
)
def test_a_box_is_filled(width: int, height: int, field: str) -> None:
    assert graphics.box(1, 5, width, height) == field
