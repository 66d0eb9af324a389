"""Validation of account values. Each function returns the value or raises InvalidAccountValue."""

import re
from datetime import datetime
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from accounts.errors import InvalidAccountValue
from accounts.identity import Role
from gs1.errors import InvalidResolver
from gs1.resolver import require_resolver

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NAME_LENGTH = 64
#: Names that are parts of paths: of designs, printers, saved requests and, over HTTP, schedules.
PATH_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
URL_LENGTH = 2048


def slug(text: str) -> str:
    """Return the slug: 1–63 lowercase letters, digits and hyphens, not starting with a hyphen."""
    if SLUG.fullmatch(text) is None:
        raise InvalidAccountValue(
            f"{text!r} is no slug",
            value=text,
            expected="1–63 lowercase letters, digits or hyphens, not starting with a hyphen",
            field="slug",
        )
    return text


def name(text: str) -> str:
    """Return the name: 1–64 printable characters, because terminals and web pages show it."""
    if not 1 <= len(text) <= NAME_LENGTH or not text.isprintable() or text != text.strip():
        raise InvalidAccountValue(
            f"{text!r} is no name",
            value=text,
            expected=f"1–{NAME_LENGTH} printable characters without spaces around them",
            field="name",
        )
    return text


def operator(text: str) -> str:
    """Return the operator's name: 1–64 ASCII characters, because an HTTP header carries it."""
    if _OPERATOR.fullmatch(text) is None:
        raise InvalidAccountValue(
            f"{text!r} is no operator's name",
            value=text,
            expected="1–64 letters, digits and . _ @ + -, beginning with a letter or digit",
            field="name",
        )
    return text


def role(value: Role | str) -> Role:
    """Return the role of that name."""
    try:
        return Role(value)
    except ValueError as error:
        raise InvalidAccountValue(
            f"{value!r} is no role", value=value, expected=" or ".join(Role), field="role"
        ) from error


def limit(requests: int | None, field: str) -> int | None:
    """Return the rate limit in requests: above zero, or None for the service's default."""
    if requests is not None and not 0 < requests <= 1_000_000_000:
        raise InvalidAccountValue(
            f"{requests!r} is no rate limit",
            value=requests,
            expected="a whole number from 1 to 1,000,000,000",
            field=field,
        )
    return requests


def moment(time: datetime | None, field: str) -> datetime | None:
    """Return the time, which must be aware."""
    if time is not None and time.utcoffset() is None:
        raise InvalidAccountValue(f"{time} has no offset", value=time, expected="an aware time", field=field)
    return time


def time_zone(key: str) -> str:
    """Return the key of a time zone of the IANA database."""
    if key not in available_timezones():
        raise InvalidAccountValue(
            f"{key!r} is no time zone",
            value=key,
            expected="an IANA time zone, such as Europe/Berlin",
            field="time_zone",
        )
    return key


def resolver(url: str) -> str:
    """Return the resolver without slashes at its end: an https URL that Digital Links can begin with."""
    expected = f"an https URL of at most {URL_LENGTH:,} characters"
    if len(url) > URL_LENGTH or not url.startswith("https://"):
        raise InvalidAccountValue(
            f"{url!r} is no resolver: expected {expected}", value=url, expected=expected, field="resolver"
        )
    try:
        return require_resolver(url)
    except InvalidResolver as error:
        raise InvalidAccountValue(str(error), value=url, expected=error.expected, field="resolver") from error


def webhook_url(url: str, *, allow_http: bool) -> str:
    """Return the address a webhook posts to. Whether the host is allowed is checked at delivery."""
    parts = _split(url)
    if parts is None or parts.scheme not in ({"https", "http"} if allow_http else {"https"}):
        raise InvalidAccountValue(
            f"{url!r} is no webhook address",
            value=url,
            expected="an https URL without fragment or credentials",
            field="url",
        )
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of an absolute URL without credentials and fragment, or None for anything else."""
    if len(url) > URL_LENGTH or not url.isascii() or any(c <= " " or c in '\x7f\\"<>' for c in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and port != 0 and "@" not in parts.netloc and "#" not in url else None
