"""X in whole printer dots: within GS1's limits at every resolution, or an error."""

import pytest

from gs1.errors import SymbolTooWide, XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind, symbol_size
from renderers.whole_dots import WholeDots

RETAIL, DISTRIBUTION, HEALTHCARE = Environment


@pytest.mark.parametrize(
    ("kind", "environment", "dpi", "requested_mm", "dots", "reason"),
    [
        (SymbolKind.QR_CODE, RETAIL, 203, 0.396, 4, "3 dots are 0.375 mm: below the minimum"),
        (SymbolKind.QR_CODE, RETAIL, 203, None, 4, "0.495 mm is 3.96 dots"),
        (SymbolKind.QR_CODE, RETAIL, 203, 0.990, 7, "8 dots are 1.001 mm: above the maximum"),
        (SymbolKind.QR_CODE, RETAIL, 600, None, 12, "0.495 mm is 11.69 dots"),
        (SymbolKind.EAN_13, RETAIL, 203, None, 3, "0.330 mm is 2.64 dots"),
        (SymbolKind.EAN_13, RETAIL, 300, None, 4, "0.330 mm is 3.90 dots"),
        (SymbolKind.ITF_14, RETAIL, 203, None, 4, "0.495 mm is the target and the minimum"),
        (SymbolKind.QR_CODE, DISTRIBUTION, 203, None, 6, "0.743 mm is 5.94 dots"),
        (SymbolKind.QR_CODE, DISTRIBUTION, 300, None, 9, "0.743 mm is 8.78 dots"),
        (SymbolKind.GS1_DATAMATRIX, HEALTHCARE, 203, 0.254, 3, "2 dots are 0.2502 mm: below the minimum"),
        (SymbolKind.GS1_DATAMATRIX, HEALTHCARE, 100, 0.254, 1, "1 dot is 0.254 mm: the minimum itself"),
    ],
)
def test_the_nearest_dots_within_the_limits(kind, environment, dpi, requested_mm, dots, reason):
    assert WholeDots(kind, environment, dpi).nearest(requested_mm) == dots, reason


@pytest.mark.parametrize("units_per_x", [1, 2])
@pytest.mark.parametrize("environment", Environment)
@pytest.mark.parametrize("kind", SymbolKind)
def test_no_resolution_leads_out_of_the_limits(kind, environment, units_per_x):
    size = symbol_size(kind, environment)
    for dpi in (*range(72, 320), *range(320, 2401, 40)):
        dots = WholeDots(kind, environment, dpi, units_per_x)
        multiples = range(0, 200, units_per_x)
        allowed = [n for n in multiples if size.x_min_mm <= round(n * 25.4 / dpi, 12) <= size.x_max_mm]
        if not allowed:
            with pytest.raises(XDimensionOutOfRange) as error:
                dots.nearest(None)
            assert (error.value.field, error.value.value) == ("dpi", dpi)
            continue
        assert dots.limits() == (allowed[0], allowed[-1])
        nearest = min(allowed, key=lambda n: abs(n * 25.4 / dpi - size.x_target_mm))
        assert abs(dots.nearest(None) - nearest) <= units_per_x
        assert dots.nearest(None) in allowed


def test_a_resolution_that_has_no_dots_is_refused():
    with pytest.raises(XDimensionOutOfRange, match=r"72 dpi has no whole dots within 0\.495 to 0\.660 mm"):
        WholeDots(SymbolKind.EAN_13, DISTRIBUTION, 72).limits()


@pytest.mark.parametrize(
    ("dpi", "width_x", "dots", "reason"),
    [
        (300, 334, 5, "0.495 mm is 5.85 dots, and 6 dots are 0.508 mm: 169.7 mm"),
        (300, 325, 6, "165.1 mm exactly"),
        (300, 326, 5, "165.6 mm at 6 dots"),
        (203, 659, 2, "0.2502 mm: 164.9 mm"),
    ],
)
def test_wide_symbols_get_fewer_dots(dpi, width_x, dots, reason):
    assert WholeDots(SymbolKind.GS1_128, RETAIL, dpi).fitting(None, width_x) == dots, reason


@pytest.mark.parametrize(
    ("dpi", "width_x", "reason"),
    [
        (203, 660, "165.2 mm at 2 dots, the fewest that are at least 0.250 mm"),
        (300, 651, "165.4 mm at 3 dots, which are 0.254 mm"),
        (72, 500, "176.4 mm at one dot"),
    ],
)
def test_symbols_that_no_dots_can_hold(dpi, width_x, reason):
    dots = WholeDots(SymbolKind.GS1_128, RETAIL, dpi)
    with pytest.raises(SymbolTooWide):
        dots.fitting(None, width_x)
    assert dots.fitting(None, width_x - (1 if dpi > 72 else 33)) == dots.at_least(0.250), reason
