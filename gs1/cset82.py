"""The 82 characters that lots, serials and other alphanumeric values may use."""

import re
import string
import unicodedata

from gs1.errors import InvalidCharacters, InvalidLength

#: Source: GS1 General Specifications, figure 7.11-1, GS1 AI encodable character set 82 (a part of ISO/IEC 646).
CSET_82: frozenset[str] = frozenset(string.ascii_letters + string.digits + "!\"%&'()*+,-./:;<=>?_")

#: One character of the set, as the source of a regular expression for Python and for Rust (Polars).
CSET_82_CLASS = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"

#: One to twenty of them. It has no anchors: use `fullmatch`, or put it between `^(?:` and `)$`.
CSET_82_PATTERN = CSET_82_CLASS + "{1,20}"

_FULLMATCH = re.compile(CSET_82_PATTERN).fullmatch


def require_cset_82(text: str, field: str) -> str:
    """Return `text` if it is 1 to 20 characters of CSET 82.

    `field` names the input for the error. Raises InvalidLength or InvalidCharacters.
    Source: GS1 General Specifications, 3.4.1 (lot, AI 10) and 3.5.2 (serial, AI 21).

    >>> require_cset_82("ABC-123/4", "lot_number")
    'ABC-123/4'
    """
    if _FULLMATCH(text) is None:
        raise _error(text, field, 20)
    return text


def require_cset_82_up_to(text: str, field: str, max_length: int) -> str:
    """Return `text` if it is 1 to `max_length` characters of CSET 82; raises as `require_cset_82`."""
    if not 1 <= len(text) <= max_length or not CSET_82.issuperset(text):
        raise _error(text, field, max_length)
    return text


def code_points(text: str, allowed: frozenset[str] = CSET_82) -> str:
    """Return the characters of `text` that are not allowed, each once, by code point and Unicode name.

    Many of them look like an allowed character, or like nothing at all.

    >>> code_points("LOT\u20131\u200b")
    'U+200B ZERO WIDTH SPACE, U+2013 EN DASH'
    """
    outside = sorted(set(text) - allowed)
    return ", ".join(f"U+{ord(each):04X} {unicodedata.name(each, 'CONTROL CHARACTER')}" for each in outside)


def _error(text: str, field: str, max_length: int) -> InvalidCharacters | InvalidLength:
    outside = code_points(text)
    if outside:
        return InvalidCharacters(
            f"{field} {text!r} has characters outside GS1's set of 82: {outside}",
            value=text,
            expected="letters A–Z a–z, digits and ! \" % & ' ( ) * + , - . / : ; < = > ? _",
            field=field,
        )
    return InvalidLength(
        f"{field} {text!r} has {len(text)} characters, expected 1 to {max_length}",
        value=text,
        expected=f"1 to {max_length} characters",
        field=field,
    )
