"""Layouts of designs and of two symbols, measured independently: nothing leaves the label, overlaps, or comes too near."""

import math
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gs1.symbol_size import Environment, SymbolKind, symbol_size
from renderers.sheets.bodies import OneSymbol, TwoSymbols
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.label_layout import fits, solve_label
from renderers.sheets.sizing import HriElement, LabelNeeds, LineNeeds, LogoNeeds, Sizing
from renderers.sheets.templates import TEMPLATES
from tests.renderers.sheets.test_label_layout import EPSILON, NEEDS, POINT_MM, is_printable, width_1pt_mm

LINEAR = [SymbolKind.EAN_13, SymbolKind.EAN_8, SymbolKind.UPC_A, SymbolKind.ITF_14, SymbolKind.GS1_128]
MATRIX = [SymbolKind.QR_CODE, SymbolKind.GS1_DATAMATRIX]
RETAIL = Environment.RETAIL
PAGE, SHELF = TEMPLATES["thermal_4x6in"], TEMPLATES["avery_5163"]


def sizing(kind, dpi=600, environment=RETAIL, needs=None):
    return Sizing(kind, needs or NEEDS[kind], environment, dpi)


def pair(matrix, linear, dpi=600, environment=RETAIL):
    return TwoSymbols(sizing(matrix, dpi, environment), sizing(linear, dpi, environment))


def line(number, text, **members):
    return LineNeeds(number, (width_1pt_mm(text),), **members)


def quiet_box(layout, environment=RETAIL):
    """What must be free of anything else: left, bottom, right, top, in millimetres."""
    size, dot = symbol_size(layout.kind, environment), 25.4 / layout.dpi
    x_mm = layout.x_dots * dot
    left, bottom = layout.box_left_dots * dot, layout.box_bottom_dots * dot
    width = math.ceil(layout.box_width_x * layout.x_dots) * dot
    height = layout.box_height_x * x_mm
    bearer, guard = layout.bearer_bar_dots * dot, layout.guard_bar_dots * dot
    return (
        left - size.quiet_left_x * x_mm,
        bottom - size.quiet_bottom_x * x_mm - max(bearer, guard),
        left + width + size.quiet_right_x * x_mm,
        bottom + height + size.quiet_top_x * x_mm + bearer,
    )


def text_box(text):
    em = text.size_pt * POINT_MM
    return (
        text.left_mm,
        text.baseline_mm - 0.2 * em,
        text.left_mm + text.width_mm,
        text.baseline_mm + 0.8 * em,
    )


def logo_box(logo, dpi):
    dot = 25.4 / dpi
    left, bottom = logo.left_dots * dot, logo.bottom_dots * dot
    return left, bottom, left + logo.width_dots * dot, bottom + logo.height_dots * dot


def apart(one, other):
    return (
        one[0] >= other[2] - EPSILON or other[0] >= one[2] - EPSILON
        or one[1] >= other[3] - EPSILON or other[1] >= one[3] - EPSILON
    )  # fmt: skip


def assert_sound(template, layouts, environment=RETAIL):
    symbols = [quiet_box(layout, environment) for layout in layouts]
    # Digits of EAN/UPC stand between the guard bars: their own line is part of the symbol.
    own = [text for layout in layouts if not layout.guard_bar_dots for text in layout.hri]
    digits = [text_box(text) for layout in layouts if layout.guard_bar_dots for text in layout.hri]
    others = [text_box(text) for text in (*own, *(text for layout in layouts for text in layout.lines))]
    others += [logo_box(layout.logo, layout.dpi) for layout in layouts if layout.logo]
    for left, bottom, right, top in (*symbols, *digits, *others):
        for x in (left, right):
            for y in (bottom, top):
                assert is_printable(
                    template, x - template.label_width_mm / 2, y - template.label_height_mm / 2
                )
    for one, other in combinations([*symbols, *others], 2):
        assert apart(one, other)
    for box in digits:
        matrix = symbols[0] if len(symbols) == 2 else None
        for other in (*others, *([matrix] if matrix else [])):
            assert apart(box, other)


