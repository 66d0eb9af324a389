"""A digest that is taken in another thread is that of the same bytes in the same order."""

import hashlib
import io
from itertools import accumulate

import pytest

from renderers.digested_stream import DigestedStream, Sha256


@pytest.mark.parametrize("sizes", [(0,), (10, 1 << 20, 5, 1 << 19, 1 << 18, 3), (1 << 18,) * 9])
def test_large_and_small_pieces_are_digested_in_order(sizes: tuple[int, ...]) -> None:
    content = bytes(number % 251 for number in range(sum(sizes)))
    stops = list(accumulate(sizes))
    pieces = [content[stop - size : stop] for size, stop in zip(sizes, stops, strict=True)]
    digest, out = Sha256(), io.BytesIO()
    stream = DigestedStream(out)
    for piece in pieces:
        digest.update(piece)
        stream.write(piece)
    assert digest.hexdigest() == stream.hexdigest() == hashlib.sha256(content).hexdigest()
    assert (out.getvalue(), stream.offset) == (content, len(content))
