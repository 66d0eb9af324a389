"""Which numbers identify trade items of open trade, and which only look like it."""

import re
from collections.abc import Collection

from gs1.application_identifiers import matching
from gs1.errors import CouponOrRefund, GtinIsZeros, NotForOpenTrade, RestrictedCirculation
from gs1.gtin import Carrier, carrier_for, require_gtin_14
from gs1.mistaken_gtin import refuse_upc_e

# Patterns of 14 digits for Python, Rust (Polars) and DuckDB: match them as a whole. They read the GS1 Prefix
# behind the indicator digit, so that a restricted number inside a GTIN-14 is one too.

#: Restricted circulation numbers: GS1 Prefixes 02, 04 and 20–29, GS1-8 Prefixes 000–099 and 200–299.
#: Source: GS1 General Specifications, release 23.0, figures 1.4.2-1 and 1.4.3-1 (in release 26.0 tables 1-4 and 1-5).
RESTRICTED_PATTERN = r"[0-9](?:0[24]|2[0-9]|0{5}[02])[0-9]*"

#: Refund receipts (980) and coupons (981–983, 99). Source: the same figure 1.4.2-1. Prefix 05 was coupons of
#: U.P.C. number system 5; the figure reserves it for GS1 US, so that no trade item has it either.
COUPON_PATTERN = r"[0-9](?:05|98[0-3]|99)[0-9]*"

#: AIs of which one must stand beside a GTIN with indicator digit 9: a measure or count of a variable-measure item, the
#: dimensions of a roll, or the variation of an item made to order.
#: Source: GS1 General Specifications, mandatory associations of element strings; the Syntax Dictionary does not have
#: this rule, and its section was not read for this release.
VARIABLE_MEASURES: frozenset[str] = frozenset[str]().union(
    *map(matching, ("242", "30", "31nn", "32nn", "35nn", "36nn", "8001"))
)

#: Every number that `require_trade_item` refuses beside a measure, with some carrier other than UPC-E, matches this; so do
#: others. What UPC-E can carry matches `gs1.upc_e.SUPPRESSIBLE_PATTERN`.
DOUBTFUL_BESIDE_MEASURE_PATTERN = rf"[0-9]0{{5}}[0-9]*|{RESTRICTED_PATTERN}|{COUPON_PATTERN}"

#: The same of numbers that may stand without a measure.
DOUBTFUL_PATTERN = rf"9[0-9]*|{DOUBTFUL_BESIDE_MEASURE_PATTERN}"

_KINDS: tuple[tuple[re.Pattern[str], str, type[NotForOpenTrade]], ...] = (
    (re.compile(RESTRICTED_PATTERN), "restricted circulation number", RestrictedCirculation),
    (re.compile(COUPON_PATTERN), "number of a coupon or refund receipt", CouponOrRefund),
)


def open_trade_fault(gtin_14: str, field: str = "gtin") -> NotForOpenTrade | None:
    """Return why the number is no GTIN of open trade, None where it is one. `field` names the input at fault.

    Such a number may be drawn in EAN/UPC alone: no AI (01), no Digital Link, no ITF-14.
    Source: GS1 General Specifications, release 18, 2.1.13.2 (carriers of RCN-13: EAN-13 and UPC-A).

    >>> str(open_trade_fault("02012345678903"))
    '02012345678903 is a restricted circulation number, which only EAN/UPC may carry'
    """
    for pattern, kind, error in _KINDS:
        if pattern.fullmatch(gtin_14):
            return error(
                f"{gtin_14} is a {kind}, which only EAN/UPC may carry",
                value=gtin_14,
                expected="the GTIN of a trade item in open trade",
                field=field,
            )
    return None


def require_open_trade(gtin_14: str) -> str:
    """Return the GTIN where open trade knows it; raises RestrictedCirculation or CouponOrRefund."""
    if fault := open_trade_fault(gtin_14):
        raise fault
    return gtin_14


def require_trade_item(
    gtin_14: str, declared: Carrier | None = None, beside: Collection[str] = frozenset()
) -> str:
    """Return a GTIN of 14 digits that may stand in some symbol, given the carrier declared for it.

    `beside` are the AIs beside it. Raises InvalidGtin; GtinIsZeros; MeasureRequired for indicator digit 9 without any
    of VARIABLE_MEASURES; CarrierCannotHold where another
    carrier than EAN-8 is declared for a GTIN-8; UpcENumber for eight digits that begin with 0 and are a UPC-E
    number, unless EAN-8 is declared; RestrictedCirculation or CouponOrRefund for such a number inside a
    GTIN-14 or declared for ITF-14. The error's field is `gtin` or `carrier`.

    >>> require_trade_item("00000001234565")
    Traceback (most recent call last):
    gs1.errors.UpcENumber: 01234565 is the UPC-E number of UPC-A 012345000065: expected the UPC-A, or carrier ean8
    """
    require_gtin_14(gtin_14)
    if not gtin_14.strip("0"):
        raise GtinIsZeros(
            f"GTIN {gtin_14} identifies nothing", value=gtin_14, expected="other digits than 0", field="gtin"
        )
    if declared is not Carrier.EAN8 and gtin_14.startswith("0" * 7):
        refuse_upc_e(gtin_14[6:])
    is_measured = gtin_14[0] == "9" and not VARIABLE_MEASURES.isdisjoint(beside)
    if (is_measured or carrier_for(gtin_14, declared) is Carrier.ITF14) and (
        fault := open_trade_fault(gtin_14, "carrier" if gtin_14[0] == "0" else "gtin")
    ):
        raise fault
    return gtin_14
