"""GTINs and check digits: published examples, then every single wrong digit."""

import pytest
from biip.gtin import Gtin
from hypothesis import given
from hypothesis import strategies as st

from gs1.check_digit import check_digit
from gs1.errors import CarrierCannotHold, InvalidDigits, InvalidGtin, MeasureRequired
from gs1.gtin import Carrier, as_gtin_14, carrier_for, native_digits


@st.composite
def gtins(draw: st.DrawFn) -> str:
    length = draw(st.sampled_from([7, 11, 12, 13]))
    digits = draw(st.text("0123456789", min_size=length, max_size=length))
    return f"{digits}{check_digit(digits)}"


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("629104150021", 3),  # GS1's worked example
        ("950600013435", 2),  # the GTIN of the GS1 documents
        ("61414112345", 2),  # GTIN-12 of the EPC Tag Data Standard
        ("37610425002123456", 9),  # 17 digits: an SSCC, GS1's other worked example
        ("0", 0),
    ],
)
def test_published_check_digits(digits, expected):
    assert check_digit(digits) == expected


@pytest.mark.parametrize("text", ["", "12a", " 1", "١٢٣", "²"])
def test_check_digit_takes_ascii_digits_only(text):
    with pytest.raises(InvalidDigits) as error:
        check_digit(text)
    assert error.value.value == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9506000134352", "09506000134352"),
        ("09506000134352", "09506000134352"),
        ("614141007349", "00614141007349"),
        ("95060019", "00000095060019"),
        ("10614141000415", "10614141000415"),
    ],
)
def test_every_length_becomes_14_digits(text, expected):
    assert as_gtin_14(text) == expected


@pytest.mark.parametrize("text", ["", "123", "9506000134353", " 9506000134352", "95060001343S2", "٩٥٠٦٠٠١٣"])
def test_nothing_is_repaired(text):
    with pytest.raises(InvalidGtin) as error:
        as_gtin_14(text)
    assert (error.value.value, error.value.field, error.value.code) == (text, "gtin", "invalid_gtin")
    assert error.value.expected


@given(gtins(), st.data())
def test_any_single_digit_change_is_caught(gtin, data):
    position = data.draw(st.integers(0, len(gtin) - 1))
    for digit in set("0123456789") - {gtin[position]}:
        with pytest.raises(InvalidGtin):
            as_gtin_14(gtin[:position] + digit + gtin[position + 1 :])


@given(gtins())
def test_biip_agrees(gtin):
    # biip takes the length from the value, so it is asked about the 14 digits.
    assert Gtin.parse(as_gtin_14(gtin)).as_gtin_14() == as_gtin_14(gtin)


@pytest.mark.parametrize(
    ("gtin_14", "declared", "expected"),
    [
        ("10614141000415", None, Carrier.ITF14),  # indicator 1
        ("09506000134352", None, Carrier.EAN13),
        ("00614141007349", None, Carrier.UPCA),  # two leading zeros
        ("00000123456784", None, Carrier.UPCA),  # five
        ("00000095060019", None, Carrier.EAN8),  # six
        ("00000095060019", Carrier.EAN8, Carrier.EAN8),
        ("00614141007349", Carrier.EAN13, Carrier.EAN13),
        ("09506000134352", Carrier.ITF14, Carrier.ITF14),
        ("10614141000415", Carrier.EAN13, Carrier.ITF14),  # declared, but it cannot hold 14 digits
        ("09506000134352", Carrier.UPCA, Carrier.EAN13),
        ("00012345000065", Carrier.UPCE, Carrier.UPCE),
        ("00012345000065", None, Carrier.UPCA),  # UPC-E is drawn where it is declared only
    ],
)
def test_carrier(gtin_14, declared, expected):
    assert carrier_for(gtin_14, declared) is expected


@pytest.mark.parametrize("declared", [Carrier.EAN13, Carrier.UPCA, Carrier.ITF14])
def test_only_ean_8_carries_a_gtin_8(declared):
    with pytest.raises(CarrierCannotHold, match=f"{declared} .* 95060019: only ean8") as error:
        carrier_for("00000095060019", declared)
    assert (error.value.field, error.value.code) == ("carrier", "carrier_cannot_hold")


@pytest.mark.parametrize("number", ["00614141007349", "00012345678905", "10012345000062", "09506000134352"])
def test_upc_e_is_refused_where_no_zeros_can_be_left_out(number):
    with pytest.raises(CarrierCannotHold, match=f"upce cannot hold GTIN {number}") as error:
        carrier_for(number, Carrier.UPCE)
    assert (error.value.field, error.value.value) == ("carrier", "upce")


@pytest.mark.parametrize("declared", [None, *Carrier])
def test_variable_measure_needs_its_measure(declared):
    gtin = "9061414100041"
    with pytest.raises(MeasureRequired):
        carrier_for(gtin + str(check_digit(gtin)), declared)


def test_native_digits():
    assert native_digits("09506000134352", Carrier.EAN13) == "9506000134352"
    assert native_digits("00614141007349", Carrier.UPCA) == "614141007349"
    assert native_digits("00000095060019", Carrier.EAN8) == "95060019"
    assert native_digits("00012345000065", Carrier.UPCE) == "012345000065"
    assert native_digits("09506000134352", Carrier.ITF14) == "09506000134352"
    with pytest.raises(CarrierCannotHold):
        native_digits("09506000134352", Carrier.EAN8)
    with pytest.raises(InvalidGtin):
        native_digits("9506000134352", Carrier.EAN13)


@given(gtins().filter(lambda gtin: not (len(gtin) == 14 and gtin[0] == "9")))
def test_the_chosen_carrier_holds_the_gtin(gtin):
    gtin_14 = as_gtin_14(gtin)
    assert as_gtin_14(native_digits(gtin_14, carrier_for(gtin_14))) == gtin_14
