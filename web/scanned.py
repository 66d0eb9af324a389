r"""What a hand-held scanner types, as elements: a link, an element string, or the digits of a GTIN.

Scanners differ in what they send: with or without the symbology identifier, with FNC1 as the character 29 or as something
that can be seen. A person may type too.
"""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from catalogue.selection import Scope, Selection
from gs1.application_identifiers import APPLICATION_IDENTIFIERS
from gs1.element_string import FNC1, ElementString, parse
from gs1.element_values import require_value
from gs1.errors import Gs1Error, InvalidElementString
from gs1.gtin import as_gtin_14

#: `]` with a letter for the symbology and a digit for its options. Source: ISO/IEC 15424.
_SYMBOLOGY_IDENTIFIER = re.compile(r"\][A-Za-z][0-9]")

#: How scanners show the separator where they cannot send it: its control picture, and names that makers use.
_SHOWN_SEPARATORS = re.compile(
    "\u241d|\u2194|<GS>|\\{GS\\}|<FNC1>|\\{FNC1\\}|\\[GS\\]|\\[FNC1\\]", re.IGNORECASE
)

_BRACKETED = re.compile(r"(?<!\\)\((\d{2,4})\)")

_GTIN_LENGTHS = frozenset({8, 12, 13, 14})


def elements_of(text: str) -> ElementString:
    r"""Return the elements of what was scanned or typed.

    A GTIN alone is the element (01). Raises InvalidElementString if the text is none of the forms, and the errors of
    `parse` for a wrong value.

    >>> elements_of("]d2010950600013435210AB\x1d217")
    (('01', '09506000134352'), ('10', 'AB'), ('21', '7'))
    >>> elements_of("https://id.example.com/01/9506000134352/10/A%2F1?17=270331")
    (('01', '09506000134352'), ('10', 'A/1'), ('17', '270331'))
    >>> elements_of("(01)09506000134352(10)A\\(21)B")
    (('01', '09506000134352'), ('10', 'A(21)B'))
    >>> elements_of("9506 0001 3435 2")
    (('01', '09506000134352'),)
    """
    given = text.strip(" \t\r\n")
    message = _SHOWN_SEPARATORS.sub(FNC1, _SYMBOLOGY_IDENTIFIER.sub("", given, count=1))
    digits = re.sub(r"[ -]", "", message)
    if digits.isascii() and digits.isdecimal() and len(digits) in _GTIN_LENGTHS:
        return (("01", as_gtin_14(digits)),)
    if re.match(r"https?://", message, re.IGNORECASE):
        return _of_link(message)
    if message.startswith("("):
        return _of_brackets(message)
    return parse(message)


def _of_link(link: str) -> ElementString:
    """Return the elements of a Digital Link, uncompressed, on whichever resolver.

    Source: GS1 Digital Link URI syntax: AIs and values are pairs of path segments from the primary key on, and
    parameters of the query whose names are AIs.
    """
    parts = urlsplit(link)
    segments = [unquote(segment) for segment in parts.path.split("/")]
    first = next((at for at, segment in enumerate(segments) if segment == "01"), None)
    if first is None:
        raise InvalidElementString(
            "The link has no GTIN", value=link, expected="a GS1 Digital Link with /01/ and a GTIN"
        )
    rest = segments[first:]
    pairs = [*zip(rest[::2], rest[1::2], strict=False), *parse_qsl(parts.query)]
    return tuple(_checked(ai, value) for ai, value in pairs if ai in APPLICATION_IDENTIFIERS)


def _of_brackets(text: str) -> ElementString:
    found = _BRACKETED.split(text)
    pairs = zip(found[1::2], found[2::2], strict=True)
    return tuple(_checked(ai, value.replace(r"\(", "(")) for ai, value in pairs)


def _checked(ai: str, value: str) -> tuple[str, str]:
    """Return the element. A GTIN gets its 14 digits. Raises the errors of `require_value`."""
    if ai == "01":
        return ai, as_gtin_14(value)
    if ai not in APPLICATION_IDENTIFIERS:
        raise InvalidElementString(
            f"({ai}) is no Application Identifier", value=ai, expected="an AI of the GS1 Syntax Dictionary"
        )
    require_value(ai, value)
    return ai, value


def keys_of(text: str) -> dict[str, str]:
    """Return the GTIN, lot and serial of what was scanned, as `gtin14`, `lot` and `serial`, those that it has.

    Raises what `elements_of` raises; InvalidElementString also if there is no GTIN.

    >>> keys_of("]C1010950600013435210AB")
    {'gtin14': '09506000134352', 'lot': 'AB'}
    """
    names = {"01": "gtin14", "10": "lot", "21": "serial"}
    found = {names[ai]: value for ai, value in elements_of(text) if ai in names}
    if "gtin14" not in found:
        raise InvalidElementString("It has no GTIN", value=text, expected="a GTIN, as (01)")
    return found


def selection_of(organisation: str, scope: Scope, searched: str) -> Selection:
    """Return the rows of what was scanned, or of a text that is no code."""
    if not searched:
        return Selection(organisation, scope)
    try:
        keys = keys_of(searched)
    except Gs1Error:
        return Selection(organisation, scope, text=searched)
    lot = keys.get("lot") if scope is not Scope.PRODUCTS else None
    serial = keys.get("serial") if scope is Scope.SERIALS else None
    return Selection(organisation, scope, gtins=(keys["gtin14"],), lot_number=lot, serial_number=serial)
