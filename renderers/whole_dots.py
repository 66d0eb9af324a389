"""X in whole dots of a printer, within the limits of GS1's symbol specification tables."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gs1.errors import SymbolTooWide, XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind, SymbolSize, symbol_size, x_dimension_mm
from renderers.units import MILLIMETRES_PER_INCH

# Of a dot: what floating point may lose between millimetres and dots.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class WholeDots:
    """The sizes that one symbology may have on one printer.

    X is a multiple of `units_per_x` dots: with the units of BarSymbols all elements are whole dots.
    """

    kind: SymbolKind
    environment: Environment
    dpi: int
    units_per_x: int = 1

    @property
    def size(self) -> SymbolSize:
        return symbol_size(self.kind, self.environment)

    @property
    def dot_mm(self) -> float:
        return MILLIMETRES_PER_INCH / self.dpi

    def at_least(self, x_mm: float) -> int:
        """Return the fewest dots that are not narrower than `x_mm`."""
        return self._dots(x_mm, lambda value: math.ceil(value - _ROUNDING))

    def at_most(self, x_mm: float) -> int:
        """Return the most dots that are not wider than `x_mm`."""
        return self._dots(x_mm, lambda value: math.floor(value + _ROUNDING))

    def limits(self) -> tuple[int, int]:
        """Return the fewest and the most dots within the table's limits.

        Raises XDimensionOutOfRange where no whole dots are.
        """
        size = self.size
        least, most = self.at_least(size.x_min_mm), self.at_most(size.x_max_mm)
        if least > most:
            raise XDimensionOutOfRange(
                f"A printer of {self.dpi} dpi has no whole dots within {size.x_min_mm:.3f} to "
                f"{size.x_max_mm:.3f} mm for {self.kind} in {self.environment}",
                value=self.dpi,
                expected=f"{size.x_min_mm:.3f} to {size.x_max_mm:.3f} mm in whole dots",
                field="dpi",
            )
        return least, most

    def nearest(self, requested_mm: float | None) -> int:
        """Return the dots nearest to the requested X, or to the table's target, within the table's limits.

        Raises XDimensionOutOfRange where no whole dots are within the limits, or the request is not.

        >>> WholeDots(SymbolKind.QR_CODE, Environment.RETAIL, 203).nearest(0.396)
        4
        """
        wanted = x_dimension_mm(self.kind, self.environment, requested_mm)
        least, most = self.limits()
        return min(max(self._dots(wanted, round), least), most)

    def fitting(self, requested_mm: float | None, width_x: float) -> int:
        """Return the nearest dots, or the most at which a symbol `width_x` wide is not wider than GS1 allows.

        `width_x` includes the quiet zones. Raises XDimensionOutOfRange, and SymbolTooWide where the symbol is
        too wide at the table's least X for such symbols.
        Source: GS1 General Specifications, 5.4.4.3 (165.10 mm), 5.12.3 (least X-dimension of GS1-128).

        >>> WholeDots(SymbolKind.GS1_128, Environment.RETAIL, 300).fitting(None, 400)
        4
        """
        dots, size = self.nearest(requested_mm), self.size
        if size.max_width_mm is None:
            return dots
        fitting = min(dots, self.at_most(size.max_width_mm / width_x))
        least_mm = size.x_min_mm if size.x_reduced_mm is None else size.x_reduced_mm
        least = self.at_least(least_mm)
        if fitting < least:
            raise SymbolTooWide(
                f"The symbol is {width_x:g} X wide: within {size.max_width_mm:.2f} mm a printer of {self.dpi} dpi "
                f"has {fitting * self.dot_mm:.3f} mm for X, and the least is {least_mm:.3f} mm",
                value=round(width_x * least * self.dot_mm, 2),
                expected=f"at most {size.max_width_mm:.2f} mm at an X-dimension of {least_mm:.3f} mm or more",
            )
        return fitting

    def _dots(self, x_mm: float, rounded: Callable[[float], int]) -> int:
        return rounded(x_mm / self.dot_mm / self.units_per_x) * self.units_per_x
