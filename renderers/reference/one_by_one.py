"""A batch encoder made from a library that draws one symbol at a time."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError
from renderers.symbol import EncodedBatch, SymbolGroup

#: payload -> modules (rows, columns) or element widths (elements,), uint8. Raises a LabelError to refuse.
SymbolDrawer: TypeAlias = Callable[[bytes], NDArray[np.uint8]]

#: (positions (n,), symbols (n, …)) -> one group of them
GroupMaker: TypeAlias = Callable[[NDArray[np.intp], NDArray[np.uint8]], SymbolGroup]


def encode(payloads: Sequence[bytes], draw: SymbolDrawer, group: GroupMaker) -> EncodedBatch:
    """Return the symbols of payloads, one group per size, rising in size and, inside, in position.

    Symbols with the same number of elements, or of rows and columns, have the same size. A LabelError of
    `draw` is a refusal; other exceptions propagate.
    """
    by_size: dict[tuple[int, ...], list[tuple[int, NDArray[np.uint8]]]] = {}
    refused: dict[int, LabelError] = {}
    for position, payload in enumerate(payloads):
        try:
            symbol = draw(payload)
        except LabelError as error:
            refused[position] = error
        else:
            by_size.setdefault(symbol.shape, []).append((position, symbol))
    return EncodedBatch(
        [
            group(
                np.array([position for position, _ in members], np.intp),
                np.stack([symbol for _, symbol in members]),
            )
            for _, members in sorted(by_size.items())
        ],
        refused,
    )
