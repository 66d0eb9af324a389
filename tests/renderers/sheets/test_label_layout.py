"""Layouts, measured independently: nothing may leave the label, overlap, or violate GS1's limits."""

import math
from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.errors import XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind, symbol_size
from renderers.sheets.bodies import MANY_ELEMENTS, breaks
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.label_layout import fitting_templates, solve
from renderers.sheets.sizing import HriElement, LabelNeeds, LineNeeds
from renderers.sheets.templates import TEMPLATES

QR, DATAMATRIX = SymbolKind.QR_CODE, SymbolKind.GS1_DATAMATRIX
RECTANGLE = SymbolKind.GS1_DATAMATRIX_RECTANGULAR
EAN_UPC = {SymbolKind.EAN_13, SymbolKind.EAN_8, SymbolKind.UPC_A, SymbolKind.UPC_E}
POINT_MM = 25.4 / 72
# The room of a line of text above and below its baseline, relative to its size.
ASCENT, DESCENT = 0.8, 0.2
DIE_MM = 0.8
EPSILON = 1e-6

# Advance widths of Helvetica, in em.
EM = {"(": 0.333, ")": 0.333} | dict.fromkeys("0123456789", 0.556)


def width_1pt_mm(text):
    return sum(EM.get(character, 0.667) for character in text) * POINT_MM


def elements(*texts):
    return tuple(
        HriElement(text[1:].partition(")")[0] if text[0] == "(" else "", width_1pt_mm(text)) for text in texts
    )


GTIN, EXPIRY, LOT, SERIAL = "(01)09506000134352", "(17)261231", "(10)ABC123", "(21)1234567890"
ROUND, NARROW, LOW = TEMPLATES["63up_1in_letter"], TEMPLATES["avery_5167"], TEMPLATES["avery_4731"]


def matrix(modules, *texts):
    return LabelNeeds(modules, modules, elements(*texts))


def named(name):
    """The name as the default design has it: above, and left out where there is no room."""
    return [LineNeeds(0, (width_1pt_mm(name),), optional=1)]


NEEDS = {
    QR: matrix(33, GTIN, EXPIRY, LOT),
    DATAMATRIX: matrix(22, GTIN, EXPIRY, LOT),
    RECTANGLE: LabelNeeds(36, 12, elements(GTIN, EXPIRY, LOT)),
    SymbolKind.UPC_E: LabelNeeds(51, None, elements("01234565")),
    SymbolKind.EAN_13: LabelNeeds(95, None, elements("9506000134352")),
    SymbolKind.EAN_8: LabelNeeds(67, None, elements("95060012")),
    SymbolKind.UPC_A: LabelNeeds(95, None, elements("614141000036")),
    SymbolKind.ITF_14: LabelNeeds(130.5, None, elements("15400141288763"), units_per_x=2),
    SymbolKind.GS1_128: LabelNeeds(189, None, elements(GTIN, LOT)),
}


def is_printable(template, x, y):
    """Say whether a point, from the label's centre, is at least the die tolerance inside its edge."""
    half_width, half_height = template.label_width_mm / 2 - DIE_MM, template.label_height_mm / 2 - DIE_MM
    if template.shape == "round":
        return math.hypot(x, y) <= half_width + EPSILON
    radius = max(template.corner_radius_mm - DIE_MM, 0)
    if abs(x) <= half_width - radius or abs(y) <= half_height - radius:
        return abs(x) <= half_width + EPSILON and abs(y) <= half_height + EPSILON
    return math.hypot(abs(x) - half_width + radius, abs(y) - half_height + radius) <= radius + EPSILON


