"""Errors as pages: those of the pages' own endpoints, and those that the middleware tells browsers of."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from accounts import errors as accounts_errors
from exports import errors as exports_errors
from gs1.errors import LabelError
from web import errors
from web.rendering import page
from web.visitors import Endpoint, SessionOf, Visitor, Visitors

#: (request, status, headers, request id) -> the page
ErrorPage: TypeAlias = Callable[[Request, int, Mapping[str, str], str], Response]

#: Statuses of errors that a page shows by itself. Any other LabelError is about what the visitor asked for.
_STATUSES: Mapping[type[LabelError], HTTPStatus] = {
    LabelError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FormExpired: HTTPStatus.FORBIDDEN,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.PageNotFound: HTTPStatus.NOT_FOUND,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    accounts_errors.NotFound: HTTPStatus.NOT_FOUND,
    accounts_errors.DesignChanged: HTTPStatus.CONFLICT,
    accounts_errors.TooManyDesigns: HTTPStatus.CONFLICT,
    exports_errors.AlreadyFinished: HTTPStatus.CONFLICT,
    exports_errors.ExportNotFound: HTTPStatus.NOT_FOUND,
    exports_errors.ImportNotFound: HTTPStatus.NOT_FOUND,
    exports_errors.InvalidJobId: HTTPStatus.NOT_FOUND,
    exports_errors.NotReady: HTTPStatus.CONFLICT,
    exports_errors.StorageIsFull: HTTPStatus.CONFLICT,
    exports_errors.TooManyOpenJobs: HTTPStatus.TOO_MANY_REQUESTS,
    exports_errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def told(visitors: Visitors, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its errors told on a page."""

    async def safe(request: Request) -> Response:
        try:
            return await endpoint(request)
        except LabelError as error:
            status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
            wait: int | None = getattr(error, "retry_after", None)
            headers = {} if wait is None else {"retry-after": str(wait)}
            return _page(request, visitors.of(request), status, headers, str(error))
        except HTTPException as error:  # a form that cannot be read
            return _page(request, visitors.of(request), error.status_code, error.headers or {}, error.detail)

    return safe


def error_page(session_of: SessionOf) -> ErrorPage:
    """Return what makes pages of the errors that no endpoint of a page has told: unknown addresses, crashes, limits."""
    visitors = Visitors(session_of)

    def of(request: Request, status: int, headers: Mapping[str, str], request_id: str) -> Response:
        # When something is broken, the page does without what may be.
        visitor = visitors.of(request) if status < HTTPStatus.INTERNAL_SERVER_ERROR else None
        return _page(request, visitor, status, headers, request_id=request_id)

    return of


def _page(
    request: Request,
    visitor: Visitor | None,
    status: int,
    headers: Mapping[str, str],
    message: str | None = None,
    request_id: str = "",
) -> Response:
    """Return the page of the error. Asked for by htmx, it is the message alone, to stand in the page."""
    answer = page(
        request,
        "error_part.html" if request.headers.get("hx-request") else "error.html",
        visitor,
        status_code=status,
        status=int(status),
        message=message,
        wait=headers.get("retry-after"),
        request_id=request_id,
    )
    answer.headers.update(headers)
    return answer
