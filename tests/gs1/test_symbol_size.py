"""The symbol specification tables."""

import math

import pytest

from gs1.errors import SymbolTooWide, XDimensionOutOfRange
from gs1.symbol_size import (
    SYMBOL_SIZES,
    Environment,
    SymbolKind,
    fitting_x_dimension_mm,
    symbol_size,
    x_dimension_mm,
)

# Typed off the symbol specification tables, one line a symbol and environment: X minimum, target and maximum in
# millimetres, height in millimetres at the target X, quiet zones left, right, above and below in X.
TABLES = """
retail       ean_13         0.264 0.330 0.660 22.85 11  7 0 0
retail       ean_8          0.264 0.330 0.660 18.23  7  7 0 0
retail       upc_a          0.264 0.330 0.660 22.85  9  9 0 0
retail       itf_14         0.495 0.495 1.016 31.75 10 10 0 0
retail       gs1_128        0.495 0.495 1.016 31.75 10 10 0 0
retail       qr_code        0.396 0.495 0.990 -      4  4 4 4
retail       gs1_datamatrix 0.396 0.495 0.990 -      1  1 1 1
retail       upc_e          0.264 0.330 0.660 22.85  9  7 0 0
retail       gs1_datamatrix_rectangular 0.396 0.495 0.990 -      1  1 1 1
distribution ean_13         0.495 0.660 0.660 45.70 11  7 0 0
distribution ean_8          0.495 0.660 0.660 36.46  7  7 0 0
distribution upc_a          0.495 0.660 0.660 45.70  9  9 0 0
distribution itf_14         0.495 0.495 1.016 31.75 10 10 0 0
distribution gs1_128        0.495 0.495 1.016 31.75 10 10 0 0
distribution qr_code        0.743 0.743 1.500 -      4  4 4 4
distribution gs1_datamatrix 0.743 0.743 1.500 -      1  1 1 1
distribution upc_e          0.495 0.660 0.660 45.70  9  7 0 0
distribution gs1_datamatrix_rectangular 0.743 0.743 1.500 -      1  1 1 1
healthcare   ean_13         0.264 0.330 0.660 22.85 11  7 0 0
healthcare   ean_8          0.264 0.330 0.660 18.23  7  7 0 0
healthcare   upc_a          0.264 0.330 0.660 22.85  9  9 0 0
healthcare   itf_14         0.264 0.330 0.660 12.70 10 10 0 0
healthcare   gs1_128        0.264 0.330 0.660 12.70 10 10 0 0
healthcare   qr_code        0.396 0.495 0.990 -      4  4 4 4
healthcare   gs1_datamatrix 0.254 0.380 0.990 -      1  1 1 1
healthcare   upc_e          0.264 0.330 0.660 22.85  9  7 0 0
healthcare   gs1_datamatrix_rectangular 0.254 0.380 0.990 -      1  1 1 1
"""

ROWS = [(kind, environment) for environment in Environment for kind in SymbolKind]

MATRIX_SYMBOLS = {SymbolKind.QR_CODE, SymbolKind.GS1_DATAMATRIX, SymbolKind.GS1_DATAMATRIX_RECTANGULAR}
EAN_UPC = {SymbolKind.EAN_13, SymbolKind.EAN_8, SymbolKind.UPC_A, SymbolKind.UPC_E}


@pytest.mark.parametrize(("kind", "environment"), ROWS)
def test_every_table_is_whole_and_coherent(kind, environment):
    assert set(SYMBOL_SIZES[environment]) == set(SymbolKind)
    size = symbol_size(kind, environment)
    assert 0 < size.x_min_mm <= size.x_target_mm <= size.x_max_mm
    assert (size.height_mm is None) == (kind in MATRIX_SYMBOLS)
    assert min(size.quiet_left_x, size.quiet_right_x) >= 1
    assert size.x_reduced_mm is None or size.x_reduced_mm < size.x_min_mm


def test_every_value_is_the_published_one():
    lines = [line.split() for line in TABLES.split("\n") if line]
    assert {(line[1], line[0]) for line in lines} == set(ROWS)
    assert len(lines) == len(ROWS)
    for environment, kind, *values in lines:
        size = symbol_size(SymbolKind(kind), Environment(environment))
        assert [
            size.x_min_mm, size.x_target_mm, size.x_max_mm, size.height_mm,
            size.quiet_left_x, size.quiet_right_x, size.quiet_top_x, size.quiet_bottom_x,
        ] == [None if value == "-" else float(value) for value in values], (environment, kind)  # fmt: skip


@pytest.mark.parametrize(("kind", "environment"), ROWS)
def test_what_holds_for_one_symbology_in_every_environment(kind, environment):
    size = symbol_size(kind, environment)
    is_128, is_itf = kind is SymbolKind.GS1_128, kind is SymbolKind.ITF_14
    assert size.height_follows_x == (kind in EAN_UPC)
    assert (size.x_reduced_mm, size.max_width_mm, size.max_data_characters) == (
        (0.250, 165.10, 48) if is_128 else (None, None, None)
    )
    assert (size.bearer_bar_x, size.wide_to_narrow) == ((2, 2.5) if is_itf else (0, None))


@pytest.mark.parametrize(
    ("requested", "width_x", "x_mm"),
    [
        (None, 333, 0.495),
        (None, 333.5353, 0.495),
        (None, 334, 0.494),
        (0.5, 330, 0.5),
        (0.5, 330.2, 0.5),
        (0.5, 331, 0.498),
        (None, 660, 0.250),
        (None, 660.4, 0.250),
    ],
)
def test_a_gs1_128_is_165_mm_wide_at_most(requested, width_x, x_mm):
    assert fitting_x_dimension_mm(SymbolKind.GS1_128, Environment.RETAIL, requested, width_x) == x_mm


def test_a_gs1_128_that_would_be_wider_at_the_least_x_is_refused():
    with pytest.raises(SymbolTooWide):
        fitting_x_dimension_mm(SymbolKind.GS1_128, Environment.RETAIL, None, 660.5)


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


def test_matrix_symbols_have_no_height_of_their_own():
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
