"""What a text is that is not a GTIN: the reason somebody needs to mend the right thing."""

import re
from typing import NoReturn

from gs1.check_digit import check_digit
from gs1.cset82 import code_points
from gs1.errors import InvalidGtin, UpcENumber
from gs1.upc_e import upc_a_of

GTIN_LENGTHS = frozenset({8, 12, 13, 14})

_DIGITS = frozenset("0123456789")

#: What else arrives in a column of GTINs, most telling first: the form of it, and its name.
_MISTAKEN_FOR = (
    (re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+"), "a number in spreadsheet notation, its digits lost"),
    (re.compile(r"[0-9]+[.,]0*"), "a number with a decimal point, as spreadsheets write it"),
    (re.compile(r"\][A-Za-z][0-9A-Za-z].*", re.DOTALL), "a scanner's output with its symbology identifier"),
    (re.compile(r"(?i:https?)://.*/01/.*", re.DOTALL), "a GS1 Digital Link"),
    (re.compile(r"\([0-9]{2,4}\).*", re.DOTALL), "an element string"),
    (re.compile(r"\x1d?01[0-9]{14}.*", re.DOTALL), "an element string"),
)  # fmt: skip

#: The GTIN inside one of them.
_INSIDE = re.compile(r"(?:\(01\)|/01/|(?:^|\]..)\x1d?01)([0-9]{14})")


def refuse(text: str) -> NoReturn:
    """Raise InvalidGtin for `text`, or UpcENumber where it is one, with the most helpful reason.

    >>> refuse("9506000134353")
    Traceback (most recent call last):
    gs1.errors.InvalidGtin: GTIN 9506000134353 has check digit 3, expected 2
    """
    for form, name in _MISTAKEN_FOR:
        if form.fullmatch(text):
            inside = _INSIDE.search(text)
            expected = f"the GTIN alone: {inside[1]}" if inside else "the GTIN alone, all its digits as text"
            raise _error(f"{text!r} is {name}, not a GTIN: expected {expected}", text, expected)
    if outside := code_points(text, _DIGITS):
        raise _error(f"{text!r} is not a GTIN: it has {outside}", text, "digits 0–9 alone")
    if len(text) not in GTIN_LENGTHS:
        raise _error(
            f"{text!r} is not a GTIN: it has {len(text)} digits, expected 8, 12, 13 or 14",
            text,
            "8, 12, 13 or 14 digits",
        )
    refuse_upc_e(text)
    expected = f"check digit {check_digit(text[:-1])}"
    raise _error(f"GTIN {text} has check digit {text[-1]}, expected {expected.split()[-1]}", text, expected)


def refuse_upc_e(digits: str) -> None:
    """Raise UpcENumber, which names the UPC-A, where eight digits are a UPC-E number."""
    if upc_a := upc_a_of(digits):
        # Only where the check digit is that of a GTIN-8 too can it be meant as one.
        either = ", or carrier ean8" if digits[-1] == str(check_digit(digits[:-1])) else ""
        raise UpcENumber(
            f"{digits} is the UPC-E number of UPC-A {upc_a}: expected the UPC-A{either}",
            value=digits,
            expected=upc_a,
            field="gtin",
        )


def _error(message: str, text: str, expected: str) -> InvalidGtin:
    return InvalidGtin(message, value=text, expected=expected, field="gtin")