def assert_sound(template, needs, environment, layout):
    """Assert all that a layout promises."""
    size = symbol_size(layout.kind, environment)
    dot = 25.4 / layout.dpi
    x_mm = layout.x_dots * dot
    assert layout.x_dimension_mm == pytest.approx(x_mm)
    assert (size.x_reduced_mm or size.x_min_mm) - EPSILON <= x_mm <= size.x_max_mm + EPSILON
    assert layout.x_dots % needs.units_per_x == 0
    assert isinstance(layout.box_left_dots, int)
    assert isinstance(layout.box_bottom_dots, int)

    left, bottom = layout.box_left_dots * dot, layout.box_bottom_dots * dot
    width = needs.width_x * x_mm
    if needs.height_x is None:
        height = layout.bar_height_dots * dot
        assert layout.box_height_x == pytest.approx(layout.bar_height_dots / layout.x_dots)
        nominal = size.height_at_mm(x_mm)
        assert min(nominal, max(5, 0.15 * width)) <= height <= nominal + dot
    else:
        height = needs.height_x * x_mm
        assert (layout.box_height_x, layout.bar_height_dots) == (needs.height_x, 0)
    if size.max_width_mm:
        assert width + (size.quiet_left_x + size.quiet_right_x) * x_mm <= size.max_width_mm + EPSILON
    quiet = (
        left - size.quiet_left_x * x_mm,
        bottom - size.quiet_bottom_x * x_mm - size.bearer_bar_x * x_mm,
        left + width + size.quiet_right_x * x_mm,
        bottom + height + size.quiet_top_x * x_mm + size.bearer_bar_x * x_mm,
    )
    assert layout.bearer_bar_dots == size.bearer_bar_x * layout.x_dots
    if layout.kind in EAN_UPC:  # the guard bars, in the middle of the label's width
        assert layout.guard_bar_dots == 5 * layout.x_dots
        assert is_printable(
            template, left - template.label_width_mm / 2, bottom - 5 * x_mm - template.label_height_mm / 2
        )

    assert_apart_on_the_label(template, [quiet, *map(text_box, lines_of(layout))])
    assert_text_is_whole(needs, layout)


def lines_of(layout):
    return [*layout.hri, *layout.lines]


def text_box(line):
    em = line.size_pt * POINT_MM
    assert line.size_pt in {4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8}
    bottom, top = line.baseline_mm - DESCENT * em, line.baseline_mm + ASCENT * em
    return line.left_mm, bottom, line.left_mm + line.width_mm, top


def assert_apart_on_the_label(template, boxes):
    for left, bottom, right, top in boxes:
        for x, y in product((left, right), (bottom, top)):
            assert is_printable(template, x - template.label_width_mm / 2, y - template.label_height_mm / 2)
    for one, other in combinations(boxes, 2):
        assert (
            one[0] >= other[2] - EPSILON
            or other[0] >= one[2] - EPSILON
            or one[1] >= other[3] - EPSILON
            or other[1] >= one[3] - EPSILON
        )


def assert_text_is_whole(needs, layout):
    """Assert that every element is there once, in order, on a line as wide as it says."""
    assert [ai for line in layout.hri for ai in line.ais] == [element.ai for element in needs.elements]
    rest = list(needs.elements)
    for line in layout.hri:
        mine, rest = rest[: len(line.ais)], rest[len(line.ais) :]
        assert line.width_mm == pytest.approx(sum(e.width_1pt_mm for e in mine) * line.size_pt)
    assert len({line.size_pt for line in layout.hri}) == 1
    baselines = [line.baseline_mm for line in layout.hri]
    assert baselines == sorted(baselines, reverse=True)


@pytest.mark.parametrize("kind", SymbolKind)
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_every_template_and_kind_is_sound_or_refused(template, kind):
    for dpi in (203, 300, 600):
        for environment in Environment:
            needs, around = NEEDS[kind], named("Oat drink, 1 litre")
            if fitting_templates(kind, needs, environment=environment, dpi=dpi, templates=[template]):
                layout = solve(template, kind, needs, around=around, environment=environment, dpi=dpi)
                assert_sound(template, needs, environment, layout)
            else:
                with pytest.raises(DoesNotFit) as raised:
                    solve(template, kind, needs, around=around, environment=environment, dpi=dpi)
                needed, available = raised.value.needed_mm, raised.value.available_mm
                assert needed[0] > available[0] or needed[1] > available[1]
                for width, height in (needed, available):
                    assert f"{width:.2f} x {height:.2f} mm" in str(raised.value)


def test_the_least_label_named_by_the_error_would_do():
    for template in (ROUND, NARROW, TEMPLATES["avery_5160"]):
        needs = matrix(57, GTIN, EXPIRY, LOT, SERIAL)
        with pytest.raises(DoesNotFit) as raised:
            solve(template, QR, needs)
        width, height = (length + 2 * DIE_MM for length in raised.value.needed_mm)
        enough = replace(template, label_width_mm=width + EPSILON, label_height_mm=height + EPSILON)
        assert_sound(enough, needs, Environment.RETAIL, solve(enough, QR, needs))
        assert height > template.label_height_mm


