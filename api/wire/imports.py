"""Requests and answers of imports, as types."""

import json
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.wire import paths
from api.wire.answers import Moment, Out
from api.wire.requests import PLAIN_TEXT
from catalogue.imports.dates import DateOrder, FirstOfMonth
from catalogue.imports.options import ImportOptions
from exports.imports.ports import ImportJob, ImportRequest, Kind, Rows
from exports.ports import JobStatus

_MOST_MAPPING_CHARACTERS = 4096


def _flag(value: object) -> object:
    """Return the truth value that a text of a query stands for."""
    if isinstance(value, str):
        if value not in {"true", "false"}:
            raise PydanticCustomError("bool_parsing", "Input should be true or false")
        return value == "true"
    return value


def _mapping(value: object) -> object:
    """Return the object of texts that a JSON text stands for."""
    if not isinstance(value, str):
        return value
    fault = PydanticCustomError("mapping", 'Input should be JSON such as {{"lot_number": "Partie"}}')
    if len(value) > _MOST_MAPPING_CHARACTERS:
        raise fault
    try:
        found: Any = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise fault from error
    if not isinstance(found, dict) or not all(
        isinstance(header, str) for header in cast("dict[str, object]", found).values()
    ):
        raise fault
    return cast("dict[str, str]", found)


Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
_MAPPING = {
    "type": "string",
    "maxLength": _MOST_MAPPING_CHARACTERS,
    "description": "A JSON object from names of columns to the file's headers.",
    "examples": ['{"lot_number": "Partie"}'],
}


class ImportQuery(BaseModel):
    """How an uploaded file is read. Without `kind`, its header says what is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[Kind | None, WithJsonSchema({"type": "string", "enum": list(Kind)})] = None
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=PLAIN_TEXT)] = "upload"
    sheet: Annotated[str, Field(min_length=1, max_length=255, pattern=PLAIN_TEXT)] | None = None
    mapping: Annotated[dict[str, str], BeforeValidator(_mapping), WithJsonSchema(cast("Any", _MAPPING))] = (
        Field(default_factory=dict)
    )
    date_order: Annotated[DateOrder | None, WithJsonSchema({"type": "string", "enum": list(DateOrder)})] = (
        None
    )
    first_of_month: Annotated[
        FirstOfMonth | None, WithJsonSchema({"type": "string", "enum": list(FirstOfMonth)})
    ] = None
    accept_warnings: Flag = False
    dry_run: Flag = False

    def to_request(self) -> ImportRequest:
        options = ImportOptions(
            mapping=self.mapping,
            sheet=self.sheet,
            date_order=self.date_order,
            first_of_month=self.first_of_month,
            accept_warnings=self.accept_warnings,
            dry_run=self.dry_run,
        )
        return ImportRequest(options, self.kind, self.name)


class ImportAcceptedOut(Out):
    """The receipt of an import."""

    job_id: str
    status: JobStatus
    poll_url: str


class ImportedTableOut(Out):
    """The rows of one kind, by what became of them: `read` is the sum of the others."""

    kind: Kind
    read: int
    added: int
    updated: int
    unchanged: int
    held: int
    refused: int


class ImportedFileOut(Out):
    """How the file was understood, and its rows.

    `columns` tells the file's header for each column. `first_rows` are values as they are imported.
    """

    form: str
    kinds: list[Kind]
    columns: dict[str, str]
    ignored_columns: list[str]
    other_sheets: list[str]
    rows: int
    blank_rows: int
    held: int
    refused: int
    first_rows: list[dict[str, str | None]]


class ImportJobOut(Out):
    """The state of an import. `held_url` and `refused_url` are paths of the rows that were not imported."""

    job_id: str
    status: JobStatus
    name: str
    dry_run: bool
    size_bytes: int
    created_at: Moment
    finished_at: Moment | None
    error: str | None
    error_code: str | None
    tables: list[ImportedTableOut]
    file: ImportedFileOut | None
    held_url: str | None
    refused_url: str | None


def receipt(job: ImportJob) -> ImportAcceptedOut:
    """Return the receipt of an import."""
    return ImportAcceptedOut(job_id=job.job_id, status=job.status, poll_url=paths.import_of(job.job_id))


def import_state(job: ImportJob) -> ImportJobOut:
    """Return the state of an import."""

    def link(rows: Rows) -> str | None:
        return f"{paths.import_of(job.job_id)}{rows}/" if rows in job.rows else None

    return ImportJobOut(
        job_id=job.job_id,
        status=job.status,
        name=job.request.name,
        dry_run=job.request.options.dry_run,
        size_bytes=job.size_bytes,
        created_at=job.created_at,
        finished_at=job.finished_at,
        error=job.error,
        error_code=job.error_code,
        tables=[ImportedTableOut.model_validate(table) for table in job.tables],
        file=None if job.file is None else ImportedFileOut.model_validate(job.file),
        held_url=link(Rows.HELD),
        refused_url=link(Rows.REFUSED),
    )
