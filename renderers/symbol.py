"""The neutral symbol model: modules in X; no pixels, no millimetres."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError

ErrorCorrection: TypeAlias = Literal["L", "M", "Q", "H"]


@dataclass(frozen=True, slots=True)
class MatrixSymbols:
    """Matrix symbols of one size, as one array.

    `modules` has shape (n, rows, columns), dtype uint8, 1 for a dark module, without quiet zone.
    `positions` has shape (n,): which payload of the batch each symbol carries.
    """

    positions: NDArray[np.intp]
    modules: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """What an encoder made of a batch: symbols grouped by size, and the payloads it refused.

    Every position of the batch is in exactly one group or in `refused`.
    """

    groups: list[MatrixSymbols]
    refused: dict[int, LabelError] = field(default_factory=dict[int, LabelError])


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a symbol is put on paper: X in millimetres, quiet zone in X, printer dots per inch."""

    x_dimension_mm: float
    quiet_zone_x: int
    dpi: int = 600


Encoder: TypeAlias = Callable[[Sequence[bytes]], EncodedBatch]

#: (symbols of one size, drawing, one title per symbol, one description per symbol) -> one file per symbol
Writer: TypeAlias = Callable[[MatrixSymbols, Drawing, Sequence[str], Sequence[str]], list[bytes]]
