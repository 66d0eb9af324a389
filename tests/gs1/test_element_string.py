"""Element strings: examples, round trips, and biip as the oracle."""

import re

import pytest
from biip.gs1_messages import GS1Message
from hypothesis import given
from hypothesis import strategies as st

from gs1.cset82 import CSET_82
from gs1.element_string import bracketed, element_string, hri, parse, parse_bracketed
from gs1.errors import Gs1Error, InvalidElementString
from gs1.trade_item_message import datamatrix_elements, trade_item_elements

GTIN = "09506000134352"

values = st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20)
dates = st.none() | st.sampled_from(["270331", "270400", "280229", "291231"])
messages = st.builds(datamatrix_elements, st.just(GTIN), st.none() | values, st.none() | values, dates, dates)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([("01", GTIN)], f"\x1d01{GTIN}"),
        ([("01", GTIN), ("17", "270331"), ("10", "ABC123")], f"\x1d01{GTIN}1727033110ABC123"),
        ([("01", GTIN), ("10", "A"), ("21", "1")], f"\x1d01{GTIN}10A\x1d211"),  # separator between, none last
        ([("01", GTIN), ("20", "07"), ("22", "v2")], f"\x1d01{GTIN}200722v2"),
        ([("01", GTIN), ("235", "T" * 28), ("10", "A")], f"\x1d01{GTIN}235{'T' * 28}\x1d10A"),
    ],
)
def test_messages(elements, expected):
    assert element_string(elements) == expected
    assert parse(expected) == tuple(elements)


@pytest.mark.parametrize(
    "elements",
    [
        [],
        [("10", "A")],  # no (01) to belong to
        [("01", GTIN), ("10", "A"), ("17", "270331")],  # predefined length behind variable
        [("01", GTIN), ("10", "A"), ("10", "B")],
        [("01", GTIN), ("04", "x")],  # no AI
        [("01", GTIN), ("21", "1"), ("235", "2")],
        [("01", GTIN), ("37", "2")],  # a count of contents, which (01) excludes
        [("3920", "100"), ("01", GTIN)],  # a price of nothing measured
        [("01", "09506000134353")],
        [("01", "9506000134352")],
        [("01", GTIN), ("17", "270230")],
        [("01", GTIN), ("10", "")],
        [("01", GTIN), ("10", "A\x1d211")],  # an injected separator
        [("01", GTIN), ("21", "x" * 21)],
        [("01", GTIN), ("20", "7")],
        [("01", GTIN), ("20", "x7")],
    ],
)
def test_incoherent_elements_are_refused(elements):
    with pytest.raises(Gs1Error):
        element_string(elements)


@pytest.mark.parametrize(
    "message",
    ["", "\x1d", f"01{GTIN}10", f"01{GTIN}10A\x1d", f"01{GTIN}10A\x1d\x1d211", "04x", "0195", "(01)"],
)
def test_broken_messages_are_refused(message):
    with pytest.raises(Gs1Error):
        parse(message)


def test_a_needless_separator_is_skipped():
    assert parse(f"01{GTIN}\x1d17270331\x1d10A") == (("01", GTIN), ("17", "270331"), ("10", "A"))


@given(messages)
def test_parse_undoes_element_string(elements):
    assert parse(element_string(elements)) == elements


@given(messages)
def test_biip_reads_what_we_write(elements):
    message = GS1Message.parse(element_string(elements).removeprefix("\x1d"))
    assert tuple((item.ai.ai, item.value) for item in message.element_strings) == elements
    assert message.as_hri() == hri(elements)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((None, None, None, None), ()),
        (("L", "S", "270331", "270301"), (("17", "270331"), ("10", "L"), ("21", "S"))),  # the expiry wins
        (("L", None, None, "270301"), (("15", "270301"), ("10", "L"))),  # never written as (17)
        ((None, "S", None, None), (("21", "S"),)),
        (("", "", "", ""), ()),
    ],
)
def test_what_a_trade_item_carries(arguments, expected):
    assert datamatrix_elements(GTIN, *arguments) == (("01", GTIN), *expected)


