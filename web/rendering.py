"""Pages from templates: all text for people is in `templates/`, and every value is escaped."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from web.visitors import CSRF_FIELD, Visitor

STATIC = Path(str(files("web"))) / "static"

#: Scripts and styles are files of ours. Pictures may be in the page, since previews are drawn for one visitor.
HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
}

_SIZES = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def page(
    request: Request, template: str, visitor: Visitor | None = None, *, status_code: int = 200, **values: Any
) -> Response:
    """Return the page that the template makes of the values. `visitor` is None where nobody is signed in."""
    text = _templates().get_template(template).render(request=request, visitor=visitor, **values)
    return HTMLResponse(text, status_code, HEADERS)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = environment.filters
    filters.update(
        bytes=bytes_in_words, count=count_in_words, iso=iso_of, seconds=seconds_in_words, time=time_in_words
    )
    shared: dict[str, Any] = environment.globals
    shared.update(asset=asset, csrf_field=CSRF_FIELD)
    return environment


@cache
def asset(name: str) -> str:
    """Return the address of a static file. It changes with the content, so browsers may keep the file for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def indented(document: Mapping[str, Any]) -> str:
    """Return a JSON document as people read it."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def bytes_in_words(size: int) -> str:
    """Return a size as people read it.

    >>> bytes_in_words(2_500_000)
    '2.4 MB'
    """
    for unit, name in _SIZES:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def count_in_words(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number of things.

    >>> count_in_words(1, "label"), count_in_words(12_000, "label")
    ('1 label', '12,000 labels')
    """
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def seconds_in_words(seconds: float) -> str:
    """Return a duration as people read it.

    >>> seconds_in_words(0.1234), seconds_in_words(75.2), seconds_in_words(7_300)
    ('0.12 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def iso_of(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def time_in_words(time: datetime) -> str:
    """Return a time in UTC to the minute. The page's script shows it in the reader's own time zone."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