class TestKnownFigures:
    """What an earlier, independent solver found at 600 dpi for text in Helvetica."""

    def test_qr_code_on_a_round_inch_up_to_version_3_with_two_lines_at_4_pt(self):
        layout = solve(ROUND, QR, matrix(29, GTIN, LOT))
        assert layout.x_dots == 10
        assert [line.ais for line in layout.hri] == [("01",), ("10",)]
        # Half a point more than it found: the symbol may stand off the centre.
        assert layout.hri[0].size_pt == 4.5

    @pytest.mark.parametrize("modules", [33, 37])
    def test_qr_code_versions_4_and_5_are_refused_there(self, modules):
        with pytest.raises(DoesNotFit) as raised:
            solve(ROUND, QR, matrix(modules, GTIN))
        assert raised.value.available_mm == pytest.approx((23.8, 23.8))
        # The corners of the quiet zone alone leave the circle.
        assert math.hypot(modules + 8, modules + 8) * 10 * 25.4 / 600 > 23.8

    def test_data_matrix_on_a_round_inch_with_three_lines(self):
        layout = solve(ROUND, DATAMATRIX, matrix(22, GTIN, EXPIRY, LOT, SERIAL))
        assert layout.x_dimension_mm == pytest.approx(0.59, abs=0.003)
        assert [line.ais for line in layout.hri] == [("01",), ("17", "10"), ("21",)]

    def test_a_low_label_holds_data_matrix_22_with_text_beside_it(self):
        layout = solve(NARROW, DATAMATRIX, matrix(22, GTIN, EXPIRY, LOT))
        assert layout.hri[0].align == "left"
        assert layout.x_dots == 10
        # 24 modules just do, 26 do not; the smallest QR code does not either.
        assert solve(NARROW, DATAMATRIX, matrix(24, GTIN, EXPIRY, LOT)).x_dots == 10
        for kind, modules in ((DATAMATRIX, 26), (QR, 21)):
            with pytest.raises(DoesNotFit):
                solve(NARROW, kind, matrix(modules, GTIN, EXPIRY, LOT))

    def test_nothing_but_a_bare_gtin_fits_25_by_10_mm(self):
        for kind, modules in ((DATAMATRIX, 20), (DATAMATRIX, 22), (QR, 21)):
            with pytest.raises(DoesNotFit):
                solve(LOW, kind, matrix(modules, GTIN, EXPIRY, LOT))
        assert solve(LOW, DATAMATRIX, matrix(16, GTIN)).x_dots == 11


class TestXDimension:
    def test_is_the_largest_that_fits_and_at_most_gs1s_largest(self):
        roll = TEMPLATES["thermal_4x6in"]
        assert solve(roll, QR, NEEDS[QR]).x_dots == 23  # 0.974 mm of at most 0.990
        assert solve(roll, QR, NEEDS[QR], dpi=203).x_dots == 7

    @pytest.mark.parametrize(
        ("dpi", "requested", "dots"),
        [(600, 0.5, 12), (600, 0.396, 10), (203, 0.396, 4), (203, 0.99, 7), (300, 0.6, 7)],
    )
    def test_as_requested_in_the_nearest_whole_dots_within_the_limits(self, dpi, requested, dots):
        layout = solve(TEMPLATES["avery_5163"], QR, NEEDS[QR], dpi=dpi, module_size_mm=requested)
        assert layout.x_dots == dots
        assert 0.396 <= layout.x_dimension_mm <= 0.99

    def test_and_only_that(self):
        needs = matrix(29, GTIN, LOT)
        assert solve(ROUND, QR, needs, module_size_mm=0.42)
        with pytest.raises(DoesNotFit):
            solve(ROUND, QR, needs, module_size_mm=0.6)

    @pytest.mark.parametrize(("dpi", "requested"), [(600, 0.3), (600, 1.2), (600, math.nan), (20, None)])
    def test_outside_the_limits_or_between_dots_is_refused(self, dpi, requested):
        with pytest.raises(XDimensionOutOfRange):
            solve(TEMPLATES["avery_5163"], QR, NEEDS[QR], dpi=dpi, module_size_mm=requested)

    def test_wide_bars_of_itf_14_are_whole_dots(self):
        layout = solve(TEMPLATES["avery_5161"], SymbolKind.ITF_14, NEEDS[SymbolKind.ITF_14])
        assert layout.x_dots == 12  # 0.495 mm are 11.7 dots, and 11.5 or 12.5 would halve some

    def test_gs1_128_goes_below_the_table_only_where_it_would_not_fit(self):
        needs = NEEDS[SymbolKind.GS1_128]
        assert solve(TEMPLATES["avery_5161"], SymbolKind.GS1_128, needs).x_dimension_mm < 0.495
        layout = solve(TEMPLATES["avery_5160"], SymbolKind.GS1_128, needs)
        assert 0.25 <= layout.x_dimension_mm < 0.33
        with pytest.raises(DoesNotFit):
            solve(TEMPLATES["avery_5160"], SymbolKind.GS1_128, needs, module_size_mm=0.495)

    def test_no_gs1_128_is_wider_than_gs1_allows(self):
        wide = LabelNeeds(700, None, elements(GTIN))
        page = replace(TEMPLATES["thermal_4x6in"], label_width_mm=300, page_width_mm=300)
        with pytest.raises(DoesNotFit, match=r"165\.10") as raised:
            solve(page, SymbolKind.GS1_128, wide)
        assert raised.value.available_mm[0] == 165.1


