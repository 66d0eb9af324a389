"""Requests as types: query strings, the reprint body and header names. A submission is an `ExportRequest`."""

import re
from typing import Annotated, Final, LiteralString, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.wire import cursors
from exports.jobs.plan import MAX_REASON_LENGTH
from exports.ports import JobPosition, JobStatus, Page, ReportFormat
from exports.requests.fields import Gtin14
from exports.requests.row_ranges import MAX_RANGES, PATTERN, InvalidRows, RowRanges, parse_rows

IDEMPOTENCY_KEY = "Idempotency-Key"

#: Pattern of text that is stored and printed: no control characters.
PLAIN_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*$"

#: `page` × `page_size` of the last page of label exports: a page costs more the deeper it is.
DEEPEST: Final = 10_000

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def number(value: object) -> object:
    """Return the integer that a text of plain digits stands for: no sign, no blank, no exponent."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            raise PydanticCustomError("int_parsing", "Input should be a number, in digits")
        return int(value)
    return value


class PageQuery(BaseModel):
    """One page of a list: 25 entries by default, at most 100."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(number)] = 1
    page_size: Annotated[int, Field(ge=1, le=100), BeforeValidator(number)] = 25

    def to_page(self) -> Page:
        return Page(self.page, self.page_size)


class JobsQuery(PageQuery):
    """Which label exports to list. Pages reach back 10,000 exports; `after` continues from any of them."""

    status: JobStatus | None = None
    after: Annotated[
        JobPosition | None,
        BeforeValidator(cursors.position),
        WithJsonSchema({"type": "string", "pattern": cursors.PATTERN}),
    ] = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.after is not None and self.page != 1:
            raise _fault(self.page, "cursor", "Input should be absent or 1 beside `after`")
        if self.page * self.page_size > DEEPEST:
            raise _fault(
                self.page, "too_deep", "Input should reach no further: use `after` beyond 10,000 exports"
            )
        return self


def _fault(page: int, kind: LiteralString, message: LiteralString) -> ValidationError:
    details = InitErrorDetails(type=PydanticCustomError(kind, message), loc=("page",), input=page)
    return ValidationError.from_exception_data("JobsQuery", [details])


_Text = Annotated[str, Field(min_length=1, max_length=64, pattern=PLAIN_TEXT)]


class PrintHistoryQuery(PageQuery):
    """Which printed labels to list. An entry must match every filter given."""

    gtin: Gtin14 | None = None
    lot: _Text | None = None
    serial: _Text | None = None


_ReportFormat = Annotated[ReportFormat, WithJsonSchema({"type": "string", "enum": list(ReportFormat)})]


class ReportQuery(BaseModel):
    """The format of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: _ReportFormat = ReportFormat.CSV


def _rows(value: object) -> object:
    """Return the rows that a text such as `121-180,200` names."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a string such as 121-180,200")
    try:
        return parse_rows(value)
    except InvalidRows as error:
        raise PydanticCustomError("invalid_rows", "{reason}", {"reason": str(error)}) from error


_ROWS: JsonDict = {
    "type": "string",
    "pattern": PATTERN,
    "examples": ["121-180,200"],
    "description": (
        "Rows of the job to print again, as in its `manifest.csv`: numbers from 1 and ranges, separated by commas. "
        f"At most {MAX_RANGES:,} ranges; all rows if absent. The new job counts its rows from 1 again."
    ),
}


class ReprintRequest(BaseModel):
    """Why the same labels are printed again, and which of them if not all. The print history keeps the reason."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_LENGTH, pattern=PLAIN_TEXT)]
    rows: Annotated[RowRanges, BeforeValidator(_rows), WithJsonSchema(_ROWS)] | None = None
