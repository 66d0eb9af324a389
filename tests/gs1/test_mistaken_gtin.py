"""Error messages for a text that is not a GTIN."""

import re

import pytest

from gs1.errors import InvalidGtin, UpcENumber
from gs1.gtin import as_gtin_14


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("950600013435", "check digit 5, expected 9", "check digit 9"),  # a GTIN-13 that lost its last digit
        ("9506000134353", "check digit 3, expected 2", "check digit 2"),
        ("95060001", "check digit 1, expected 2", "check digit 2"),
        ("95060", "5 digits", "8, 12, 13 or 14 digits"),
        ("", "0 digits", "8, 12, 13 or 14 digits"),
        ("9.50600E+12", "spreadsheet notation", "the GTIN alone, all its digits as text"),
        ("9,50600e12", "spreadsheet notation", "the GTIN alone, all its digits as text"),
        ("9506000134352.0", "decimal point", "the GTIN alone, all its digits as text"),
        ("(01)09506000134352(10)A", "an element string", "the GTIN alone: 09506000134352"),
        ("(10)A", "an element string", "the GTIN alone, all its digits as text"),
        ("0109506000134352172703", "an element string", "the GTIN alone: 09506000134352"),
        ("]C1010950600013435210A", "symbology identifier", "the GTIN alone: 09506000134352"),
        ("]d2\x1d0109506000134352", "symbology identifier", "the GTIN alone: 09506000134352"),
        ("]E09506000134352", "symbology identifier", "the GTIN alone, all its digits as text"),
        ("https://id.gs1.org/01/09506000134352/21/7", "a GS1 Digital Link", "the GTIN alone: 09506000134352"),
        ("HTTP://ID.EXAMPLE.COM/a/01/09506000134352", "a GS1 Digital Link", "the GTIN alone: 09506000134352"),
        ("9506000134352\u00a0", "U+00A0 NO-BREAK SPACE", "digits 0–9 alone"),
        ("9506000\u2013134352", "U+2013 EN DASH", "digits 0–9 alone"),
        ("٩٥٠٦٠٠١٩", "U+0660 ARABIC-INDIC DIGIT ZERO", "digits 0–9 alone"),
    ],
)
def test_what_arrived_is_named(text, said, expected):
    with pytest.raises(InvalidGtin, match=re.escape(said)) as error:
        as_gtin_14(text)
    assert (error.value.value, error.value.expected, error.value.field) == (text, expected, "gtin")
    assert error.value.code == "invalid_gtin"


def test_a_upc_e_is_named_before_its_check_digit():
    # Its check digit is not that of a GTIN-8: carrier ean8 is not offered.
    with pytest.raises(UpcENumber, match=r"UPC-A 012300000451: expected the UPC-A$") as error:
        as_gtin_14("01234531")
    assert error.value.expected == "012300000451"
