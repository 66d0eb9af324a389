"""Reading and checking a request's path, query, headers and body."""

import re
from functools import partial
from typing import TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from api.errors import BodyTimeout, PayloadTooLarge, UnsupportedMediaType
from api.settings import ApiSettings
from api.wire.requests import IDEMPOTENCY_KEY
from exports.errors import InvalidRequest
from exports.jobs.job_id import run_id_for
from exports.requests.details import bounded, details_of

_MAX_KEY_LENGTH = 255
# A String of Structured Fields (RFC 9651, 3.3.3), or the same characters without quotes.
_QUOTED_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE_KEY = re.compile(r"[!#-~][ !#-~]*")

_Query = TypeVar("_Query", bound=BaseModel)


def query(request: Request, model: type[_Query], *, signed: bool = False) -> _Query:
    """Return the query string as a model. The token of a `signed` link is no part of it.

    Raises InvalidRequest, also for an unknown or repeated parameter, because a misspelled filter must not widen
    a list.
    """
    given = request.query_params.multi_items()
    pairs = [(name, value) for name, value in given if not (signed and name == "token")]
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _invalid_query(
            [{"loc": ["query", bounded(twice)], "msg": "Input should be given once", "type": "repeated"}]
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid_query(details_of(error, "query")) from error


def job_id(request: Request) -> str:
    """Return the job id of the path. Raises InvalidJobId if it is malformed, ExportNotFound if no job can have it."""
    found: str = request.path_params["job_id"]
    run_id_for(found)
    return found


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key without quotes, or None if there is none. Raises InvalidRequest if malformed."""
    given = request.headers.getlist(IDEMPOTENCY_KEY)
    if not given:
        return None
    if len(given) == 1:
        if (quoted := _QUOTED_KEY.fullmatch(given[0])) is not None:
            key = re.sub(r"\\(.)", r"\1", quoted[1])
        elif _BARE_KEY.fullmatch(given[0]) is not None:
            key = given[0]
        else:
            key = ""
        if 1 <= len(key) <= _MAX_KEY_LENGTH:
            return key
    message = f"Input should be one string of 1 to {_MAX_KEY_LENGTH} printable ASCII characters"
    raise InvalidRequest(
        [{"loc": ["header", IDEMPOTENCY_KEY], "msg": message, "type": "idempotency_key"}],
        f"The {IDEMPOTENCY_KEY} header is malformed.",
    )


async def json_body(request: Request, settings: ApiSettings) -> bytes:
    """Return the body of a JSON request, of at most `settings.max_body_bytes`.

    Raises UnsupportedMediaType, PayloadTooLarge, BodyTimeout.
    """
    _require_json(request)
    limit = settings.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise PayloadTooLarge(limit)
    body = bytearray()
    try:
        with anyio.fail_after(settings.body_timeout_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise PayloadTooLarge(limit)
    except TimeoutError as error:
        raise BodyTimeout(settings.body_timeout_seconds) from error
    return bytes(body)


def _require_json(request: Request) -> None:
    header = request.headers.get("content-type")
    kind, *parameters = [part.strip().lower() for part in (header or "").split(";")]
    charsets = [p.partition("=")[2].strip('" ') for p in parameters if p.startswith("charset")]
    if kind != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaType(header)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(encoding, "sent without Content-Encoding")


_invalid_query = partial(InvalidRequest, message="The query is not valid.")
