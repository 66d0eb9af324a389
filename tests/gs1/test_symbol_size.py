"""The symbol specification tables."""

import math

import pytest

from gs1.errors import XDimensionOutOfRange
from gs1.symbol_size import SYMBOL_SIZES, Environment, SymbolKind, symbol_size, x_dimension_mm

ROWS = [(kind, environment) for environment in Environment for kind in SymbolKind]


@pytest.mark.parametrize(("kind", "environment"), ROWS)
def test_every_table_is_whole_and_coherent(kind, environment):
    assert set(SYMBOL_SIZES[environment]) == set(SymbolKind)
    size = symbol_size(kind, environment)
    assert 0 < size.x_min_mm <= size.x_target_mm <= size.x_max_mm
    assert (size.height_mm is None) == (kind in {SymbolKind.QR_CODE, SymbolKind.GS1_DATAMATRIX})
    assert min(size.quiet_left_x, size.quiet_right_x) >= 1
    assert size.x_reduced_mm is None or size.x_reduced_mm < size.x_min_mm


@pytest.mark.parametrize(
    ("kind", "x_mm", "height_mm"),
    [
        (SymbolKind.EAN_13, 0.264, 18.28),
        (SymbolKind.EAN_13, 0.660, 45.70),
        (SymbolKind.EAN_8, 0.264, 14.58),
        (SymbolKind.UPC_A, 0.330, 22.85),
        (SymbolKind.ITF_14, 1.016, 31.75),
    ],
)
def test_published_heights(kind, x_mm, height_mm):
    assert symbol_size(kind).height_at_mm(x_mm) == pytest.approx(height_mm, abs=0.006)


def test_matrix_symbols_are_square():
    assert symbol_size(SymbolKind.QR_CODE).height_at_mm(0.5) is None


@pytest.mark.parametrize(("kind", "environment"), ROWS)
def test_x_dimension(kind, environment):
    size = symbol_size(kind, environment)
    assert x_dimension_mm(kind, environment, None) == size.x_target_mm
    for allowed in (size.x_min_mm, size.x_target_mm, size.x_max_mm):
        assert x_dimension_mm(kind, environment, allowed) == allowed
    for outside in (size.x_min_mm - 0.001, size.x_max_mm + 0.001, 0.0, -1.0, math.nan, math.inf):
        with pytest.raises(XDimensionOutOfRange) as error:
            x_dimension_mm(kind, environment, outside)
        assert error.value.field == "module_size_mm"
