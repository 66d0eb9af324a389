"""CSET 82 and dates."""

import re
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.cset82 import CSET_82, CSET_82_PATTERN, require_cset_82
from gs1.dates import check_century, require_day, require_yymmdd, yymmdd
from gs1.errors import DayRequired, InvalidCharacters, InvalidDate, InvalidLength


def test_the_set_has_82_characters():
    assert len(CSET_82) == 82
    assert CSET_82.isdisjoint(" #$@[\\]^`{|}~\x1d")


def test_the_pattern_is_the_set_in_python_and_in_rust():
    characters = [chr(code) for code in range(0x180)]
    assert {c for c in characters if re.fullmatch(CSET_82_PATTERN, c)} == CSET_82
    matches = pl.Series(characters).str.contains(f"^(?:{CSET_82_PATTERN})$")
    assert set(pl.Series(characters).filter(matches)) == CSET_82


@given(st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20))
def test_values_of_the_set_pass_unchanged(text):
    assert require_cset_82(text, "lot_number") == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidLength),
        ("x" * 21, InvalidLength),
        ("A B", InvalidCharacters),
        ("Ärger", InvalidCharacters),
        ("A\n", InvalidCharacters),  # `$` alone would let it pass
        ("A#", InvalidCharacters),
        ("\x1d", InvalidCharacters),
    ],
)
def test_other_values_are_refused(text, error):
    with pytest.raises(error) as raised:
        require_cset_82(text, "lot_number")
    assert (raised.value.value, raised.value.field) == (text, "lot_number")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("LOT\u00a01", "U+00A0 NO-BREAK SPACE"),
        ("LOT\u20131", "U+2013 EN DASH"),
        ("LOT\u200b1", "U+200B ZERO WIDTH SPACE"),
        ("LOT\t1", "U+0009 CONTROL CHARACTER"),
        ("#1 #2", "U+0020 SPACE, U+0023 NUMBER SIGN"),  # each once
    ],
)
def test_other_characters_are_named(text, named):
    with pytest.raises(InvalidCharacters, match=f": {re.escape(named)}$"):
        require_cset_82(text, "lot_number")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2027-03-31", "270331"), ("2027-03", "270300"), ("2028-02-29", "280229"), ("1999-12-01", "991201")],
)
def test_yymmdd(value, expected):
    assert yymmdd(value) == expected
    assert require_yymmdd(expected) == expected


@pytest.mark.parametrize(
    "value",
    ["", "2027", "2027-13", "2027-00", "2027-02-29", "2027-03-00", "270331", "2027-3-1", "2027-03-31T00:00",
     "0000-01-01", "2027-03-31\n", "٢٠٢٧-03-01"],
)  # fmt: skip
def test_invalid_iso_dates(value):
    with pytest.raises(InvalidDate) as error:
        yymmdd(value)
    assert error.value.value == value


@pytest.mark.parametrize("value", ["", "271301", "270001", "270230", "2027-03", "27033", "27033A", "270332"])
def test_invalid_yymmdd(value):
    with pytest.raises(InvalidDate):
        require_yymmdd(value)


def test_a_day_may_be_required():
    assert require_day("270331", "expiry") == "270331"
    with pytest.raises(DayRequired) as error:
        require_day("270300", "expiry")
    assert (error.value.value, error.value.field, error.value.code) == ("270300", "expiry", "day_required")


@given(st.dates())
def test_every_calendar_date_is_written(day):
    assert yymmdd(day.isoformat()) == day.strftime("%y%m%d")
    assert yymmdd(day.isoformat()[:7]) == day.strftime("%y%m") + "00"


@pytest.mark.parametrize(
    ("value", "fits"),
    [("1976-12", False), ("1977-01-01", True), ("2076-12-31", True), ("2077-01", False)],
)
def test_century_window(value, fits):
    if fits:
        assert check_century(value, date(2026, 7, 1)) == value
    else:
        with pytest.raises(InvalidDate):
            check_century(value, date(2026, 7, 1))
