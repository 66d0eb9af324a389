"""What a request carries, read and checked: path, query, headers and body."""

import re
from functools import partial
from typing import Annotated, TypeVar

import anyio
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from api.errors import BodyTimeout, PayloadTooLarge, UnsupportedMediaType
from api.settings import ApiSettings
from exports.errors import Detail, InvalidRequest
from exports.jobs.job_id import run_id_for
from exports.ports import JobStatus, Page, ReportFormat
from exports.requests.request import Gtin14

IDEMPOTENCY_KEY = "Idempotency-Key"

_MAX_KEY_LENGTH = 255
# A string of structured fields (RFC 9651, 3.3.3), or the same characters without quotes.
_QUOTED_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE_KEY = re.compile(r"[!#-~][ !#-~]*")

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_MAX_NAME_LENGTH = 64


def _number(value: object) -> object:
    """Return the number that plain digits are: no sign, no blank, no exponent."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            raise PydanticCustomError("int_parsing", "Input should be a number, in digits")
        return int(value)
    return value


class PageQuery(BaseModel):
    """Which page of a list: 25 entries unless told otherwise, at most 100."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_number)] = 1
    page_size: Annotated[int, Field(ge=1, le=100), BeforeValidator(_number)] = 25

    def to_page(self) -> Page:
        return Page(self.page, self.page_size)


class JobsQuery(PageQuery):
    """Which label exports to list."""

    status: JobStatus | None = None


_Text = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class PrintHistoryQuery(PageQuery):
    """Which printed labels to list; each filter narrows."""

    gtin: Gtin14 | None = None
    lot: _Text | None = None
    serial: _Text | None = None


class ReportQuery(BaseModel):
    """In which format a report is wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[ReportFormat, WithJsonSchema({"type": "string", "enum": list(ReportFormat)})] = (
        ReportFormat.CSV
    )


_Query = TypeVar("_Query", bound=BaseModel)


def query(request: Request, model: type[_Query], *, signed: bool = False) -> _Query:
    """Return the query string as the model has it; of a `signed` link without its token.

    Raises InvalidRequest, also for a parameter that is unknown or given twice: a misspelled filter must
    not widen a list.
    """
    pairs = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if not (signed and name == "token")
    ]
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _invalid_query([_fault(["query", twice], "Input should be given once", "repeated")])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise _invalid_query(
            [_fault(["query", *fault["loc"]], fault["msg"], fault["type"]) for fault in faults]
        ) from error


def job_id(request: Request) -> str:
    """Return the path's job id. Raises InvalidJobId or ExportNotFound for one that no run can have."""
    found: str = request.path_params["job_id"]
    run_id_for(found)
    return found


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key without its quotes. Raises InvalidRequest for one that is malformed."""
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
    fault = _fault(["header", IDEMPOTENCY_KEY], message, "idempotency_key")
    raise InvalidRequest([fault], f"The {IDEMPOTENCY_KEY} header is malformed.")


async def json_body(request: Request, settings: ApiSettings) -> bytes:
    """Return the body of a request that says it is plain JSON, reading no more of it than the limit.

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


def _fault(loc: list[str | int], message: str, kind: str) -> Detail:
    shown = [step[:_MAX_NAME_LENGTH] if isinstance(step, str) else step for step in loc]
    return {"loc": shown, "msg": message, "type": kind}


_invalid_query = partial(InvalidRequest, message="The query is not valid.")