# Case table: elements beside the GTIN in any order, their element string. The first two are examples of the Digital Link
# standard, translated to element strings (GS1 Barcode Syntax Engine, its tests).
IN_ORDER = (
    ([("3103", "000195")], "3103000195"),
    ([("10", "ABC1"), ("21", "12345"), ("17", "180426")], "1718042610ABC1\x1d2112345"),
    ([("10", "4512XA"), ("3103", "001750")], "3103001750104512XA"),
    ([("21", "S"), ("10", "L"), ("11", "260131"), ("17", "270331"), ("15", "270228")],
     "112601311527022817270331" + "10L\x1d21S"),
    ([("240", "A"), ("10", "L")], "10L\x1d240A"),
    ([("30", "12"), ("242", "7"), ("7003", "2703311430"), ("240", "A")], "240A\x1d2427\x1d3012\x1d70032703311430"),
    ([("7003", "2703311430"), ("21", "S"), ("3102", "000125")], "310200012521S\x1d70032703311430"),
)  # fmt: skip


@pytest.mark.parametrize(("others", "expected"), IN_ORDER)
def test_predefined_lengths_come_first_and_others_end_with_fnc1(others, expected):
    message = element_string(trade_item_elements(GTIN, others))
    assert message == f"\x1d01{GTIN}{expected}"
    assert sorted(parse(message)) == sorted([("01", GTIN), *others])
    read = GS1Message.parse(message.removeprefix("\x1d"))
    assert sorted((item.ai.ai, item.value) for item in read.element_strings) == sorted(
        [("01", GTIN), *others]
    )


@given(messages)
def test_bracketed_text_is_parsed_back(elements):
    assert parse_bracketed(bracketed(elements)) == elements


@pytest.mark.parametrize("text", ["x", "(01", "(1)2", "(10)A(B", "(10)A\\B", "10A"])
def test_what_is_no_bracketed_text(text):
    with pytest.raises(InvalidElementString):
        parse_bracketed(text)


def test_unknown_identifier_is_named():
    with pytest.raises(InvalidElementString, match=r"\(04\)"):
        element_string([("01", GTIN), ("04", "x")])


@pytest.mark.parametrize(
    ("elements", "lacking"),
    [
        ([("10", "A")], r"\(10\) lacks what it describes: 01 or 02"),
        ([("01", GTIN), ("250", "S")], r"01\+21"),
        ([("01", GTIN), ("3922", "500")], r"01\+30"),
    ],
)
def test_what_an_identifier_needs_is_named(elements, lacking):
    with pytest.raises(InvalidElementString, match=lacking):
        element_string(elements)


def test_another_symbol_may_carry_what_an_identifier_needs():
    # GS1 Syntax Dictionary: pairings are evaluated over all symbols of the item.
    assert parse("10A\x1d3922500") == (("10", "A"), ("3922", "500"))


def test_a_variable_measure_item_with_weight_and_price():
    elements = (("01", "99506000134355"), ("3103", "001250"), ("3922", "1499"))
    assert element_string(elements) == "\x1d01995060001343553103001250" + "39221499"
    assert parse(element_string(elements)) == elements


@pytest.mark.parametrize(
    ("lot", "expected"),
    [
        ("A", f"(01){GTIN}(10)A"),
        ("A(21)B", rf"(01){GTIN}(10)A\(21)B"),
        ("(TM)(", rf"(01){GTIN}(10)\(TM)\("),
        (")", f"(01){GTIN}(10))"),
    ],
)
def test_a_parenthesis_within_a_value_begins_no_ai(lot, expected):
    assert bracketed([("01", GTIN), ("10", lot)]) == expected


@given(messages)
def test_a_bracketed_element_string_can_be_taken_apart(elements):
    _, *found = re.split(r"(?<!\\)\(", bracketed(elements))
    pairs = [each.split(")", maxsplit=1) for each in found]
    assert tuple((ai, value.replace(r"\(", "(")) for ai, value in pairs) == elements
