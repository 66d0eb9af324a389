"""UPC-E: eight digits that stand for a UPC-A of which zeros were left out."""

import re

from gs1.check_digit import check_digit

#: How a UPC-A without its check digit must look for its zeros to be left out, and the six digits that stand for it: the
#: groups of the pattern in this order, and a digit behind them. No number matches two patterns. The patterns are for
#: Python and Rust (Polars): match them as a whole.
#: Source: GS1 General Specifications, 5.2.2 (UPC-E symbols); the number of the table in it was not confirmed.
SUPPRESSIONS: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("0([0-9]{2})([0-2])0{4}([0-9]{3})", (1, 3, 2), ""),
    ("0([0-9]{2}[3-9])0{5}([0-9]{2})", (1, 2), "3"),
    ("0([0-9]{3}[1-9])0{5}([0-9])", (1, 2), "4"),
    ("0([0-9]{4}[1-9])0{4}([5-9])", (1, 2), ""),
)

#: A GTIN in 14 digits that a UPC-E symbol can carry.
SUPPRESSIBLE_PATTERN = f"00(?:{'|'.join(pattern for pattern, _, _ in SUPPRESSIONS)})[0-9]"


def upc_a_of(digits: str) -> str | None:
    """Return the UPC-A that eight digits stand for as a UPC-E number, or None where they are none.

    A UPC-E number begins with 0 and has the check digit of its UPC-A. The sixth digit behind the 0 says
    where the zeros were: 0–2 is itself a digit of the UPC-A, 3 and 4 count digits before the zeros,
    and 5–9 is the last digit behind them.
    Source: GS1 General Specifications, 5.2.2 (UPC-E symbols); the number of the table in it was not confirmed.

    >>> upc_a_of("01234565"), upc_a_of("04252614"), upc_a_of("95060019")
    ('012345000065', '042100005264', None)
    """
    if len(digits) != 8 or digits[0] != "0" or not (digits.isascii() and digits.isdigit()):
        return None
    body, last, check = digits[1:6], digits[6], digits[7]
    if last in "012":
        long = f"0{body[:2]}{last}0000{body[2:]}"
    elif last in "34":
        kept = int(last)
        long = f"0{body[:kept]}{'0' * 5}{body[kept:]}"
    else:
        long = f"0{body}0000{last}"
    return long + check if check == str(check_digit(long)) else None


def upc_e_of(upc_a: str) -> str | None:
    """Return the UPC-E number, eight digits, of a UPC-A in twelve; None where its zeros cannot be left out.

    Only `upc_a_of` checks check digits.

    >>> upc_e_of("012345000065"), upc_e_of("042100005264"), upc_e_of("614141000036")
    ('01234565', '04252614', None)
    """
    for pattern, order, last in SUPPRESSIONS:
        if found := re.fullmatch(pattern, upc_a[:-1]):
            return f"0{''.join(found[group] for group in order)}{last}{upc_a[-1]}"
    return None
