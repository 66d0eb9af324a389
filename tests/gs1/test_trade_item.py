"""Numbers that have the form of a GTIN but another meaning."""

import re

import pytest
from biip.gs1_prefixes import GS1Prefix
from hypothesis import given
from hypothesis import strategies as st

from gs1.check_digit import check_digit
from gs1.errors import (
    CarrierCannotHold,
    CouponOrRefund,
    Gs1Error,
    GtinIsZeros,
    InvalidGtin,
    MeasureRequired,
    RestrictedCirculation,
    UpcENumber,
)
from gs1.gtin import Carrier, as_gtin_14
from gs1.trade_item import DOUBTFUL_PATTERN, open_trade_fault, require_open_trade, require_trade_item
from gs1.upc_e import SUPPRESSIBLE_PATTERN


def gtin(digits: str) -> str:
    """Return the GTIN of 14 digits that begins with these digits behind its zeros."""
    return as_gtin_14(f"{digits}{check_digit(digits)}")


RESTRICTED = [
    gtin(digits)
    for digits in (
        "021234567890",  # GTIN-13, prefix 02
        "041234567890",
        "200123456789",
        "299999999999",
        "21234567890",  # UPC-A of number system 2
        "41234567890",
        "0123450",  # eight digits, no UPC-E
        "2123456",
    )
]
COUPONS = [
    gtin(digits)
    for digits in ("051234567890", "51234567890", "980123456789", "981123456789", "983123456789", "991234567890")
]  # fmt: skip
OPEN = [
    gtin(digits)
    for digits in (
        "950600013435",
        "03012345678",  # drugs, number system 3
        "001234567890",
        "019123456789",
        "300123456789",
        "979123456789",
        "984123456789",  # reserved, but for nothing else
        "9506001",
        "1061414100041",
        "1234567",
    )
]


@pytest.mark.parametrize("number", RESTRICTED)
def test_restricted_circulation(number):
    assert isinstance(open_trade_fault(number), RestrictedCirculation)
    with pytest.raises(RestrictedCirculation, match=number) as error:
        require_open_trade(number)
    assert (error.value.code, error.value.value, error.value.field) == (
        "restricted_circulation",
        number,
        "gtin",
    )
    assert require_trade_item(number) == number  # EAN/UPC may carry it


@pytest.mark.parametrize("number", COUPONS)
def test_coupons_and_refunds(number):
    with pytest.raises(CouponOrRefund) as error:
        require_open_trade(number)
    assert error.value.code == "coupon_or_refund"


@pytest.mark.parametrize("number", OPEN)
def test_open_trade(number):
    assert open_trade_fault(number) is None
    assert require_trade_item(number) == number


@pytest.mark.parametrize("number", [*RESTRICTED, *COUPONS])
def test_inside_a_gtin_14(number):
    inside = gtin(f"1{number[1:-1]}")
    expected = RestrictedCirculation if number in RESTRICTED else CouponOrRefund
    with pytest.raises(expected) as error:
        require_trade_item(inside)
    assert error.value.field == "gtin"


@pytest.mark.parametrize(
    "number", [number for number in (*RESTRICTED, *COUPONS) if not number.startswith("0" * 6)]
)
def test_not_in_itf_14(number):
    with pytest.raises((RestrictedCirculation, CouponOrRefund)) as error:
        require_trade_item(number, Carrier.ITF14)
    assert error.value.field == "carrier"


@pytest.mark.parametrize("prefix", range(20, 1000))
def test_biip_knows_the_same_prefixes(prefix):
    number = gtin(f"{prefix:03d}123456789")
    usage = found.usage if (found := GS1Prefix.extract(number[1:])) else ""
    fault = open_trade_fault(number)
    assert isinstance(fault, RestrictedCirculation) is ("Restricted Circulation" in usage)
    # biip has the newer table, in which prefix 05 is reserved.
    coupon = "coupon" in usage or "Refund" in usage or 50 <= prefix <= 59
    assert isinstance(fault, CouponOrRefund) is coupon


@pytest.mark.parametrize("text", ["00000000", "000000000000", "00000000000000"])
@pytest.mark.parametrize("declared", [None, *Carrier])
def test_zeros_identify_nothing(text, declared):
    with pytest.raises(GtinIsZeros):
        require_trade_item(as_gtin_14(text), declared)


@pytest.mark.parametrize("declared", [None, *Carrier])
def test_indicator_9_needs_a_measure(declared):
    with pytest.raises(MeasureRequired) as error:
        require_trade_item(gtin("9950600013435"), declared)
    assert (error.value.code, error.value.field) == ("measure_required", "gtin")


@pytest.mark.parametrize("measure", ["30", "242", "3103", "3200", "3563", "3600", "8001"])
def test_indicator_9_stands_beside_its_measure(measure):
    measured = gtin("9950600013435")
    assert require_trade_item(measured, beside={"17", measure}) == measured
    with pytest.raises(MeasureRequired):
        require_trade_item(measured, beside={"17", "240"})
    with pytest.raises(RestrictedCirculation):
        require_trade_item(gtin("9201234567890"), beside={measure})


@pytest.mark.parametrize("text", ["01234565", "000001234565", "00000001234565"])
def test_upc_e_comes_first(text):
    with pytest.raises(
        UpcENumber, match=r"UPC-A 012345000065: expected the UPC-A, or carrier ean8$"
    ) as error:
        require_trade_item(as_gtin_14(text))
    assert (error.value.code, error.value.expected) == ("upc_e", "012345000065")


def test_a_declared_ean_8_is_believed():
    assert require_trade_item(as_gtin_14("01234565"), Carrier.EAN8) == "00000001234565"


def test_a_gtin_8_in_another_carrier():
    with pytest.raises(CarrierCannotHold):
        require_trade_item(as_gtin_14("95060019"), Carrier.UPCA)


def test_nonsense_is_no_trade_item():
    with pytest.raises(InvalidGtin):
        require_trade_item("09506000134353")


@given(st.integers(0, 10**13 - 1) | st.integers(0, 10**8), st.sampled_from([None, *Carrier]))
def test_whatever_is_refused_is_doubtful(number, declared):
    digits = gtin(f"{number:013d}")
    try:
        require_trade_item(digits, declared)
    except Gs1Error:
        unsuppressible = declared is Carrier.UPCE and not re.fullmatch(SUPPRESSIBLE_PATTERN, digits)
        assert re.fullmatch(DOUBTFUL_PATTERN, digits) or unsuppressible
