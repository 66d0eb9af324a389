"""GS1 Digital Link URIs: a trade item, its lot and serial as a path on a resolver."""

import re
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import unquote

from gs1.application_identifiers import APPLICATION_IDENTIFIERS
from gs1.cset82 import CSET_82, require_cset_82
from gs1.element_string import ElementString, require_together
from gs1.element_values import require_value
from gs1.errors import Gs1Error, InvalidDigitalLink, InvalidElementString, InvalidPathSegment
from gs1.gtin import require_gtin_14
from gs1.resolver import require_resolver
from gs1.trade_item_message import date_element

#: The resolver that answers for every GTIN where a brand has none of its own.
DEFAULT_RESOLVER = "https://id.gs1.org"

# Most lots and serials need no escape: one match says so, and that they are 1 to 20 characters of CSET 82.
_PLAIN = re.compile(r"[A-Za-z0-9._\-]{1,20}").fullmatch

# No resolver has a segment "01", so the first one ends it.
_LINK = re.compile(
    r"(?P<resolver>.+?)/01/(?P<gtin_14>[^/?]+)(?:/10/(?P<lot>[^/?]+))?(?:/21/(?P<serial>[^/?]+))?"
    r"(?:\?(?P<query>.+))?"
).fullmatch
_AIS = {"gtin_14": "01", "lot": "10", "serial": "21"}

# RFC 3986, 2.3: these alone never need an escape.
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")

#: The characters of a value that a link holds as `%` and two hexadecimal digits.
ESCAPES: Mapping[str, str] = MappingProxyType(
    {character: f"%{ord(character):02X}" for character in sorted(CSET_82 - _UNRESERVED)}
)
_TRANSLATION = str.maketrans(dict(ESCAPES))

#: A lot or serial that no link can carry: every client removes such a segment from a path.
DOT_SEGMENTS = frozenset({".", ".."})


def digital_link(
    resolver: str,
    gtin_14: str,
    *,
    lot: str | None = None,
    serial: str | None = None,
    expiry: str | None = None,
    best_before: str | None = None,
    attributes: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the GS1 Digital Link URI: resolver, `/01/…`, `/10/…`, `/21/…`, then the query, as `?17=…`.

    Values are percent-encoded but for A–Z a–z 0–9 - . _ ~. `None` and the empty text both
    mean unknown. Dates are YYMMDD; where both are known the expiry is carried. `attributes` are further AIs with their
    values; those of the query ascend as text. Raises InvalidResolver,
    InvalidGtin, InvalidCharacters, InvalidLength, InvalidDate, and InvalidPathSegment for the lot or serial
    `.` or `..`, which every client removes from a path, escaped or not. For attributes it raises what
    `gs1.element_values.require_value` and `gs1.element_string.require_together` do, and InvalidElementString for an AI
    that is no attribute of links.
    Source: GS1 Digital Link Standard: URI Syntax, section 4; RFC 3986, 2.3 and 5.2.4.

    >>> digital_link("https://id.gs1.org", "09506000134352", lot="A/1", expiry="270331")
    'https://id.gs1.org/01/09506000134352/10/A%2F1?17=270331'
    """
    link = _stem(resolver, gtin_14)
    if lot:
        link += "/10/" + _segment(lot, "lot_number")
    if serial:
        link += "/21/" + _segment(serial, "serial_number")
    dated = date_element(expiry, best_before)
    queried = (*([dated] if dated else ()), *attributes)
    return link + _query(tuple(sorted(queried))) if queried else link


def parse_digital_link(link: str) -> tuple[str, ElementString]:
    """Return the resolver and the elements of a link that `digital_link` wrote: its inverse.

    Raises InvalidDigitalLink for every other text, also for links that mean the same in other letters.

    >>> parse_digital_link("https://id.gs1.org/01/09506000134352/10/A%2F1?17=270331")
    ('https://id.gs1.org', (('01', '09506000134352'), ('10', 'A/1'), ('17', '270331')))
    """
    match = _LINK(link)
    found = {} if match is None else {name: text for name, text in match.groupdict().items() if text}
    values = {name: unquote(found[name]) for name in _AIS if name in found}
    try:
        pairs = [pair.split("=", 1) for pair in found.get("query", "").split("&") if pair]
        attributes = [(ai, unquote(value)) for ai, value in pairs]
        if found and digital_link(found["resolver"], **values, attributes=attributes) == link:
            return found["resolver"], (*((_AIS[name], value) for name, value in values.items()), *attributes)
    except (Gs1Error, ValueError) as error:
        raise _not_a_link(link) from error
    raise _not_a_link(link)


def _not_a_link(link: str) -> InvalidDigitalLink:
    expected = "resolver, /01/, /10/, /21/, then attributes such as ?17=, escaped as digital_link does"
    return InvalidDigitalLink(
        f"{link!r} is not a Digital Link of this form: {expected}",
        value=link,
        expected=expected,
        field="link",
    )


@lru_cache(maxsize=65_536)
def _stem(resolver: str, gtin_14: str) -> str:
    # Few products, many labels: the check digit is verified once per product.
    return f"{require_resolver(resolver)}/01/{require_gtin_14(gtin_14)}"


@lru_cache(maxsize=4_096)
def _query(attributes: ElementString) -> str:
    # (10) and (21) are on the path if there are any, and need or exclude nothing more than (01).
    require_together(("01", *(ai for ai, _ in attributes)))
    for ai, value in attributes:
        require_value(ai, value)
        identifier = APPLICATION_IDENTIFIERS[ai]
        if not identifier.digital_link_attribute or ai in APPLICATION_IDENTIFIERS["01"].key_qualifiers:
            raise InvalidElementString(
                f"({ai}) does not stand in the query of a Digital Link", value=ai, expected="an attribute"
            )
    return "?" + "&".join(f"{ai}={value.translate(_TRANSLATION)}" for ai, value in attributes)


def _segment(text: str, field: str) -> str:
    if _PLAIN(text) is None:
        return require_cset_82(text, field).translate(_TRANSLATION)
    if text in DOT_SEGMENTS:
        raise InvalidPathSegment(
            f"{field} {text!r} cannot stand in a URI: clients remove it from the path",
            value=text,
            expected="anything but . and ..",
            field=field,
        )
    return text
