"""Errors as RFC 9457 problem documents: the table, and the exception handlers that use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from accounts.errors import (
    DesignChanged,
    NoSuchDesign,
    NoSuchName,
    NoSuchSchedule,
    TooManyDesigns,
    TooManyNames,
    UnusableResolver,
)
from api import errors
from api.auth.principals import WWW_AUTHENTICATE
from api.wire.answers import ErrorDetailOut, ErrorOut
from api.wire.requests import IDEMPOTENCY_KEY
from exports import errors as exports_errors
from exports.errors import Detail, InvalidJobId, InvalidRequest, NotReady
from exports.ports import JobStatus
from gs1.errors import Gs1Error, LabelError
from renderers.sheets.errors import SheetError

MEDIA_TYPE = "application/problem+json"
TYPE_ROOT = "https://closient.com/docs/errors/"


@dataclass(frozen=True, slots=True)
class Problem:
    """The HTTP status, the code for programs and the title of a kind of error, and whether a retry may help."""

    status: int
    error_code: str
    title: str
    retryable: bool = False


VALIDATION = Problem(422, "validation_error", "Validation Error")
FORBIDDEN = Problem(403, "forbidden", "Forbidden")
CONFLICT = Problem(409, "conflict", "Conflict")
RATE_LIMITED = Problem(429, "rate_limited", "Rate Limited", retryable=True)
INTERNAL = Problem(500, "internal_error", "Internal Server Error")

#: The problem of an error is that of its class, or else of the nearest base class.
PROBLEMS: Mapping[type[LabelError], Problem] = {
    LabelError: INTERNAL,
    Gs1Error: VALIDATION,
    SheetError: VALIDATION,
    InvalidRequest: VALIDATION,
    InvalidJobId: VALIDATION,
    exports_errors.KeyReused: VALIDATION,
    exports_errors.TooManyRows: VALIDATION,
    exports_errors.ExportNotFound: Problem(404, "not_found", "Not Found"),
    exports_errors.ImportNotFound: Problem(404, "not_found", "Not Found"),
    NoSuchDesign: Problem(404, "not_found", "Not Found"),
    NoSuchName: Problem(404, "not_found", "Not Found"),
    NoSuchSchedule: Problem(404, "not_found", "Not Found"),
    TooManyDesigns: CONFLICT,
    TooManyNames: CONFLICT,
    DesignChanged: replace(CONFLICT, retryable=True),
    exports_errors.TrayTaken: replace(CONFLICT, retryable=True),
    exports_errors.TrayChanged: CONFLICT,
    NotReady: replace(CONFLICT, retryable=True),
    exports_errors.StillInFlight: replace(CONFLICT, retryable=True),
    exports_errors.AlreadyFinished: CONFLICT,
    exports_errors.NotReprintable: CONFLICT,
    exports_errors.StorageIsFull: CONFLICT,
    UnusableResolver: CONFLICT,
    exports_errors.Unavailable: Problem(503, "unavailable", "Service Unavailable", retryable=True),
    errors.Unauthorized: Problem(401, "unauthorized", "Unauthorized"),
    errors.Forbidden: FORBIDDEN,
    errors.InvalidToken: FORBIDDEN,
    errors.PayloadTooLarge: Problem(413, "payload_too_large", "Payload Too Large"),
    errors.UnsupportedMediaType: Problem(415, "unsupported_media_type", "Unsupported Media Type"),
    errors.BodyTimeout: Problem(408, "request_timeout", "Request Timeout", retryable=True),
    errors.RateLimited: RATE_LIMITED,
    exports_errors.TooManyOpenJobs: RATE_LIMITED,
}

#: The problems of statuses that the framework answers with.
_OF_STATUS: Mapping[int, Problem] = {
    400: Problem(400, "bad_request", "Bad Request"),
    416: Problem(416, "range_not_satisfiable", "Range Not Satisfiable"),
    **{p.status: p for p in PROBLEMS.values()},
    405: Problem(405, "method_not_allowed", "Method Not Allowed"),
    409: CONFLICT,
}

_DETAILS: Mapping[int, str] = {
    404: "The requested resource was not found.",
    405: "This resource does not take that method.",
    413: "The body is too large.",
    416: "The range lies outside the artefact.",
    500: "Something went wrong on our side. It has been logged.",
}

#: The location in the request of errors that have exactly one.
_PLACES: Mapping[type[LabelError], list[str | int]] = {
    InvalidJobId: ["path", "job_id"],
    exports_errors.KeyReused: ["header", IDEMPOTENCY_KEY],
    exports_errors.TooManyRows: ["query", "format"],
    SheetError: ["body", "asset_config", "sheet_template"],
}

#: Longest message of a detail, in characters. A message may quote a value as long as the body.
_MAX_MESSAGE_LENGTH = 500


def response(
    problem: Problem,
    detail: str,
    *,
    details: Sequence[Detail] | None = None,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the problem as a response. `retry_after` is in seconds; it is sent in the body and as a header."""
    body = ErrorOut(
        type=TYPE_ROOT + problem.error_code,
        title=problem.title,
        status=problem.status,
        detail=detail,
        error_code=problem.error_code,
        retryable=problem.retryable,
        timestamp=datetime.now(UTC).replace(microsecond=0),
        retry_after=retry_after,
        retry_after_seconds=retry_after,
        details=None if details is None else [_detail(fault) for fault in details],
    )
    sent = {"cache-control": "no-store", **(headers or {})}
    if retry_after is not None:
        sent["retry-after"] = str(retry_after)
    return Response(
        body.model_dump_json(exclude_none=True), problem.status, headers=sent, media_type=MEDIA_TYPE
    )


