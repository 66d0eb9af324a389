"""Global Trade Item Numbers: their normal form, and the barcode symbol that carries one alone."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gs1.check_digit import check_digit
from gs1.errors import CarrierCannotHold, InvalidGtin, MeasureRequired
from gs1.mistaken_gtin import GTIN_LENGTHS, refuse
from gs1.upc_e import upc_e_of


class Carrier(StrEnum):
    """A barcode symbol that carries a GTIN and nothing else."""

    EAN13 = "ean13"
    UPCA = "upca"
    EAN8 = "ean8"
    ITF14 = "itf14"
    UPCE = "upce"


#: Digits each carrier stands for. All but UPC-E, which shows eight, show them too.
#: Source: GS1 General Specifications, 5.2.1 and 5.3.1.
DIGITS: Mapping[Carrier, int] = MappingProxyType(
    {Carrier.EAN13: 13, Carrier.UPCA: 12, Carrier.EAN8: 8, Carrier.ITF14: 14, Carrier.UPCE: 12}
)


def as_gtin_14(text: str) -> str:
    """Return a GTIN-8, -12, -13 or -14 as 14 digits, filled with zeros on the left.

    Nothing is repaired, not even a blank around it: raises InvalidGtin, which says what arrived instead,
    unless the check digit holds. Whether the number is one of open trade is `gs1.trade_item`'s question.
    Source: GS1 General Specifications, 3.3.2 (AI 01) and 7.9.1.

    >>> as_gtin_14("9506000134352")
    '09506000134352'
    """
    if (
        len(text) not in GTIN_LENGTHS
        or not (text.isascii() and text.isdigit())
        or text[-1] != str(check_digit(text[:-1]))
    ):
        refuse(text)
    return text.zfill(14)


def carrier_for(gtin_14: str, declared: Carrier | None = None) -> Carrier:
    """Return the symbol that carries this GTIN alone; `declared` wins where it can hold the GTIN.

    Otherwise the leading zeros decide: none ITF-14, one EAN-13, two to five UPC-A, more EAN-8.
    Raises InvalidGtin unless given a valid 14-digit GTIN; MeasureRequired for indicator digit 9, because a
    variable-measure item needs its measure beside the GTIN and none of these symbols has room for it; and
    CarrierCannotHold where another carrier than EAN-8 is declared for a GTIN-8, and where UPC-E is declared for a
    number whose zeros it cannot leave out. No longer number than a GTIN-8 can begin with so many zeros: GS1 leaves
    those prefixes unused lest they collide with GTIN-8.
    Source: GS1 General Specifications, 2.1 (trade items), 5.3 (ITF-14); release 23.0, figure 1.4.2-1
    (prefixes 0000001 to 0000099).

    >>> carrier_for("09506000134352")
    <Carrier.EAN13: 'ean13'>
    """
    require_gtin_14(gtin_14)
    if gtin_14[0] == "9":
        raise MeasureRequired(
            f"GTIN {gtin_14} has indicator digit 9: it needs a measure beside it, or its variant (AI 242)",
            value=gtin_14,
            expected="indicator digit 0–8",
            field="gtin",
        )
    zeros = len(gtin_14) - len(gtin_14.lstrip("0"))
    if zeros >= 14 - DIGITS[Carrier.EAN8]:
        if declared not in {None, Carrier.EAN8}:
            raise CarrierCannotHold(
                f"carrier {declared} cannot hold GTIN-8 {gtin_14[6:]}: only {Carrier.EAN8} carries a GTIN-8",
                value=declared,
                expected=Carrier.EAN8,
                field="carrier",
            )
        return Carrier.EAN8
    if declared is Carrier.UPCE and (zeros < 14 - DIGITS[declared] or upc_e_of(gtin_14[2:]) is None):
        raise CarrierCannotHold(
            f"carrier {declared} cannot hold GTIN {gtin_14}: it has no zeros where UPC-E leaves them out",
            value=declared,
            expected=f"{Carrier.UPCA}, or a UPC-A of number system 0 whose zeros can be left out",
            field="carrier",
        )
    if declared is not None and zeros >= 14 - DIGITS[declared]:
        return declared
    if zeros == 0:
        return Carrier.ITF14
    return Carrier.EAN13 if zeros == 1 else Carrier.UPCA


def native_digits(gtin_14: str, carrier: Carrier) -> str:
    """Return the digits of this GTIN that `carrier` stands for: 14, 13, 12 or 8 of them.

    Raises InvalidGtin unless given a valid 14-digit GTIN, CarrierCannotHold where digits other than
    leading zeros would be lost.

    >>> native_digits("00012345678905", Carrier.UPCA)
    '012345678905'
    """
    require_gtin_14(gtin_14)
    dropped = 14 - DIGITS[carrier]
    if gtin_14[:dropped].strip("0"):
        raise CarrierCannotHold(
            f"GTIN {gtin_14} does not fit {carrier}: it has more than {DIGITS[carrier]} digits",
            value=gtin_14,
            expected=f"{dropped} leading zeros",
            field="gtin",
        )
    return gtin_14[dropped:]


def require_gtin_14(text: str) -> str:
    """Return `text` where it is a valid GTIN in 14 digits; raises InvalidGtin otherwise."""
    if len(text) != 14:
        raise InvalidGtin(
            f"{text!r} is not a GTIN in 14 digits", value=text, expected="14 digits", field="gtin"
        )
    return as_gtin_14(text)
