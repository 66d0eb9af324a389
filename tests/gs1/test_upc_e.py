"""UPC-E numbers: published ones, and biip as the oracle."""

import re

import pytest
from biip import EncodeError, ParseError
from biip.upc import Upc
from hypothesis import given
from hypothesis import strategies as st

from gs1.check_digit import check_digit
from gs1.upc_e import SUPPRESSIBLE_PATTERN, upc_a_of, upc_e_of


@pytest.mark.parametrize(
    ("upc_e", "upc_a"),
    [
        ("04252614", "042100005264"),  # Wikipedia and biip
        ("01234565", "012345000065"),
        ("01201303", "012000000133"),
        ("01234531", "012300000451"),
        ("01234543", "012340000053"),
    ],
)
def test_published_numbers(upc_e, upc_a):
    assert upc_a_of(upc_e) == upc_a
    assert upc_e_of(upc_a) == upc_e
    assert check_digit(upc_a[:-1]) == int(upc_a[-1])


@pytest.mark.parametrize("text", ["", "0425261", "042526140", "14252614", "04252615", "0425261x", "٠٤٢٥٢٦١٤"])
def test_others_are_none(text):
    assert upc_a_of(text) is None


def test_biip_agrees():
    found = 0
    for number in range(0, 10_000_000, 7_919):  # a prime, so that every last digit comes
        text = f"{number:08d}"
        try:
            expected = Upc.parse(text).as_upc_a()
        except ParseError:
            expected = None
        assert upc_a_of(text) == expected
        found += expected is not None
    assert found > 100


def test_most_of_them_pass_for_a_gtin_8():
    bodies = range(0, 1_000_000, 97)
    upc_es = [text for body in bodies for check in range(10) if upc_a_of(text := f"0{body:06d}{check}")]
    assert len(upc_es) == len(bodies)
    passing = sum(check_digit(text[:-1]) == int(text[-1]) for text in upc_es) / len(upc_es)
    assert 0.55 < passing < 0.61


#: Eleven digits of a UPC-A, with zeros in runs, so that many can be suppressed and many nearly can.
BODIES = st.tuples(
    st.sampled_from("0001"), st.text("0123456789", min_size=1, max_size=6), st.text("0123456789", max_size=6)
).map(lambda parts: (parts[0] + parts[1] + parts[2].rjust(10 - len(parts[1]), "0"))[:11])


@given(BODIES)
def test_what_is_suppressed_is_expanded_again_and_biip_agrees(body):
    upc_a = f"{body}{check_digit(body)}"
    found = upc_e_of(upc_a)
    try:
        expected = Upc.parse(upc_a).as_upc_e()
    except EncodeError:
        expected = None
    # biip suppresses numbers of number system 1, too.
    assert found == (expected if body[0] == "0" else None)
    assert (found is not None) == (re.fullmatch(SUPPRESSIBLE_PATTERN, f"00{upc_a}") is not None)
    if found:
        assert upc_a_of(found) == upc_a
