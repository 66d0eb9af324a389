"""GS1 Digital Link URIs: a trade item, its lot and serial as a path on a resolver."""

import re
import string
from functools import lru_cache
from urllib.parse import urlsplit

from gs1.cset82 import CSET_82, require_cset_82
from gs1.errors import InvalidPathSegment, InvalidResolver
from gs1.gtin import require_gtin_14
from gs1.trade_item_message import date_element

#: The resolver that answers for every GTIN where a brand has none of its own.
DEFAULT_RESOLVER = "https://id.gs1.org"

# Most lots and serials need no escape: one match says so, and that they are 1 to 20 characters of CSET 82.
_PLAIN = re.compile(r"[A-Za-z0-9._\-]{1,20}").fullmatch

# RFC 3986, 2.3: these alone never need an escape.
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_ESCAPES = {ord(character): f"%{ord(character):02X}" for character in CSET_82 - _UNRESERVED}

# RFC 3986, appendix A, without "?" and "#": a bare one leaves no trace in the parts that urlsplit returns.
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/\[\]\-]+").fullmatch

_DOT_SEGMENTS = frozenset({".", ".."})


def digital_link(
    resolver: str,
    gtin_14: str,
    *,
    lot: str | None = None,
    serial: str | None = None,
    expiry: str | None = None,
    best_before: str | None = None,
) -> str:
    """Return the GS1 Digital Link URI: resolver, `/01/…`, `/10/…`, `/21/…`, then `?17=` or `?15=`.

    Path values are percent-encoded but for A–Z a–z 0–9 - . _ ~. `None` and the empty text both
    mean unknown. Dates are YYMMDD; where both are known the expiry is carried. Raises InvalidResolver,
    InvalidGtin, InvalidCharacters, InvalidLength, InvalidDate, and InvalidPathSegment for the lot or serial
    `.` or `..`, which every client removes from a path, escaped or not.
    Source: GS1 Digital Link Standard: URI Syntax, section 4; RFC 3986, 2.3 and 5.2.4.

    >>> digital_link("https://id.gs1.org", "09506000134352", lot="A/1", expiry="270331")
    'https://id.gs1.org/01/09506000134352/10/A%2F1?17=270331'
    """
    link = _stem(resolver, gtin_14)
    if lot:
        link += "/10/" + _segment(lot, "lot_number")
    if serial:
        link += "/21/" + _segment(serial, "serial_number")
    return link + _query(expiry, best_before) if expiry or best_before else link


@lru_cache(maxsize=1024)
def require_resolver(resolver: str) -> str:
    """Return the resolver without slashes at its end.

    Raises InvalidResolver unless it is an absolute http or https URL in ASCII without user, query,
    fragment, blanks or control characters; it may have a path.

    >>> require_resolver("https://id.example.com/gs1/")
    'https://id.example.com/gs1'
    """
    if not _is_resolver(resolver):
        raise InvalidResolver(
            f"{resolver!r} is not a resolver: expected an http or https URL without query and fragment",
            value=resolver,
            expected="an http or https URL without query and fragment",
            field="resolver",
        )
    return resolver.rstrip("/")


def _is_resolver(text: str) -> bool:
    if _URL_CHARACTERS(text) is None:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and port != 0
    )


@lru_cache(maxsize=65_536)
def _stem(resolver: str, gtin_14: str) -> str:
    # Few products, many labels: the check digit is verified once per product.
    return f"{require_resolver(resolver)}/01/{require_gtin_14(gtin_14)}"


@lru_cache(maxsize=4_096)
def _query(expiry: str | None, best_before: str | None) -> str:
    dated = date_element(expiry, best_before)
    return f"?{dated[0]}={dated[1]}" if dated else ""


def _segment(text: str, field: str) -> str:
    if _PLAIN(text) is None:
        return require_cset_82(text, field).translate(_ESCAPES)
    if text in _DOT_SEGMENTS:
        raise InvalidPathSegment(
            f"{field} {text!r} cannot stand in a URI: clients remove it from the path",
            value=text,
            expected="anything but . and ..",
            field=field,
        )
    return text
