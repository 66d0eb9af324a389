"""Parse the service's answers: a JSON object, or a problem."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import httpx

from labels_client.errors import LabelsApiError, Problem
from labels_client.models import Document

_Value = TypeVar("_Value", bound=Document)


def value(kind: type[_Value], response: httpx.Response) -> _Value:
    """Return the value of an answer. Raises LabelsApiError for a problem and for an unexpected answer."""
    content = members(response)
    try:
        return kind.from_document(content)
    except (TypeError, ValueError) as error:
        raise unexpected(response) from error


def page(
    kind: type[_Value], response: httpx.Response, following: str = "has_next"
) -> tuple[list[_Value], Any]:
    """Return the values of one page of a list, and the member `following` of its `pagination`.

    Raises LabelsApiError.
    """
    content = members(response)
    try:
        values = [kind.from_document(document) for document in content["data"]]
        return values, content["pagination"][following]
    except (KeyError, TypeError, ValueError) as error:
        raise unexpected(response) from error


def members(response: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer. Raises LabelsApiError for a problem and for an unexpected answer."""
    if not response.is_success:
        raise LabelsApiError(problem(response))
    content = _object(response)
    if content is None:
        raise unexpected(response)
    return content


def problem(response: httpx.Response) -> Problem:
    """Return the problem of an answer. If a proxy answered in its own format, the problem has the status only."""
    content = _object(response)
    if content is None or "error_code" not in content:
        return _unexpected(response)
    details = content.get("details")
    return Problem(
        status=response.status_code,
        title=str(content.get("title", _title(response))),
        detail=str(content.get("detail", "")),
        error_code=str(content["error_code"]),
        retryable=content.get("retryable") is True,
        retry_after=content.get("retry_after"),
        details=tuple(cast("list[dict[str, Any]]", details)) if isinstance(details, list) else (),
    )


def unexpected(response: httpx.Response) -> LabelsApiError:
    """Return the error for an answer that does not have this service's format."""
    return LabelsApiError(_unexpected(response))


def retry_after(response: httpx.Response) -> float | None:
    """Return the answer's Retry-After in seconds. None if it is absent or a date."""
    header = response.headers.get("retry-after", "")
    return float(header) if header.isascii() and header.isdecimal() else None


def _unexpected(response: httpx.Response) -> Problem:
    return Problem(response.status_code, _title(response), response.text[:200], "unexpected_answer")


def _title(response: httpx.Response) -> str:
    return response.reason_phrase or "Unexpected answer"


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        content: Any = response.json()
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None