class TestBars:
    def test_have_full_height_where_there_is_room(self):
        layout = solve(TEMPLATES["avery_5163"], SymbolKind.GS1_128, NEEDS[SymbolKind.GS1_128])
        assert layout.bar_height_dots * 25.4 / 600 == pytest.approx(31.75, abs=0.05)

    def test_keep_their_proportion_before_they_are_wide(self):
        layout = solve(TEMPLATES["avery_5160"], SymbolKind.EAN_13, NEEDS[SymbolKind.EAN_13])
        assert layout.x_dots == 7
        assert layout.bar_height_dots * 25.4 / 600 == pytest.approx(
            22.85 * layout.x_dimension_mm / 0.33, abs=0.05
        )

    def test_are_truncated_where_there_is_no_room_and_not_wider_than_the_target(self):
        layout = solve(TEMPLATES["avery_5167"], SymbolKind.EAN_8, NEEDS[SymbolKind.EAN_8])
        assert 5 <= layout.bar_height_dots * 25.4 / 600 < 10
        assert layout.x_dots == 8

    def test_stand_above_their_text(self):
        for kind in set(NEEDS) - {QR, DATAMATRIX, RECTANGLE}:
            layout = solve(TEMPLATES["avery_5164"], kind, NEEDS[kind])
            (line,) = layout.hri
            assert line.align == "centre"
            dot = 25.4 / 600
            assert line.baseline_mm + ASCENT * line.size_pt * POINT_MM <= layout.box_bottom_dots * dot
            middle = (layout.box_left_dots + layout.box_width_x * layout.x_dots / 2) * dot
            assert line.left_mm + line.width_mm / 2 == pytest.approx(middle, abs=dot)


class TestName:
    def test_stands_above_the_symbol_or_first_beside_it(self):
        below = solve(TEMPLATES["ol2681"], QR, matrix(33, GTIN, LOT), around=named("Oat drink"))
        assert below.lines[0].baseline_mm > below.box_bottom_dots * 25.4 / 600
        beside = solve(TEMPLATES["avery_5160"], QR, matrix(33, GTIN, LOT), around=named("Oat drink"))
        [name] = beside.lines
        assert name.left_mm == beside.hri[0].left_mm
        assert name.baseline_mm > beside.hri[0].baseline_mm
        assert (name.ais, name.number) == ((), 0)

    def test_may_cost_x_above_the_target_but_none_below_it(self):
        square = TEMPLATES["ol2681"]
        without, with_name = (
            solve(square, QR, matrix(37, GTIN, EXPIRY, LOT), around=around)
            for around in ([], named("Oat drink"))
        )
        assert with_name.lines
        assert 0.495 <= with_name.x_dimension_mm < without.x_dimension_mm
        assert with_name.hri[0].size_pt == without.hri[0].size_pt
        tight = TEMPLATES["63up_1in_square_letter"]
        without, with_name = (
            solve(tight, QR, matrix(37, GTIN, EXPIRY, LOT), around=around)
            for around in ([], named("Oat drink"))
        )
        assert with_name == without

    def test_is_dropped_rather_than_cut(self):
        assert not solve(TEMPLATES["avery_5160"], QR, matrix(33, GTIN), around=named("x" * 200)).lines


