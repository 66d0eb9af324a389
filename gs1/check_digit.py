"""The modulo-10 check digit that ends every fixed-length numeric GS1 key."""

from gs1.errors import InvalidDigits


def check_digit(digits: str) -> int:
    """Return the check digit, 0–9, of a key given without one.

    Weights 3 and 1 alternate from the right. Raises InvalidDigits unless there is at least one digit
    and all are ASCII 0–9.
    Source: GS1 General Specifications, 7.9.1, standard check digit calculation.

    >>> check_digit("629104150021")
    3
    """
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidDigits(f"{digits!r} is not all digits 0–9", value=digits, expected="ASCII digits 0–9")
    numbers = digits.encode("ascii")
    # 48 is "0": it is subtracted once per weight instead of once per digit.
    odd, even = numbers[::-2], numbers[-2::-2]
    total = 3 * (sum(odd) - 48 * len(odd)) + sum(even) - 48 * len(even)
    return -total % 10
