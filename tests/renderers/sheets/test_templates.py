"""The built-in sheet templates, and reading an organisation's own."""

import pytest

from renderers.sheets.errors import InvalidTemplate, UnknownTemplate
from renderers.sheets.templates import DEFAULT_TEMPLATE_ID, TEMPLATES, TOLERANCE_MM, load, template

HEADER = (
    "id,description,page_width_mm,page_height_mm,columns,rows,shape,label_width_mm,label_height_mm,"
    "corner_radius_mm,left_mm,top_mm,pitch_x_mm,pitch_y_mm,also_known_as,source"
)
GOOD = {
    "id": "ours",
    "description": '"Ours, square"',
    "page_width_mm": "210",
    "page_height_mm": "297",
    "columns": "4",
    "rows": "6",
    "shape": "rectangle",
    "label_width_mm": "40",
    "label_height_mm": "40",
    "corner_radius_mm": "2",
    "left_mm": "10",
    "top_mm": "12.5",
    "pitch_x_mm": "45",
    "pitch_y_mm": "45.5",
    "also_known_as": "A 1; B 2",
    "source": "measured",
}


def table(*rows, header=HEADER):
    return "\n".join([header, *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.mark.parametrize("sheet", TEMPLATES.values(), ids=TEMPLATES)
class TestEveryTemplate:
    def test_labels_are_on_the_page_and_clear_of_each_other(self, sheet):
        boxes = []
        for cell in range(sheet.labels_per_page):
            left, top = sheet.label_origin_mm(cell)
            assert left >= 0
            assert top >= 0
            assert left + sheet.label_width_mm <= sheet.page_width_mm + TOLERANCE_MM
            assert top + sheet.label_height_mm <= sheet.page_height_mm + TOLERANCE_MM
            boxes.append((left, top))
        for index, (left, top) in enumerate(boxes):
            for other_left, other_top in boxes[:index]:
                assert (
                    abs(left - other_left) >= sheet.label_width_mm - TOLERANCE_MM
                    or abs(top - other_top) >= sheet.label_height_mm - TOLERANCE_MM
                )

    def test_grid_is_centred_on_the_page(self, sheet):
        last_left, last_top = sheet.label_origin_mm(sheet.labels_per_page - 1)
        right = sheet.page_width_mm - last_left - sheet.label_width_mm
        bottom = sheet.page_height_mm - last_top - sheet.label_height_mm
        assert right == pytest.approx(sheet.left_mm, abs=0.03)
        assert bottom == pytest.approx(sheet.top_mm, abs=0.03)

    def test_says_what_it_is_and_whence(self, sheet):
        assert sheet.description
        assert sheet.source
        assert sheet.shape != "round" or sheet.label_width_mm == sheet.label_height_mm


def test_the_default_is_63_round_labels_of_an_inch():
    sheet = TEMPLATES[DEFAULT_TEMPLATE_ID]
    assert (sheet.labels_per_page, sheet.shape, sheet.label_width_mm) == (63, "round", 25.4)


def test_product_numbers_name_one_sheet_each():
    numbers = [number for sheet in TEMPLATES.values() for number in sheet.also_known_as]
    assert len(numbers) == len(set(numbers))
    assert not set(numbers) & set(TEMPLATES)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("8160", "avery_5160"),  # the product number alone
        ("Avery 8160", "avery_5160"),
        ("OL1025", "63up_1in_letter"),
        ("5160", "avery_5160"),
        ("Avery-5167", "avery_5167"),
        ("63up_1in_lettre", "63up_1in_letter"),
        ("thermal_4x6", "thermal_4x6in"),
    ],
)
def test_unknown_names_get_a_hint(name, nearest):
    with pytest.raises(UnknownTemplate, match=nearest) as raised:
        template(name)
    assert raised.value.nearest[0] == nearest
    assert raised.value.code == "unknown_template"
    assert raised.value.value == name


@pytest.mark.parametrize("name", ["", "zzzzzz", "x" * 10_000])
def test_unlike_anything(name):
    with pytest.raises(UnknownTemplate) as raised:
        template(name)
    assert raised.value.nearest == ()


def test_an_organisations_own_sheets():
    (ours,) = load(table(GOOD))
    assert ours.description == "Ours, square"
    assert ours.also_known_as == ("A 1", "B 2")
    assert ours.labels_per_page == 24
    assert template("ours", {"ours": ours}) is ours
    with pytest.raises(UnknownTemplate):
        template(DEFAULT_TEMPLATE_ID, {"ours": ours})


def test_optional_columns_may_be_left_out_and_columns_reordered():
    columns = list(reversed([name for name in GOOD if name not in {"also_known_as", "source"}]))
    text = ",".join(columns) + "\r\n" + ",".join(GOOD[name] for name in columns) + "\r\n"
    (ours,) = load("\ufeff" + text)
    assert (ours.id, ours.also_known_as, ours.source) == ("ours", (), "")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("id", "Ours", "a-z"),
        ("id", "", "a-z"),
        ("id", "x" * 65, "a-z"),
        ("page_width_mm", "0", "more than 0"),
        ("page_width_mm", "nan", "millimetres"),
        ("page_width_mm", "1e3", "millimetres"),
        ("page_width_mm", "-210", "millimetres"),
        ("page_width_mm", "２１０", "millimetres"),  # digits, but not ASCII ones
        ("page_height_mm", "5081", "at most 5080"),
        ("columns", "0", "whole number"),
        ("columns", "1.5", "whole number"),
        ("shape", "oval", "rectangle or round"),
        ("corner_radius_mm", "21", "at most 20"),
        ("left_mm", "", "millimetres"),
        ("pitch_x_mm", "39.98", "at least 40"),  # labels overlap
        ("page_width_mm", "184.98", "at least 185.00"),  # the last column leaves the page
        ("page_height_mm", "279.98", "at least 280.00"),
    ],
)
def test_what_cannot_be_is_refused_by_name(column, value, expected):
    with pytest.raises(InvalidTemplate) as raised:
        load(table(GOOD | {"id": "first"}, GOOD | {column: value}))
    assert (raised.value.row, raised.value.column, raised.value.value) == (3, column, value)
    assert expected in raised.value.expected
    assert str(raised.value.row) in str(raised.value)


def test_rounding_of_published_inches_is_tolerated():
    assert load(table(GOOD | {"pitch_x_mm": "39.995", "page_height_mm": "279.995"}))


def test_round_labels_are_round():
    with pytest.raises(InvalidTemplate, match="not round"):
        load(table(GOOD | {"shape": "round", "label_height_mm": "39"}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "missing column"),
        (HEADER.replace("rows", "row"), "unknown or repeated column"),
        (HEADER + ",id", "unknown or repeated column"),
        (HEADER.replace("rows,", ""), "missing column"),
        (table(GOOD).rstrip() + ",more\n", "wrong number of cells"),
        (HEADER + "\nours,one\n", "wrong number of cells"),
        (table(GOOD, GOOD), "comes twice"),
        (HEADER + '\n"ours"x,\n', "not CSV"),
    ],
)
def test_tables_that_are_none(text, problem):
    with pytest.raises(InvalidTemplate, match=problem) as raised:
        load(text)
    assert raised.value.code == "invalid_template"
