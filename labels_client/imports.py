"""Import files into the catalogue: upload, wait, download the rows that were not imported."""

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import httpx

from labels_client import answers
from labels_client.models import MOMENT, Document, JobState

ImportKind: TypeAlias = Literal["products", "lots", "serials", "events"]
ProblemRows: TypeAlias = Literal["held", "refused"]

_IMPORTS = "/products/api/v1/imports/"
_BLOCK_BYTES = 1 << 20
#: First and longest pause between two polls, in seconds.
_POLL_SECONDS = (0.2, 2.0)


@dataclass(frozen=True, slots=True)
class ImportReceipt(Document):
    """The receipt of an accepted import."""

    job_id: str
    status: JobState
    poll_url: str


@dataclass(frozen=True, slots=True)
class ImportedTable(Document):
    """The rows of one kind, counted by outcome. `read` is the sum of the other counts."""

    kind: ImportKind
    read: int
    added: int
    updated: int
    unchanged: int
    held: int
    refused: int


@dataclass(frozen=True, slots=True)
class ImportedFile(Document):
    """How the file was read, and its first rows.

    `columns` has the file's header for each column. `first_rows` are values as imported.
    """

    form: str
    kinds: tuple[ImportKind, ...] = field(metadata={"read": tuple})
    columns: Mapping[str, str]
    ignored_columns: tuple[str, ...] = field(metadata={"read": tuple})
    other_sheets: tuple[str, ...] = field(metadata={"read": tuple})
    rows: int
    blank_rows: int
    held: int
    refused: int
    first_rows: tuple[Mapping[str, str | None], ...] = field(metadata={"read": tuple})


def _tables(documents: list[dict[str, Any]]) -> tuple[ImportedTable, ...]:
    return tuple(ImportedTable.from_document(document) for document in documents)


def _file(document: dict[str, Any] | None) -> ImportedFile | None:
    return None if document is None else ImportedFile.from_document(document)


@dataclass(frozen=True, slots=True)
class ImportJob(Document):
    """The state of an import. It is `failed` if the whole file was refused; then no row is imported."""

    job_id: str
    status: JobState
    name: str
    dry_run: bool
    size_bytes: int
    created_at: datetime = field(metadata=MOMENT)
    finished_at: datetime | None = field(default=None, metadata=MOMENT)
    error: str | None = None
    error_code: str | None = None
    tables: tuple[ImportedTable, ...] = field(default=(), metadata={"read": _tables})
    file: ImportedFile | None = field(default=None, metadata={"read": _file})
    held_url: str | None = None
    refused_url: str | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in {"completed", "failed"}


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How to read a file. Without `kind`, the header determines it. The defaults do not guess ambiguous values."""

    kind: ImportKind | None = None
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    first_of_month: Literal["day", "month"] | None = None
    accept_warnings: bool = False
    dry_run: bool = False

    def query(self) -> dict[str, str]:
        """Return the parameters of the request."""
        named = {
            "kind": self.kind,
            "sheet": self.sheet,
            "mapping": json.dumps(dict(self.mapping)) if self.mapping else None,
            "date_order": self.date_order,
            "first_of_month": self.first_of_month,
            "accept_warnings": "true" if self.accept_warnings else None,
            "dry_run": "true" if self.dry_run else None,
        }
        return {name: value for name, value in named.items() if value is not None}


class Send(Protocol):
    """Sends a request with the client's key, and retries it if necessary."""

    def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response: ...


class Imports:
    """The imports of a `LabelsClient`, its property `imports`. Methods raise the same errors as the client's."""

    def __init__(
        self, send: Send, fetch: Callable[[str, Path], None], sleep: Callable[[float], None]
    ) -> None:
        self._send = send
        self._fetch = fetch
        self._sleep = sleep

    def submit(
        self,
        path: Path | str,
        read_as: ReadAs | None = None,
        *,
        idempotency_key: str | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> ImportReceipt:
        """Upload the file and return the receipt of its import.

        `on_progress` is called with the number of bytes sent so far, which restarts if the upload is repeated. Repeated
        sending creates only one import, as for `LabelsClient.submit`.
        """
        file = Path(path)
        query = {"name": file.name[-255:], **(read_as or ReadAs()).query()}
        headers = {
            "Idempotency-Key": idempotency_key or str(uuid.uuid4()),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.stat().st_size),
        }
        content = _Blocks(file, on_progress)
        return answers.value(
            ImportReceipt, self._send("POST", _IMPORTS, params=query, headers=headers, content=content)
        )

    def status(self, job_id: str) -> ImportJob:
        """Return the state of the import."""
        return answers.value(ImportJob, self._send("GET", f"{_IMPORTS}{job_id}/"))

    def wait(self, job_id: str, timeout: float | None = None) -> ImportJob:
        """Wait until the import has ended, and return its state. Raises TimeoutError after `timeout` seconds."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL_SECONDS
        while not (job := self.status(job_id)).is_terminal:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"import {job_id} is still {job.status}")
            self._sleep(min(left, pause))
            pause = min(pause * 1.5, longest)
        return job

    def download(self, job: ImportJob, rows: ProblemRows, directory: Path | str) -> Path:
        """Download the rows that were held or refused into `directory`, which is created, and return the path.

        Raises ValueError if there are no such rows.
        """
        url = job.held_url if rows == "held" else job.refused_url
        if url is None:
            raise ValueError(f"import {job.job_id} has no {rows} rows")
        kinds = "-".join(job.file.kinds) if job.file else job.job_id
        suffix = ".xlsx" if job.file and job.file.form.startswith("workbook") else ".csv"
        target = Path(directory) / f"{kinds}-{rows}{suffix}"
        self._fetch(url, target)
        return target


@dataclass(frozen=True, slots=True)
class _Blocks:
    """A file's content in blocks. Each iteration starts at the beginning."""

    path: Path
    on_progress: Callable[[int], None]

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        with self.path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                yield block
                sent += len(block)
                self.on_progress(sent)
