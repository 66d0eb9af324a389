"""The one place that turns errors into RFC 9457 problem documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from accounts.errors import UnusableResolver
from api import errors
from api.auth.principals import WWW_AUTHENTICATE
from api.wire import ErrorDetailOut, ErrorOut
from exports import errors as exports_errors
from exports.errors import Detail, InvalidJobId, InvalidRequest, NotReady
from exports.ports import JobStatus
from gs1.errors import Gs1Error, LabelError
from renderers.sheets.errors import SheetError

MEDIA_TYPE = "application/problem+json"
TYPE_ROOT = "https://closient.com/docs/errors/"


@dataclass(frozen=True, slots=True)
class Problem:
    """How a kind of error is told: HTTP status, code for programs, title, and whether to try again."""

    status: int
    error_code: str
    title: str
    retryable: bool = False


VALIDATION = Problem(422, "validation_error", "Validation Error")
FORBIDDEN = Problem(403, "forbidden", "Forbidden")
CONFLICT = Problem(409, "conflict", "Conflict")
INTERNAL = Problem(500, "internal_error", "Internal Server Error")

#: Looked up along the error's class and its bases: the nearest entry tells it.
PROBLEMS: Mapping[type[LabelError], Problem] = {
    LabelError: INTERNAL,
    Gs1Error: VALIDATION,
    SheetError: VALIDATION,
    InvalidRequest: VALIDATION,
    InvalidJobId: VALIDATION,
    exports_errors.KeyReused: VALIDATION,
    exports_errors.TooManyRows: VALIDATION,
    exports_errors.ExportNotFound: Problem(404, "not_found", "Not Found"),
    NotReady: replace(CONFLICT, retryable=True),
    exports_errors.StillInFlight: replace(CONFLICT, retryable=True),
    exports_errors.AlreadyFinished: CONFLICT,
    exports_errors.NotReprintable: CONFLICT,
    UnusableResolver: CONFLICT,
    exports_errors.Unavailable: Problem(503, "unavailable", "Service Unavailable", retryable=True),
    errors.Unauthorized: Problem(401, "unauthorized", "Unauthorized"),
    errors.Forbidden: FORBIDDEN,
    errors.InvalidToken: FORBIDDEN,
    errors.PayloadTooLarge: Problem(413, "payload_too_large", "Payload Too Large"),
    errors.UnsupportedMediaType: Problem(415, "unsupported_media_type", "Unsupported Media Type"),
    errors.BodyTimeout: Problem(408, "request_timeout", "Request Timeout", retryable=True),
    errors.RateLimited: Problem(429, "rate_limited", "Rate Limited", retryable=True),
}

#: What the framework answers by itself.
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

#: Where the faults lie that have one place in a request.
_PLACES: Mapping[type[LabelError], list[str | int]] = {
    InvalidJobId: ["path", "job_id"],
    exports_errors.KeyReused: ["header", "Idempotency-Key"],
    exports_errors.TooManyRows: ["query", "format"],
    SheetError: ["body", "asset_config", "sheet_template"],
}

_MAX_WORDS = 500

#: Seconds after which to try again what the storage refused.
_STORAGE_RETRY_AFTER = 30

#: Headers that belong to an error's meaning, whatever its body.
_KEPT = frozenset({"allow", "content-range", "retry-after", "vary", "www-authenticate"})


def response(
    problem: Problem,
    detail: str,
    *,
    details: Sequence[Detail] | None = None,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the problem document. `retry_after` is in seconds and also becomes the header."""
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
        details=None if details is None else [_told(fault) for fault in details],
    )
    sent = {"cache-control": "no-store", **(headers or {})}
    if retry_after is not None:
        sent["retry-after"] = str(retry_after)
    return Response(
        body.model_dump_json(exclude_none=True), problem.status, headers=sent, media_type=MEDIA_TYPE
    )


def _told(fault: Detail) -> ErrorDetailOut:
    """Return one fault, in so many words as are read: a message may quote a value as long as the body."""
    words = fault["msg"]
    if len(words) > _MAX_WORDS:
        words = words[:_MAX_WORDS] + "…"
    return ErrorDetailOut(loc=fault["loc"], msg=words, type=fault["type"])


def of_error(error: LabelError) -> Response:
    """Return the problem of a deliberate error. One without an entry of its own is raised, as a crash."""
    kind = next(c for c in type(error).__mro__ if c in PROBLEMS)
    if kind is LabelError:
        raise error  # tells nothing to the client and everything to the log
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
    """Return the problem of a deliberate error."""
    del request
    if not isinstance(error, LabelError):
        raise error
    return of_error(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Return the problem of what the framework raises, keeping its headers (`Allow`, `Retry-After`)."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    return response(of_status(error.status_code), detail_of(error.status_code), headers=error.headers)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Return an answer nobody reads: a client that hangs up in mid-body is no crash of ours."""
    del request, error
    return response(of_status(400), "The body ended early.")


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {
    LabelError: on_label_error,
    HTTPException: on_http_exception,
    ClientDisconnect: on_disconnect,
}


def of_status(status: int) -> Problem:
    """Return how a bare HTTP status is told."""
    if (known := _OF_STATUS.get(status)) is not None:
        return known
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return Problem(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase)


def detail_of(status: int) -> str:
    """Return what a bare HTTP status says in words."""
    return _DETAILS.get(status, f"{of_status(status).title}.")


class EveryErrorIsAProblem:
    """ASGI middleware: no error leaves in another shape.

    A crash becomes a 500 that tells nothing, with the traceback in the log; where the storage failed, a 503
    that asks to try again. What a response class or another middleware writes as plain text (a bad range, a
    refused preflight) becomes a problem too.
    """

    def __init__(self, app: ASGIApp, *, log: FilteringBoundLogger) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replacement: Response | None = None
        started = False

        async def tell(message: Message) -> None:
            nonlocal replacement, started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400:
                    replacement = _in_its_shape(message)
            if replacement is None:
                await send(message)
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                await replacement(scope, receive, send)

        try:
            await self.app(scope, receive, tell)
        except Exception as error:
            self._log.exception("crash")
            if started:
                raise  # nothing can be told any more: the server cuts the connection
            await _of_crash(error)(scope, receive, send)


def _of_crash(error: Exception) -> Response:
    words = exports_errors.storage_words(error)
    if words is None:
        return response(INTERNAL, _DETAILS[500])
    detail = f"The storage cannot be used just now: {words}. The same request may succeed later."
    return of_error(exports_errors.Unavailable(detail, retry_after=_STORAGE_RETRY_AFTER))


def _in_its_shape(start: Message) -> Response | None:
    """Return the problem that stands for an error of another shape, None where it has ours."""
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
    if headers.get("content-type", "").startswith(MEDIA_TYPE):
        return None
    kept = {k: v for k, v in headers.items() if k in _KEPT or k.startswith("access-control-")}
    return response(of_status(start["status"]), detail_of(start["status"]), headers=kept)
