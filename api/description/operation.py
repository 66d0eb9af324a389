"""What the description tells of one operation, that is one method of a path.

The modules beside this one list the operations by subject. One test compares them with the routes, another sends
requests generated from them to a running service.
"""

from dataclasses import dataclass

from pydantic import BaseModel

# Statuses of errors that do not depend on the operation.
_ALWAYS = (429, 500, 503)
_WITH_KEY = (401,)
_WITH_JOB = (404, 422)
_WITH_BODY = (400, 408, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Content:
    """The body of an answer: JSON of type `model`, or any content of the other media types."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ("application/json",)


CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLES = (CSV, PARQUET, XLSX)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path.

    `answers` are the success statuses and their bodies, None for no body. `problems` are the error statuses
    that only this operation has. `body` is a JSON document of that type, or other content. `headers` are those of a
    success beside the common ones. If the operation is `secured`, one of the security schemes in `ways` is needed.
    `token` means that the link is signed.
    """

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    description: str
    answers: dict[int, Content | None]
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | Content | None = None
    query: type[BaseModel] | None = None
    request_headers: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    secured: bool = True
    token: bool = False
    ways: tuple[str, ...] = ("APIKeyHeaderAuth", "OAuthTokenAuth", "SessionAuth")

    @property
    def statuses_of_problems(self) -> list[int]:
        with_key = _WITH_KEY if self.secured else ()
        with_job = _WITH_JOB if "{job_id}" in self.path else ()
        with_body = _WITH_BODY if self.body else ()
        with_query = (422,) if self.query else ()
        return sorted({*_ALWAYS, *with_key, *with_job, *with_body, *with_query, *self.problems})
