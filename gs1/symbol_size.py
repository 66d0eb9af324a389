"""Printed size of symbols: X-dimension, height and quiet zone, by symbol and scanning environment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from gs1.errors import SymbolTooWide, XDimensionOutOfRange


class SymbolKind(StrEnum):
    """A barcode symbology in the form that GS1 allows."""

    QR_CODE = "qr_code"
    GS1_DATAMATRIX = "gs1_datamatrix"
    EAN_13 = "ean_13"
    EAN_8 = "ean_8"
    UPC_A = "upc_a"
    ITF_14 = "itf_14"
    GS1_128 = "gs1_128"
    UPC_E = "upc_e"
    GS1_DATAMATRIX_RECTANGULAR = "gs1_datamatrix_rectangular"


class Environment(StrEnum):
    """Where the symbol is scanned; this determines the symbol specification table."""

    RETAIL = "retail"
    DISTRIBUTION = "distribution"
    HEALTHCARE = "healthcare"


@dataclass(frozen=True, slots=True)
class SymbolSize:
    """One row of a symbol specification table. Lengths in millimetres, or in X where the name says so.

    `height_mm` is the height of the bars at the target X, None for matrix symbols; with
    `height_follows_x` it grows with X, else it is the same for every X. `x_reduced_mm` is the least X for
    symbols that would otherwise not fit their label. `bearer_bar_x` is the least thickness of the bars above and
    below. `wide_to_narrow` is the target ratio of wide to narrow elements.
    """

    x_min_mm: float
    x_target_mm: float
    x_max_mm: float
    height_mm: float | None
    quiet_left_x: int
    quiet_right_x: int
    quiet_top_x: int = 0
    quiet_bottom_x: int = 0
    height_follows_x: bool = False
    x_reduced_mm: float | None = None
    max_width_mm: float | None = None
    max_data_characters: int | None = None
    bearer_bar_x: int = 0
    wide_to_narrow: float | None = None

    def height_at_mm(self, x_mm: float) -> float | None:
        """Return the height of the bars at this X, in millimetres; None for matrix symbols."""
        if self.height_mm is None or not self.height_follows_x:
            return self.height_mm
        return self.height_mm * x_mm / self.x_target_mm


def _matrix(x_min_mm: float, x_target_mm: float, x_max_mm: float, quiet_x: int) -> SymbolSize:
    return SymbolSize(x_min_mm, x_target_mm, x_max_mm, None, quiet_x, quiet_x, quiet_x, quiet_x)


# Source of everything below: GS1 General Specifications, 5.12.3, symbol specification tables; quiet zones
# 5.2.3.4 (EAN/UPC), 5.3.2.2 (ITF-14), 5.4.4.2 (GS1-128); ISO/IEC 18004 (QR Code), ISO/IEC 16022 (Data Matrix).

# Table 1, and addendum 2 to it for the matrix symbols: trade items scanned at a general retail point of sale.
# Linear symbols that no retail scanner reads, ITF-14 and GS1-128, are as in table 2.
_RETAIL: dict[SymbolKind, SymbolSize] = {
    SymbolKind.EAN_13: SymbolSize(0.264, 0.330, 0.660, 22.85, 11, 7, height_follows_x=True),
    SymbolKind.EAN_8: SymbolSize(0.264, 0.330, 0.660, 18.23, 7, 7, height_follows_x=True),
    SymbolKind.UPC_A: SymbolSize(0.264, 0.330, 0.660, 22.85, 9, 9, height_follows_x=True),
    SymbolKind.UPC_E: SymbolSize(0.264, 0.330, 0.660, 22.85, 9, 7, height_follows_x=True),
    # Wide to narrow may be 2.25 to 3.0 (5.3.2.3); 4.83 mm of bearer bar where it is printed from plates.
    SymbolKind.ITF_14: SymbolSize(0.495, 0.495, 1.016, 31.75, 10, 10, bearer_bar_x=2, wide_to_narrow=2.5),
    # 5.4.4.3: at most 165.10 mm with quiet zones, and 48 characters of data without the first FNC1.
    SymbolKind.GS1_128: SymbolSize(
        0.495, 0.495, 1.016, 31.75, 10, 10,
        x_reduced_mm=0.250, max_width_mm=165.10, max_data_characters=48,
    ),
    SymbolKind.QR_CODE: _matrix(0.396, 0.495, 0.990, 4),
    SymbolKind.GS1_DATAMATRIX: _matrix(0.396, 0.495, 0.990, 1),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: _matrix(0.396, 0.495, 0.990, 1),
}  # fmt: skip

# Table 2: trade items scanned in general distribution. Matrix symbols take 1.5 times the X of linear ones.
_DISTRIBUTION: dict[SymbolKind, SymbolSize] = {
    SymbolKind.EAN_13: SymbolSize(0.495, 0.660, 0.660, 45.70, 11, 7, height_follows_x=True),
    SymbolKind.EAN_8: SymbolSize(0.495, 0.660, 0.660, 36.46, 7, 7, height_follows_x=True),
    SymbolKind.UPC_A: SymbolSize(0.495, 0.660, 0.660, 45.70, 9, 9, height_follows_x=True),
    SymbolKind.UPC_E: SymbolSize(0.495, 0.660, 0.660, 45.70, 9, 7, height_follows_x=True),
    SymbolKind.ITF_14: _RETAIL[SymbolKind.ITF_14],
    SymbolKind.GS1_128: _RETAIL[SymbolKind.GS1_128],
    SymbolKind.QR_CODE: _matrix(0.743, 0.743, 1.500, 4),
    SymbolKind.GS1_DATAMATRIX: _matrix(0.743, 0.743, 1.500, 1),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: _matrix(0.743, 0.743, 1.500, 1),
}

# Tables 6 and 10: regulated healthcare trade items not scanned in general distribution. EAN/UPC and QR Code
# are as in retail; linear symbols for small packs may be low and narrow, GS1 DataMatrix smaller still.
_HEALTHCARE: dict[SymbolKind, SymbolSize] = {
    **_RETAIL,
    SymbolKind.ITF_14: replace(
        _RETAIL[SymbolKind.ITF_14], x_min_mm=0.264, x_target_mm=0.330, x_max_mm=0.660, height_mm=12.70
    ),
    SymbolKind.GS1_128: replace(
        _RETAIL[SymbolKind.GS1_128], x_min_mm=0.264, x_target_mm=0.330, x_max_mm=0.660, height_mm=12.70
    ),
    SymbolKind.GS1_DATAMATRIX: _matrix(0.254, 0.380, 0.990, 1),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: _matrix(0.254, 0.380, 0.990, 1),
}

SYMBOL_SIZES: Mapping[Environment, Mapping[SymbolKind, SymbolSize]] = MappingProxyType(
    {
        Environment.RETAIL: MappingProxyType(_RETAIL),
        Environment.DISTRIBUTION: MappingProxyType(_DISTRIBUTION),
        Environment.HEALTHCARE: MappingProxyType(_HEALTHCARE),
    }
)


def symbol_size(kind: SymbolKind, environment: Environment = Environment.RETAIL) -> SymbolSize:
    """Return the row of the environment's symbol specification table for this symbol.

    >>> symbol_size(SymbolKind.EAN_13).quiet_left_x
    11
    """
    return SYMBOL_SIZES[environment][kind]


def x_dimension_mm(kind: SymbolKind, environment: Environment, requested: float | None) -> float:
    """Return the X-dimension in millimetres: the requested one, or the table's target if it is None.

    Raises XDimensionOutOfRange outside the table's minimum and maximum, both allowed.

    >>> x_dimension_mm(SymbolKind.QR_CODE, Environment.RETAIL, None)
    0.495
    """
    size = symbol_size(kind, environment)
    if requested is None:
        return size.x_target_mm
    # Written so that NaN, which compares false with everything, is refused.
    if not size.x_min_mm <= requested <= size.x_max_mm:
        raise XDimensionOutOfRange(
            f"An X-dimension of {requested:g} mm is outside {size.x_min_mm:.3f} to {size.x_max_mm:.3f} mm "
            f"for {kind} in {environment}",
            value=requested,
            expected=f"{size.x_min_mm:.3f} to {size.x_max_mm:.3f} mm",
            field="module_size_mm",
        )
    return requested


def fitting_x_dimension_mm(
    kind: SymbolKind, environment: Environment, requested: float | None, width_x: float
) -> float:
    """Return the X-dimension for a symbol `width_x` wide, its quiet zones included.

    It is that of `x_dimension_mm`. If the symbol would then be wider than its table allows, it is the largest
    X in whole micrometres at which the symbol is not too wide. Raises XDimensionOutOfRange, and SymbolTooWide
    if X would be less than the table's least X for such symbols.
    Source: GS1 General Specifications, 5.4.4.3 (165.10 mm), 5.12.3 (least X-dimension of GS1-128).

    >>> fitting_x_dimension_mm(SymbolKind.GS1_128, Environment.RETAIL, None, 400)
    0.412
    """
    x_mm = x_dimension_mm(kind, environment, requested)
    size = symbol_size(kind, environment)
    if size.max_width_mm is None or x_mm * width_x <= size.max_width_mm:
        return x_mm
    reduced = math.floor(size.max_width_mm / width_x * 1000) / 1000
    least = size.x_min_mm if size.x_reduced_mm is None else size.x_reduced_mm
    if reduced < least:
        raise SymbolTooWide(
            f"The symbol is {width_x:g} X wide: it would take an X-dimension of {reduced:.3f} mm to stay "
            f"within {size.max_width_mm:.2f} mm, and the least is {least:.3f} mm",
            value=round(width_x * least, 2),
            expected=f"at most {size.max_width_mm:.2f} mm at an X-dimension of {least:.3f} mm",
        )
    return reduced
