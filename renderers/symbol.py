"""Symbols as modules or bars, measured in X; no pixels, no millimetres."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError

ErrorCorrection: TypeAlias = Literal["L", "M", "Q", "H"]

#: How far the guard bars of EAN/UPC reach below the other bars, in X. Source: ISO/IEC 15420; GS1 General
#: Specifications, 5.2.
GUARD_BAR_X = 5

#: Which symbols of a group are meant: a range, or their indexes.
Chosen: TypeAlias = slice | Sequence[int] | NDArray[np.intp] | NDArray[np.bool_]


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

    @property
    def modules_text(self) -> str:
        """The size for reports: modules along a side of a square, rows x columns of a rectangle."""
        _, rows, columns = self.modules.shape
        return f"{columns}" if rows == columns else f"{rows}x{columns}"

    def only(self, chosen: Chosen) -> "MatrixSymbols":
        """Return the chosen symbols of the group."""
        return MatrixSymbols(self.positions[chosen], self.modules[chosen])


@dataclass(frozen=True, slots=True)
class HriZone:
    """The place of characters [start, stop) of the human-readable text under a linear symbol.

    `left_x` and `width_x` are in X, counted from the left edge of the first bar; negative is left of it.
    `size` is relative to the symbol's other digits.
    """

    start: int
    stop: int
    left_x: float
    width_x: float
    size: float = 1.0

    @property
    def centre_x(self) -> float:
        return self.left_x + self.width_x / 2


@dataclass(frozen=True, slots=True)
class BarSymbols:
    """Linear symbols of one layout and width, as one array.

    `widths` has shape (n, elements), dtype uint8: bars and spaces in turn, a bar first and a bar last, each
    in units of X / `units_per_x`, without quiet zone. Every row has the same sum.
    `positions` has shape (n,): which payload of the batch each symbol carries.
    `guards` are the indexes of the elements whose bars reach down between the digits (EAN/UPC).
    `zones` are the places of the text; without zones it is centred below the whole symbol.
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

    @property
    def modules_text(self) -> str:
        """The width for reports, in X."""
        return f"{self.width_x:g}"

    def only(self, chosen: Chosen) -> "BarSymbols":
        """Return the chosen symbols of the group."""
        return replace(self, positions=self.positions[chosen], widths=self.widths[chosen])


SymbolGroup: TypeAlias = MatrixSymbols | BarSymbols


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """The result of encoding a batch: symbols grouped by size, and the errors of refused payloads.

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
    """How the symbols of one group are drawn.

    `bar_height_mm` is the height of the bars, None for matrix symbols; guard bars reach further down.
    `bearer_bar_x` is the thickness of the bars above and below ITF-14, which span the quiet zones too.
    `dpi` is the printer's resolution, which only pixel formats use. `hri` says whether the human-readable
    text is drawn.
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

    `titles` name the picture and `descriptions` give its content, for screen readers and search.
    `elements` make up the human-readable text under the symbol: lines are broken between them only.
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
