"""What every encoder does with a payload that it refuses."""

from collections.abc import Callable, Sequence

from renderers.errors import RenderError
from renderers.symbol import EncodedBatch


def require_refused_alone(
    encode: Callable[[Sequence[bytes]], EncodedBatch],
    good: bytes,
    refused: bytes,
    error: type[RenderError],
    reason: str,
) -> None:
    """Fail unless the encoder names the payload in an error of this type, and draws its neighbours."""
    batch = encode([good, refused, good])
    assert list(batch.refused) == [1], reason
    assert type(batch.refused[1]) is error
    assert batch.refused[1].value == refused
    assert batch.refused[1].expected
    assert [group.positions.tolist() for group in batch.groups] == [[0, 2]]