def _detail(fault: Detail) -> ErrorDetailOut:
    message = fault["msg"]
    if len(message) > _MAX_MESSAGE_LENGTH:
        message = message[:_MAX_MESSAGE_LENGTH] + "…"
    return ErrorDetailOut(loc=fault["loc"], msg=message, type=fault["type"])


def of_error(error: LabelError) -> Response:
    """Return the problem of one of our errors. Raises the error if `PROBLEMS` has no class of it but `LabelError`."""
    kind = next(c for c in type(error).__mro__ if c in PROBLEMS)
    if kind is LabelError:
        raise error
    problem = PROBLEMS[kind]
    headers: dict[str, str] = {}
    details: list[Detail] | None = None
    if isinstance(error, errors.Unauthorized):
        headers["www-authenticate"] = WWW_AUTHENTICATE
    elif isinstance(error, errors.BodyTimeout):
        headers["connection"] = "close"
    elif isinstance(error, InvalidRequest):
        details = error.details
    elif kind in _PLACES:
        details = [{"loc": _PLACES[kind], "msg": str(error), "type": error.code}]
    elif isinstance(error, NotReady) and error.value == JobStatus.FAILED:
        problem = CONFLICT
    retry_after: int | None = getattr(error, "retry_after", None)
    return response(problem, str(error), details=details, retry_after=retry_after, headers=headers)


async def on_label_error(request: Request, error: Exception) -> Response:
    """Return the problem of one of our errors."""
    del request
    if not isinstance(error, LabelError):
        raise error
    return of_error(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Return the problem of an error of the framework, with its headers (`Allow`, `Retry-After`)."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    return response(of_status(error.status_code), detail_of(error.status_code), headers=error.headers)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Return 400 for a client that disconnects while sending its body, so that this is not logged as a crash."""
    del request, error
    return response(of_status(400), "The body ended early.")


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {
    LabelError: on_label_error,
    HTTPException: on_http_exception,
    ClientDisconnect: on_disconnect,
}


def of_status(status: int) -> Problem:
    """Return the problem of an HTTP status."""
    if (known := _OF_STATUS.get(status)) is not None:
        return known
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return Problem(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase)


def detail_of(status: int) -> str:
    """Return the detail of an HTTP status."""
    return _DETAILS.get(status, f"{of_status(status).title}.")
