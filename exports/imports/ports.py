"""Interface for submitting and reading imports of uploaded files, and its return values."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from catalogue.imports.options import ImportOptions
from exports.imports.upload import Upload
from exports.ports import JobStatus


class Kind(StrEnum):
    """What the rows of a file are."""

    PRODUCTS = "products"
    LOTS = "lots"
    SERIALS = "serials"
    EVENTS = "events"

    @property
    def table(self) -> str:
        """The catalogue's table."""
        return "lifecycle_events" if self is Kind.EVENTS else self.value

    @classmethod
    def of(cls, table: str) -> "Kind":
        return cls.EVENTS if table == "lifecycle_events" else cls(table)


class Rows(StrEnum):
    """Rows that were not imported."""

    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """How to import an uploaded file. Without `kind`, the header determines it. `name` is for reports."""

    options: ImportOptions = field(default_factory=ImportOptions)
    kind: Kind | None = None
    name: str = "upload"


@dataclass(frozen=True, slots=True)
class TableCounts:
    """The rows of one kind, counted by outcome. `read` is the sum of the other counts."""

    kind: Kind
    read: int
    added: int
    updated: int
    unchanged: int
    held: int
    refused: int


@dataclass(frozen=True, slots=True)
class UnderstoodFile:
    """How a file was understood.

    `form` is its format, encoding, separator or sheet. `columns` has the header's name for each column. `first_rows`
    are values as imported. A row with several kinds is held or refused as a whole.
    """

    form: str
    kinds: tuple[Kind, ...]
    columns: Mapping[str, str]
    ignored_columns: tuple[str, ...]
    other_sheets: tuple[str, ...]
    rows: int
    blank_rows: int
    held: int
    refused: int
    first_rows: tuple[Mapping[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class ImportJob:
    """The state of one import. `tables` and `file` are set when it has completed, `error` when it has failed.

    `rows` are the kinds of rows that can be downloaded. Times are aware.
    """

    job_id: str
    organisation: str
    status: JobStatus
    request: ImportRequest
    size_bytes: int
    created_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    error_code: str | None = None
    tables: tuple[TableCounts, ...] = ()
    file: UnderstoodFile | None = None
    rows: frozenset[Rows] = frozenset()


class Imports(Protocol):
    """Receives files, imports them in sequence, and returns the outcome. Every method may block."""

    def receive(
        self, organisation: str, *, idempotency_key: str | None = None
    ) -> AbstractContextManager[Upload]:
        """Open an upload. It is stored when the block ends; nothing is stored if the block raises.

        Raises TooManyOpenJobs and StorageIsFull.
        """
        ...

    def submit(
        self,
        organisation: str,
        upload: Upload,
        request: ImportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> ImportJob:
        """Queue the import of a stored upload.

        If the organisation has used the key before, drop the upload and return the import of that submission.
        Raises KeyReused if that was another request or content; StillInFlight while it is being answered.
        """
        ...

    def job(self, organisation: str, job_id: str) -> ImportJob:
        """Return the organisation's import. Raises ImportNotFound, also for another organisation's."""
        ...

    def open_rows(self, organisation: str, job_id: str, rows: Rows) -> tuple[BinaryIO, str]:
        """Open the file of rows that were not imported. Return it and its suffix. Raises ImportNotFound."""
        ...
