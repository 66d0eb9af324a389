"""Resolvers: the URLs that GS1 Digital Links begin with.

A parser has to find in a link where the resolver ends. Some take the first path segment that is a key, some the
last, and some read the whole path as pairs of key and value. A resolver is accepted where all of them find the
`/01/` that was appended to it.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from gs1.errors import InvalidResolver

#: The names that may stand for Application Identifiers, in lower case.
#: Source: grammar of GS1 Digital Link Standard: URI Syntax 1.1. Later releases withdrew them; parsers keep them.
SHORT_NAMES = frozenset({
    "billto", "cpid", "cpsn", "cpv", "exp", "expdt", "gcn", "gdti", "giai", "ginc", "gln", "glnprod", "glnx", "gmn",
    "grai", "gsin", "gsrn", "gsrnp", "gtin", "itip", "lot", "party", "payto", "purchasedfrom", "refno", "ser",
    "shipfor", "shipto", "srin", "sscc",
})  # fmt: skip

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_SEGMENT = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*"
# RFC 3986, appendix A, without user, query and fragment.
_URL = re.compile(
    rf"https?://{_LABEL}(?:\.{_LABEL})*(?::(?P<port>[1-9][0-9]{{0,4}}))?(?P<path>(?:/{_SEGMENT})*)"
).fullmatch

_URL_EXPECTED = "http:// or https://, a host name (an international one in its xn-- form), perhaps a port and a path, no more"

# Escaped or not, each of them ends a segment for some server or client.
_DELIMITERS = frozenset("/\\%?#;")


@lru_cache(maxsize=1024)
def require_resolver(resolver: str) -> str:
    """Return the resolver without slashes at its end.

    Raises InvalidResolver unless it is an http or https URL of a host name, with a port and a path at most. No
    segment of the path may be, escaped or not, like an Application Identifier (`10`, `8006`) or a name of one
    (`lot`). Longer numbers may only come last.

    >>> require_resolver("https://id.example.com/gs1/")
    'https://id.example.com/gs1'
    """
    url = _URL(resolver)
    if url is None or int(url["port"] or 1) > 65_535:
        raise _error(resolver, _URL_EXPECTED)
    segments = url["path"].rstrip("/").split("/")[1:]
    for position, segment in enumerate(segments, start=1):
        expected = _expected_instead(segment, is_last=position == len(segments))
        if expected is not None:
            raise _error(resolver, expected, segment)
    return resolver.rstrip("/")


def _expected_instead(escaped: str, *, is_last: bool) -> str | None:
    """Return what is expected instead of the path segment; None where it may stand."""
    try:
        segment = unquote(escaped, errors="strict")
    except UnicodeDecodeError:
        return "UTF-8 in its escapes"
    is_number = segment.isdecimal()
    rules = (
        (segment in {"", ".", ".."}, "anything but an empty segment, . or .., which clients remove"),
        (not segment.isprintable(), "printable characters"),
        (not _DELIMITERS.isdisjoint(segment), "no / \\ % ? # or ; in it"),
        (segment.casefold() in SHORT_NAMES, "anything but GS1's short names for Application Identifiers"),
        # An Application Identifier has 2 to 4 digits, and a number before another segment reads as the key of a pair.
        (
            is_number and 2 <= len(segment) <= 4,
            "anything but 2 to 4 digits, which read as an Application Identifier",
        ),
        (is_number and not is_last, "numbers as the last segment only, as elsewhere they read as keys"),
    )
    return next((expected for broken, expected in rules if broken), None)


def _error(resolver: str, expected: str, segment: str | None = None) -> InvalidResolver:
    where = "" if segment is None else f" because of its path segment {segment!r}"
    return InvalidResolver(
        f"{resolver!r} is no resolver{where}: expected {expected}",
        value=resolver,
        expected=expected,
        field="resolver",
    )