def reach_mm(layouts):
    """How far the matrix symbol reaches from the centre of the linear one."""
    matrix, linear = layouts
    dot = 25.4 / matrix.dpi
    x = linear.box_left_dots + linear.box_width_x * linear.x_dots / 2
    y = linear.box_bottom_dots + linear.bar_height_dots / 2
    side = matrix.box_width_x * matrix.x_dots
    return max(
        math.hypot(matrix.box_left_dots + across - x, matrix.box_bottom_dots + up - y) * dot
        for across in (0, side)
        for up in (0, side)
    )


@pytest.mark.parametrize("linear", LINEAR)
@pytest.mark.parametrize("matrix", MATRIX)
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_two_symbols_on_every_template_are_sound_or_refused(template, matrix, linear):
    name = [line(0, "Oat drink, 1 litre", optional=1)]
    for dpi in (203, 300, 600):
        body = pair(matrix, linear, dpi)
        if not fits(template, body, name):
            with pytest.raises(DoesNotFit) as refused:
                solve_label(template, body, name)
            needed, available = refused.value.needed_mm, refused.value.available_mm
            assert needed[0] > available[0] or needed[1] > available[1]
            continue
        layouts = solve_label(template, body, name)
        assert [(each.kind, each.partner) for each in layouts] == [(matrix, linear), (linear, matrix)]
        assert_sound(template, layouts)
        assert reach_mm(layouts) <= 50


def test_the_label_that_the_error_asks_for_is_large_enough():
    body = pair(SymbolKind.QR_CODE, SymbolKind.GS1_128)
    lines = [line(0, "LOT ABC123"), line(1, "EXP 31 MAR 2027")]
    small = TEMPLATES["avery_5167"]
    with pytest.raises(DoesNotFit, match=r"qr_code and gs1_128 .* what its design needs") as refused:
        solve_label(small, body, lines)
    width, height = (length + 1.6 for length in refused.value.needed_mm)
    enough = replace(small, label_width_mm=width, label_height_mm=height)
    assert_sound(enough, solve_label(enough, body, lines))
    for less in ({"label_width_mm": width - 0.2}, {"label_height_mm": height - 0.2}):
        with pytest.raises(DoesNotFit):
            solve_label(replace(enough, **less), body, lines)


def test_lines_that_must_be_there_are_large_before_x_exceeds_its_target():
    lines = [line(number, f"LINE {number} OF THE DESIGN") for number in range(6)]
    crowded = replace(PAGE, label_width_mm=40, label_height_mm=40)
    [layout] = solve_label(crowded, OneSymbol(sizing(SymbolKind.QR_CODE)), lines)
    [roomy] = solve_label(PAGE, OneSymbol(sizing(SymbolKind.QR_CODE)), lines)
    target = symbol_size(SymbolKind.QR_CODE).x_target_mm
    assert {text.size_pt for text in roomy.lines} == {8}
    assert roomy.x_dimension_mm > 0.9
    assert layout.x_dimension_mm < roomy.x_dimension_mm
    assert layout.x_dimension_mm >= target - EPSILON or {text.size_pt for text in layout.lines} == {4}


def test_lines_are_left_out_in_the_order_of_the_design():
    ranks = {0: 2, 1: None, 2: 1, 3: 3}
    lines = [line(number, f"A LINE OF THE DESIGN {number}", optional=rank) for number, rank in ranks.items()]
    kept = set()
    for height in range(20, 60, 1):
        template = replace(PAGE, label_width_mm=40, label_height_mm=height)
        try:
            [layout] = solve_label(template, OneSymbol(sizing(SymbolKind.QR_CODE)), lines)
        except DoesNotFit:
            continue
        kept.add(tuple(sorted(text.number for text in layout.lines)))
    assert kept <= {(1,), (1, 3), (0, 1, 3), (0, 1, 2, 3)}
    assert {(1,), (0, 1, 2, 3)} <= kept


