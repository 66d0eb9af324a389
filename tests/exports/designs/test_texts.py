"""Texts of designs, compared with an independent composition, and in the order in which they are read."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.attributes import LATER
from catalogue.selection import manifest_schema
from exports.designs import texts
from exports.designs.document import Design
from exports.verification import lines
from renderers.fonts.visual_order import visual

FULL = {
    "scope": "serials",
    "gtin14": "09506000134352",
    "product_name": "Oat biscuits",
    "lot_number": "ABC123",
    "serial_number": "S-0001",
    "expiry": "270331",
    "best_before": "270430",
    "production_date": "260100",
    "net_weight_kg": "1.250",
    "area_m2": "0.5",
    "variable_count": "12",
    "additional_product_identification": "A-7/1",
    "expiration_time": "2027-03-31T14:00",
    **dict.fromkeys(
        ("length_m", "width_m", "height_m", "net_volume_l", "net_volume_m3", "net_weight_lb"), "1"
    ),
    "made_to_order_variation": "007",
}


def rows(*given):
    whole = [{"row": number, "entity_id": str(number)} | row for number, row in enumerate(given)]
    schema = manifest_schema(each.ai for each in LATER)
    return pl.DataFrame(whole, schema_overrides=schema).match_to_schema(schema, missing_columns="insert")


def composed(text, *given, months=texts.MONTHS):
    return texts.composed(texts.parse(text), rows(*given), months).to_list()


#: Case table: the text, and what it becomes.
CASES = [
    ("Made in Wales", "Made in Wales"),
    ("{name}", "Oat biscuits"),
    ("GTIN {gtin}", "GTIN 09506000134352"),
    ("{gtin.title} {gtin}", "GTIN 09506000134352"),
    ("{lot.title} {lot}", "BATCH/LOT ABC123"),
    ("{expiry.title} {expiry}", "USE BY OR EXPIRY 2027-03-31"),
    ("{serial}/{lot}", "S-0001/ABC123"),
    ("{expiry:DD MMM YYYY}", "31 MAR 2027"),
    ("{expiry:MM/YYYY}", "03/2027"),
    ("{expiry:DDMMYY}", "310327"),
    ("{best_before:DD.MM.YYYY}", "30.04.2027"),
    ("{expiry:YYYY年MM月DD日}", "2027年03月31日"),
    # A date without a day: the day goes, with what belongs to it.
    ("{production_date}", "2026-01"),
    ("{production_date:DD MMM YYYY}", "JAN 2026"),
    ("{production_date:MMM DD, YYYY}", "JAN 2026"),
    ("{production_date:MM/DD/YYYY}", "01/2026"),
    ("{production_date:YYYY年MM月DD日}", "2026年01月"),
    ("{production_date:DDMMYY}", "0126"),
    ("{{{lot}}}", "{ABC123}"),
    ("{net_weight_kg.title}: {net_weight_kg}", "NET WEIGHT (kg): 1.250"),
    ("{area_m2.title} {area_m2}", "AREA (m²) 0.5"),
    ("{variable_count.title} {variable_count}", "VAR. COUNT 12"),
    ("{additional_product_identification.title} {additional_product_identification}", "ADDITIONAL ID A-7/1"),
    ("{made_to_order_variation.title} {made_to_order_variation}", "MTO VARIANT 007"),
    (
        "{best_before.title} {best_before} {expiry.title} {expiry}",
        "BEST BEFORE OR BEST BY 2027-04-30 USE BY OR EXPIRY 2027-03-31",
    ),
    ("{expiration_time.title} {expiration_time}", "EXPIRY TIME 2027-03-31 14:00"),
    ("{expiration_time:DD MMM YY, hh:mm}", "31 MAR 27, 14:00"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_text_says_what_the_entity_has(text, expected):
    assert composed(text, FULL) == [expected]
    design = Design.model_validate({"version": 1, "lines": [{"text": text}]})
    assert lines.of_line(design, 0, FULL).text == expected


@pytest.mark.parametrize("field", texts.FIELDS)
@pytest.mark.parametrize("absent", [None, ""])
def test_a_text_is_left_out_where_a_value_is_absent(field, absent):
    row = FULL | {texts.FIELDS[field].column: absent}
    text = f"{{{field}}} and {{gtin}}"
    assert composed(text, row, FULL)[0] is None
    assert composed(text, row, FULL)[1]
    design = Design.model_validate({"version": 1, "lines": [{"text": text}]})
    assert lines.of_line(design, 0, row).text is None


def test_months_have_the_words_of_the_design():
    words = [f"M{number}" for number in range(1, 13)]
    assert composed("{expiry:DD MMM YY}", FULL, months=words) == ["31 M3 27"]


_PIECES = st.lists(
    st.sampled_from(
        [
            "{lot}",
            "{serial}",
            "{gtin}",
            "{expiry}",
            "{expiry:DD MMM YY}",
            "{best_before:MM/YYYY}",
            "{{",
            " LOT ",
        ]
    ),
    min_size=1,
    max_size=6,
)
_ROWS = st.fixed_dictionaries(
    {
        "gtin14": st.just("09506000134352"),
        "lot_number": st.none() | st.text("ABab09-/", min_size=1, max_size=20),
        "serial_number": st.none() | st.text("ABab09-/", min_size=1, max_size=20),
        "expiry": st.none() | st.sampled_from(["270331", "271200", "000101", "991231"]),
        "best_before": st.none() | st.sampled_from(["270331", "271200"]),
    }
)


@given(_PIECES, st.lists(_ROWS, min_size=1, max_size=5))
def test_columns_say_the_same_as_an_independent_reading_of_each_row(pieces, given_rows):
    text = "".join(pieces)
    design = Design.model_construct(version=1, lines=[type("L", (), {"text": text})], months=None)
    found = composed(text, *given_rows)
    names = {source.column: None for source in texts.FIELDS.values()}
    assert found == [lines.of_line(design, 0, names | row).text for row in given_rows]


def test_values_stay_in_one_piece_in_a_text_from_right_to_left():
    """Read from the right: the word, the date, the second word, the lot."""
    [text] = composed("תוקף {expiry:DD MMM YYYY} אצווה {lot}", FULL | {"lot_number": "A-1"})
    assert "".join(visual(text)) == "A-1 הווצא 31 MAR 2027 ףקות"
    # Without isolates the parts of the date would change places.
    assert "31 MAR 2027" not in "".join(visual(text.translate({0x2066: None, 0x2069: None})))


def test_a_name_from_right_to_left_leaves_the_values_beside_it_whole():
    left, right = composed(
        "{name} {lot}",
        FULL | {"lot_number": "12-34/5"},
        FULL | {"lot_number": "12-34/5", "product_name": "שלום"},
    )
    assert left == "Oat biscuits 12-34/5"
    assert "".join(visual(right)) == "12-34/5 םולש"
