"""UPC-E: eight digits that stand for a UPC-A of which zeros were left out."""

from gs1.check_digit import check_digit


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
