"""Pictures are read back by a reader of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exports.verification.formats import zpl_file
from renderers.zpl import graphics

_SAMPLES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 40)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


def read(field: str) -> np.ndarray:
    assert field.startswith("^GF")
    assert field.endswith("^FS")
    return zpl_file.picture(field.removeprefix("^GF").removesuffix("^FS"))


@given(_SAMPLES, st.integers(1, 9), st.integers(1, 9))
def test_samples_are_whole_dots(samples: np.ndarray, across: int, down: int) -> None:
    for sample, field in zip(samples, graphics.pictures(samples, across, down), strict=True):
        expected = np.repeat(np.repeat(sample, down, axis=0), across, axis=1)
        found = read(field)
        assert (found[:, : expected.shape[1]] == expected).all()
        assert not found[:, expected.shape[1] :].any()
        assert len(found) == len(expected)


@given(_SAMPLES)
def test_white_and_repeated_rows_are_left_out(samples: np.ndarray) -> None:
    for sample in samples:
        assert (read(graphics.picture(sample))[:, : sample.shape[1]] == sample).all()


@pytest.mark.parametrize(("width", "height", "field"), [(9, 4, "^GB9,4,4^FS"), (2, 80, "^GB2,80,2^FS")])
def test_a_box_is_filled(width: int, height: int, field: str) -> None:
    assert graphics.box(width, height) == field
