"""The neutral symbol models: modules and bars in X; no pixels, no millimetres."""

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

    @property
    def width_x(self) -> float:
        """Width without quiet zone, in X."""
        return float(self.modules.shape[2])


@dataclass(frozen=True, slots=True)
class HriZone:
    """Where characters [start, stop) of the human-readable text stand under a linear symbol.

    `left_x` and `width_x` are in X, counted from the left edge of the first bar; negative is left of it.
    `size` is relative to the symbol's other digits.
    """

    start: int
    stop: int
    left_x: float
    width_x: float
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class BarSymbols:
    """Linear symbols of one layout and width, as one array.

    `widths` has shape (n, elements), dtype uint8: bars and spaces in turn, a bar first and a bar last, each
    in units of X / `units_per_x`, without quiet zone. Every row has the same sum.
    `positions` has shape (n,): which payload of the batch each symbol carries.
    `guards` are the elements, by index, whose bars reach down between the digits (EAN/UPC).
    `zones` say where the text stands; without any it is centred below the whole symbol.
    """

    positions: NDArray[np.intp]
    widths: NDArray[np.uint8]
    units_per_x: int = 1
    guards: tuple[int, ...] = ()
    zones: tuple[HriZone, ...] = ()

    @property
    def width_x(self) -> float:
        """Width without quiet zone, in X."""
        return float(self.widths[0].sum(dtype=np.int64)) / self.units_per_x


SymbolGroup: TypeAlias = MatrixSymbols | BarSymbols


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """What an encoder made of a batch: symbols grouped by size, and the payloads it refused.

    Every position of the batch is in exactly one group or in `refused`.
    """

    groups: Sequence[SymbolGroup]
    refused: dict[int, LabelError] = field(default_factory=dict[int, LabelError])


#: (payloads, error correction level, which only QR Code has) -> symbols and refusals
BatchEncoder: TypeAlias = Callable[[Sequence[bytes], ErrorCorrection], EncodedBatch]


@dataclass(frozen=True, slots=True)
class QuietZone:
    """The light margin inside every file, in X."""

    left: float
    right: float
    top: float = 0
    bottom: float = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """How the symbols of one group are put on paper.

    `bar_height_mm` is that of the bars, None for matrix symbols; guard bars reach further down.
    `bearer_bar_x` is the thickness of the bars above and below ITF-14, which span the quiet zones too.
    `dpi` is the printer's, for pixel formats. `hri` says whether the human-readable text is drawn.
    """

    x_dimension_mm: float
    quiet_zone: QuietZone
    dpi: int = 600
    bar_height_mm: float | None = None
    bearer_bar_x: float = 0
    hri: bool = False


@dataclass(frozen=True, slots=True)
class Captions:
    """The texts of a group's symbols, one of each per symbol, in the group's order.

    `titles` name the picture and `descriptions` say what it carries, for screen readers and search.
    `elements` are what the human-readable text under the symbol is made of: it may be broken into lines between
    them and nowhere else.
    """

    titles: Sequence[str]
    descriptions: Sequence[str]
    elements: Sequence[Sequence[str]]

    @property
    def hri(self) -> list[str]:
        """The human-readable texts, each in one."""
        return ["".join(each) for each in self.elements]


#: (symbols of one size, drawing, captions) -> one file per symbol
Writer: TypeAlias = Callable[[SymbolGroup, Drawing, Captions], list[bytes]]
