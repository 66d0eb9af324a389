"""Human-readable text: complete, legible, with line breaks only between elements."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.cset82 import CSET_82
from renderers.symbol import Drawing, HriZone, QuietZone
from renderers.writers import hri, svg

from .conftest import bars, captions

GTIN = "(01)09506000134352"


def lines(elements: Sequence[str], setting: hri.Setting) -> list[str]:
    text = "".join(elements)
    return [text[start:stop] for start, stop in setting.lines]


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ([GTIN, "(17)271231", "(10)AB"], "between elements"),
        ([GTIN, "(10)A(21)B"], "a lot that looks like a lot and a serial"),
        ([GTIN, "(10)A", "(21)B"], "a lot and a serial"),
        ([GTIN, "(10)(21)", "(21)(10)"], "values that look like AIs"),
        ([GTIN, "(235)TP(17)", "(10)("], "a parenthesis alone"),
        (["10614141000415"], "bare digits have no break"),
        ([""], "nothing"),
    ],
)
@pytest.mark.parametrize("linear", [True, False])
def test_text_is_broken_between_elements_and_nowhere_else(
    elements: list[str], reason: str, linear: bool
) -> None:
    assert lines(elements, hri.fit(elements, 1, 0.495, linear=linear)) == elements, reason
    assert lines(elements, hri.fit(elements, 1000, 0.495, linear=linear)) == ["".join(elements)], reason


@given(
    st.lists(st.text(sorted(CSET_82), min_size=1, max_size=20), min_size=1, max_size=4),
    st.floats(10, 400),
    st.booleans(),
)
def test_text_is_whole_and_in_its_room(elements: list[str], room_x: float, linear: bool) -> None:
    setting = hri.fit(elements, room_x, 0.495, linear=linear)
    broken = lines(elements, setting)
    assert broken in (["".join(elements)], elements)
    assert setting.width_x >= room_x
    for line in broken:
        assert hri.advance(line) * setting.em_x / 1000 <= setting.width_x
    # Capitals are never lower than a millimetre and a quarter.
    assert setting.em_x * 0.668 * 0.495 >= 1.25


def test_one_line_as_long_as_it_is_legible() -> None:
    elements = [GTIN, "(17)271231"]
    full, small, broken, wide = (hri.fit(elements, room, 0.5, linear=True) for room in (400, 80, 50, 20))
    assert (full.em_x * 0.668 * 0.5, len(full.lines)) == (pytest.approx(3.0), 1)
    assert (small.em_x < full.em_x, len(small.lines)) == (True, 1)
    assert (len(broken.lines), broken.width_x) == (2, 50)
    assert (len(wide.lines), wide.width_x > 20) == (2, True)


def test_digits_stand_in_their_places() -> None:
    zones = (HriZone(0, 1, -7, 7), HriZone(1, 3, 3, 14, size=0.5))
    first, second = hri.in_zones(zones, 11, 70)
    assert (first.centre_x, second.centre_x) == (11 - 3.5, 11 + 10)
    assert first.baseline_x == second.baseline_x
    assert second.em_x == first.em_x / 2
    # A cell of 7 X, in the run's own units.
    assert second.pitch is not None
    assert second.pitch * second.em_x * second.stretch / 1000 == pytest.approx(7, rel=1e-3)


def test_digits_need_their_quiet_zone() -> None:
    symbols = bars([[1, 1, 1]], zones=(HriZone(0, 1, -7, 7),))
    with pytest.raises(ValueError, match="quiet zone"):
        svg.write(symbols, Drawing(0.33, QuietZone(5, 5), bar_height_mm=20, hri=True), captions(["1"]))


def test_bars_need_a_height() -> None:
    with pytest.raises(ValueError, match="height"):
        svg.write(bars([[1, 1, 1]]), Drawing(0.33, QuietZone(5, 5)), captions(["1"]))


def test_no_symbol_has_guard_bars_and_bearer_bars() -> None:
    drawing = Drawing(0.33, QuietZone(5, 5), bar_height_mm=20, bearer_bar_x=2)
    with pytest.raises(ValueError, match="both"):
        svg.write(bars([[1, 1, 1]], guards=(0,)), drawing, captions(["1"]))
