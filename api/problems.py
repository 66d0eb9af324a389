"""The one place that turns errors into RFC 9457 problem documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from api import errors
from exports.errors import Detail, ExportNotFound, InvalidJobId, InvalidRequest, NotReady, Unavailable
from gs1.errors import Gs1Error, LabelError

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
INTERNAL = Problem(500, "internal_error", "Internal Server Error")

#: Looked up along the error's class and its bases: the nearest entry tells it.
PROBLEMS: Mapping[type[LabelError], Problem] = {
    LabelError: INTERNAL,
    Gs1Error: VALIDATION,
    InvalidRequest: VALIDATION,
    InvalidJobId: VALIDATION,
    ExportNotFound: Problem(404, "not_found", "Not Found"),
    NotReady: Problem(409, "conflict", "Conflict", retryable=True),
    Unavailable: Problem(503, "unavailable", "Service Unavailable", retryable=True),
    errors.Unauthorized: Problem(401, "unauthorized", "Unauthorized"),
    errors.Forbidden: FORBIDDEN,
    errors.InvalidToken: FORBIDDEN,
    errors.PayloadTooLarge: Problem(413, "payload_too_large", "Payload Too Large"),
    errors.UnsupportedMediaType: Problem(415, "unsupported_media_type", "Unsupported Media Type"),
}

#: What the framework answers by itself.
_OF_STATUS: Mapping[int, Problem] = {
    400: Problem(400, "bad_request", "Bad Request"),
    416: Problem(416, "range_not_satisfiable", "Range Not Satisfiable"),
    **{p.status: p for p in PROBLEMS.values()},
    403: FORBIDDEN,
    405: Problem(405, "method_not_allowed", "Method Not Allowed"),
    409: Problem(409, "conflict", "Conflict"),
    422: VALIDATION,
    429: Problem(429, "rate_limited", "Rate Limited", retryable=True),
}

_DETAILS: Mapping[int, str] = {
    404: "The requested resource was not found.",
    405: "This resource does not take that method.",
    413: "The body is too large.",
    416: "The range lies outside the artefact.",
    500: "Something went wrong on our side. It has been logged.",
}


def response(
    problem: Problem,
    detail: str,
    *,
    details: Sequence[Detail] | None = None,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the problem document. `retry_after` is in seconds and also becomes the header."""
    body: dict[str, Any] = {
        "type": TYPE_ROOT + problem.error_code,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "error_code": problem.error_code,
        "retryable": problem.retryable,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    sent = {"cache-control": "no-store", **(headers or {})}
    if details is not None:
        body["details"] = list(details)
    if retry_after is not None:
        body["retry_after"] = retry_after
        sent["retry-after"] = str(retry_after)
    return JSONResponse(body, problem.status, headers=sent, media_type=MEDIA_TYPE)


async def on_label_error(request: Request, error: Exception) -> Response:
    """Return the problem of a deliberate error. One without an entry of its own is raised on, as a crash."""
    del request
    kind = next(c for c in type(error).__mro__ if c in PROBLEMS)
    if kind is LabelError:
        raise error  # tells nothing to the client and everything to the log
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unauthorized):
        headers["www-authenticate"] = 'ApiKey realm="labels", header="X-API-Key"'
    details: list[Detail] | None = None
    if isinstance(error, InvalidRequest):
        details = error.details
    elif isinstance(error, InvalidJobId):
        details = [{"loc": ["path", "job_id"], "msg": str(error), "type": error.code}]
    retry_after = error.retry_after if isinstance(error, Unavailable) else None
    return response(PROBLEMS[kind], str(error), details=details, retry_after=retry_after, headers=headers)


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


async def on_crash(request: Request, error: Exception) -> Response:
    """Return a 500 that tells nothing; the framework raises the error on, for the log."""
    del request, error
    return response(INTERNAL, _DETAILS[500])


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {
    LabelError: on_label_error,
    HTTPException: on_http_exception,
    ClientDisconnect: on_disconnect,
    Exception: on_crash,
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
    return _DETAILS.get(status, f"{of_status(status).title}.")


class EveryErrorIsAProblem:
    """ASGI middleware: an error that some response class writes as plain text becomes a problem too.

    Starlette's file responses answer 400 and 416 to bad ranges by themselves, past every handler.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replacement: Response | None = None

        async def tell(message: Message) -> None:
            nonlocal replacement
            if message["type"] == "http.response.start" and message["status"] >= 400:
                headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message["headers"]}
                if not headers.get("content-type", "").startswith(MEDIA_TYPE):
                    kept = {
                        k: v
                        for k, v in headers.items()
                        if k in {"allow", "content-range", "retry-after", "www-authenticate"}
                    }
                    status = message["status"]
                    replacement = response(of_status(status), detail_of(status), headers=kept)
            if replacement is None:
                await send(message)
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                await replacement(scope, receive, send)

        await self.app(scope, receive, tell)