@st.composite
def needs_of(draw, kind):
    texts = draw(st.lists(st.floats(0.2, 8), min_size=1, max_size=5))
    units = 2 if kind is SymbolKind.ITF_14 else 1
    bars = draw(st.integers(40, 500))
    modules = draw(st.integers(10, 100))
    linear = kind not in {QR, DATAMATRIX, RECTANGLE}
    return LabelNeeds(
        bars / units if linear else modules,
        None if linear else draw(st.sampled_from([modules, max(8, modules // 2)])),
        tuple(HriElement(f"{index:02}", width) for index, width in enumerate(texts)),
        units,
    )


@given(st.data())
def test_any_layout_is_sound(data):
    kind = data.draw(st.sampled_from(SymbolKind))
    needs = data.draw(needs_of(kind))
    round_ = data.draw(st.booleans())
    width = data.draw(st.floats(1, 150))
    height = width if round_ else data.draw(st.floats(1, 150))
    template = replace(
        ROUND,
        shape="round" if round_ else "rectangle",
        label_width_mm=width,
        label_height_mm=height,
        corner_radius_mm=data.draw(st.floats(0, min(width, height) / 2)),
    )
    environment = data.draw(st.sampled_from(Environment))
    dpi = data.draw(st.sampled_from([203, 300, 600, 1200]))
    name = LineNeeds(0, (data.draw(st.floats(0.1, 20)),), optional=1)
    around = data.draw(st.sampled_from([[], [name]]))
    try:
        layout = solve(template, kind, needs, around=around, environment=environment, dpi=dpi)
    except DoesNotFit:
        assert fitting_templates(kind, needs, environment=environment, dpi=dpi, templates=[template]) == []
    else:
        assert_sound(template, needs, environment, layout)
        without = solve(template, kind, needs, environment=environment, dpi=dpi)
        # The name costs no text size, and X only down to the target.
        assert layout.hri[0].size_pt == without.hri[0].size_pt
        if layout.lines and layout.x_dots < without.x_dots:
            assert layout.x_dimension_mm >= symbol_size(kind, environment).x_target_mm - EPSILON


@given(st.integers(10, 80), st.floats(10, 60))
def test_a_larger_label_never_gets_a_smaller_symbol(modules, width):
    sizes = []
    for extra in (0, 3, 9):
        template = replace(TEMPLATES["ol2681"], label_width_mm=width + extra, label_height_mm=width + extra)
        try:
            sizes.append(solve(template, QR, matrix(modules, GTIN, LOT)).x_dots)
        except DoesNotFit:
            sizes.append(0)
    assert sizes == sorted(sizes)


def test_templates_that_would_do():
    names = fitting_templates(QR, matrix(37, GTIN, EXPIRY, LOT))
    assert "63up_1in_letter" not in names
    assert "63up_1in_square_letter" in names
    for name, template in TEMPLATES.items():
        if name in names:
            solve(template, QR, matrix(37, GTIN, EXPIRY, LOT))
        else:
            with pytest.raises(DoesNotFit):
                solve(template, QR, matrix(37, GTIN, EXPIRY, LOT))


def test_a_linear_symbol_has_human_readable_text():
    with pytest.raises(ValueError, match="human-readable"):
        LabelNeeds(95, None, ())


@pytest.mark.parametrize("count", [1, 4, 5, 6, 10])
def test_many_elements_are_broken_in_few_ways_of_each_number_of_lines(count: int) -> None:
    elements = tuple(HriElement(str(number), 1 + number % 3) for number in range(count))
    ways = breaks(elements)
    counts = [len(way) for way in ways]
    assert counts == sorted(counts)
    assert set(counts) == set(range(1, count + 1))
    assert len(ways) == 2 ** (count - 1) if count <= MANY_ELEMENTS else len(ways) <= 4 * count
    assert all([ai for ais, _ in way for ai in ais] == [element.ai for element in elements] for way in ways)
    # What is left out of a number of lines is no narrower than what is kept.
    widest = {
        lines: max(width for _, width in next(way for way in ways if len(way) == lines))
        for lines in {*counts}
    }
    assert list(widest.values()) == sorted(widest.values(), reverse=True)