def test_alignment_is_within_the_widest():
    texts = {"left": "SHORT", "centre": "SHORT", "right": "SHORT"}
    lines = [
        line(number, text, align=align, above=False) for number, (align, text) in enumerate(texts.items())
    ]
    lines.append(line(3, "A LINE THAT IS LONGER THAN THE SYMBOL IS WIDE", above=False))
    template = replace(PAGE, label_width_mm=75, label_height_mm=90)
    body = OneSymbol(sizing(SymbolKind.EAN_13))
    [layout] = solve_label(template, body, lines)
    left, centre, right, widest = layout.lines
    assert left.left_mm == pytest.approx(widest.left_mm)
    assert right.left_mm + right.width_mm == pytest.approx(widest.left_mm + widest.width_mm)
    assert centre.anchor_mm == pytest.approx(widest.anchor_mm)
    assert [text.align for text in layout.lines] == ["left", "centre", "right", "centre"]


_LINES = st.lists(
    st.builds(
        LineNeeds,
        number=st.just(0),
        widths_1pt_mm=st.lists(st.floats(0.2, 12), min_size=1, max_size=3).map(
            lambda widths: tuple(sorted(widths, reverse=True))
        ),
        above=st.booleans(),
        sizes_pt=st.tuples(st.floats(3, 6), st.floats(0, 10)).map(
            lambda size: tuple(size[0] + size[1] * step / 8 for step in range(8, -1, -1))
        ),
        align=st.sampled_from([None, "left", "centre", "right"]),
        bold=st.booleans(),
        optional=st.none() | st.integers(1, 3),
    ),
    max_size=5,
).map(lambda lines: [replace(each, number=number) for number, each in enumerate(lines)])
_LOGOS = st.none() | st.builds(
    LogoNeeds,
    number=st.just(12),
    width_mm=st.floats(1, 30),
    height_mm=st.floats(1, 15),
    above=st.booleans(),
    align=st.sampled_from([None, "left", "centre", "right"]),
    optional=st.none() | st.integers(1, 3),
)


@settings(deadline=None)
@given(st.data())
def test_any_layout_of_a_design_is_sound(data):
    matrix = data.draw(st.sampled_from(MATRIX))
    linear = data.draw(st.none() | st.sampled_from(LINEAR))
    dpi = data.draw(st.sampled_from([203, 300, 600]))
    environment = data.draw(st.sampled_from(Environment))
    modules = data.draw(st.integers(12, 60))
    elements = tuple(HriElement(f"{number:02}", 3.0) for number in range(data.draw(st.integers(0, 3))))
    first = Sizing(matrix, LabelNeeds(modules, modules, elements), environment, dpi)
    body = OneSymbol(first) if linear is None else TwoSymbols(first, sizing(linear, dpi, environment))
    logo = data.draw(_LOGOS)
    around = [*data.draw(_LINES), *([logo] if logo else [])]
    round_ = data.draw(st.booleans())
    width = data.draw(st.floats(15, 160))
    height = width if round_ else data.draw(st.floats(15, 160))
    template = replace(
        PAGE,
        shape="round" if round_ else "rectangle",
        label_width_mm=width,
        label_height_mm=height,
        corner_radius_mm=data.draw(st.floats(0, min(width, height) / 2)),
    )
    try:
        layouts = solve_label(template, body, around)
    except DoesNotFit:
        assert not fits(template, body, around)
        return
    assert_sound(template, layouts, environment)
    assert linear is None or reach_mm(layouts) <= 50
    shown = {text.number for text in layouts[0].lines}
    assert {each.number for each in around if each.optional is None and each is not logo} <= shown
    assert logo is None or logo.optional or layouts[0].logo
    for text in layouts[0].lines:
        assert any(
            math.isclose(text.width_mm, width_1pt * text.size_pt)
            for width_1pt in around[text.number].widths_1pt_mm
        )
