"""A client of the label-export service."""

import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from labels_client import answers, downloads
from labels_client.errors import LabelExportFailed, LabelExportTimeout
from labels_client.imports import Imports
from labels_client.models import (
    Document,
    JobState,
    LabelExportJob,
    LabelExportPreview,
    PrintEvent,
    Receipt,
    ReportFormat,
    SheetTemplate,
)
from labels_client.retries import Retries

_LABELS = "/products/api/v1/labels/"
_EXPORTS = f"{_LABELS}export/"
_PAGE_SIZE = 100

#: In seconds. A small job runs during the submission, which may wait up to 20 s for a worker.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
#: In seconds. Reports in formats other than CSV are made before their first byte is sent. A full sheet takes minutes.
_CONVERSION_TIMEOUT = httpx.Timeout(600.0, connect=10.0)

#: First and longest pause between two polls, in seconds.
_POLL_SECONDS = (0.1, 2.0)

_PATIENT = Retries()
_Value = TypeVar("_Value", bound=Document)


class LabelsClient:
    """A client of the service at `url`, with an API key. It is a context manager and thread-safe.

    Every method raises LabelsApiError for a problem that the service reports, and httpx.TransportError if the service
    cannot be reached. Before that, a request that was refused temporarily or lost its connection is retried according
    to `retries`. It takes effect only once. `transport` replaces the network, for tests.

        with LabelsClient("http://127.0.0.1:8000", key) as client:
            path = client.export({"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}, "out")
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: Retries = _PATIENT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT, transport=transport)
        self._retries = retries
        # Sent with each request to the service, but never to the host of a download link.
        self._credentials = {"X-API-Key": key}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def imports(self) -> Imports:
        """Imports of files into the organisation's catalogue."""

        def fetch(path: str, target: Path) -> None:
            downloads.fetch(
                self._http,
                path,
                target,
                self._retries,
                renewed=lambda: None,
                timeout=_TIMEOUT,
                credentials=self._credentials,
            )

        return Imports(self._send, fetch, self._retries.sleep)

    def submit(self, request: Mapping[str, Any], *, idempotency_key: str | None = None) -> Receipt:
        """Submit an export and return its receipt. `request` is the JSON body of the API.

        Repeated sending creates only one job. If you pass an `idempotency_key`, this holds for later calls
        with the same key too: they return the receipt of the first call's job.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response = self._send("POST", _EXPORTS, json=dict(request), headers=headers)
        return answers.value(Receipt, response)

    def submit_saved(self, name: str, *, idempotency_key: str | None = None) -> Receipt:
        """Submit the request that the organisation saved under the name, as `submit` does."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response = self._send("POST", f"{_LABELS}requests/{quote(name, safe='')}/submit/", headers=headers)
        return answers.value(Receipt, response)

    def status(self, job_id: str) -> LabelExportJob:
        """Return the state of the export, with new links to its files."""
        return _job(self._send("GET", _path(job_id)))

    def wait(
        self,
        job_id: str,
        timeout: float | None = None,
        on_progress: Callable[[LabelExportJob], None] | None = None,
    ) -> LabelExportJob:
        """Wait until the export has completed or failed, and return its state.

        `on_progress` is called with the state of every poll. Raises LabelExportTimeout after `timeout` seconds.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL_SECONDS
        while True:
            job = self.status(job_id)
            if on_progress is not None:
                on_progress(job)
            if job.is_terminal:
                return job
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabelExportTimeout(job)
            # Pauses are short at first, because most exports are small, and grow to the service's Retry-After.
            asked = job.retry_after_seconds or longest
            self._retries.sleep(min(left, pause, asked))
            pause = min(pause * 1.5, asked)

    def cancel(self, job_id: str) -> LabelExportJob:
        """Cancel the export and return its state. Raises LabelsApiError if it has ended in another way."""
        return _job(self._send("DELETE", _path(job_id)))

    def reprint(
        self, job_id: str, reason: str, *, rows: str | None = None, idempotency_key: str | None = None
    ) -> Receipt:
        """Submit an export of the same labels and return its receipt. The print history keeps the reason.

        `rows` names some of the job's labels by their rows in its manifest, such as `121-180,200`. Repeated sending
        creates only one job, as for `submit`.
        """
        body = {"reason": reason} if rows is None else {"reason": reason, "rows": rows}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response = self._send("POST", f"{_path(job_id)}reprint/", json=body, headers=headers)
        return answers.value(Receipt, response)

    def preview(self, request: Mapping[str, Any]) -> LabelExportPreview:
        """Return counts, failures and pictures of the export that `submit` would make. No job is created."""
        return answers.value(
            LabelExportPreview, self._send("POST", f"{_EXPORTS}preview/", json=dict(request))
        )

    def jobs(self, status: JobState | None = None) -> Iterator[LabelExportJob]:
        """Yield the organisation's exports, newest first, each once even if others start meanwhile."""
        query = {"page_size": str(_PAGE_SIZE)} | ({} if status is None else {"status": status})
        more = True
        while more:
            response = self._send("GET", _EXPORTS, params=query)
            jobs, more = answers.page(LabelExportJob, response, "next_after")
            yield from jobs
            query["after"] = more

    def templates(self) -> Iterator[SheetTemplate]:
        """Yield the sheets that `asset_config.sheet_template` can name."""
        return self._list(SheetTemplate, f"{_LABELS}templates/")

    def print_history(
        self, *, gtin: str | None = None, lot: str | None = None, serial: str | None = None
    ) -> Iterator[PrintEvent]:
        """Yield the printed labels that match every filter given, newest first."""
        return self._list(PrintEvent, f"{_LABELS}print-history/", gtin=gtin, lot=lot, serial=serial)

    def download(self, job: LabelExportJob, directory: Path | str) -> Path:
        """Download the artefact into `directory`, which is created if missing, and return its path.

        An interrupted download is resumed, and an expired link replaced. The file gets its name when it is
        complete; an existing file of that name is replaced. Raises ValueError if the export is not completed,
        BrokenDownload if the size or SHA-256 differs from the artefact's.
        """
        if job.download_url is None or job.output_filename is None:
            raise ValueError(f"label export {job.job_id} is {job.status}, not completed")
        target = Path(directory) / _file_name(job.output_filename)

        def renewed() -> str | None:
            return self.status(job.job_id).download_url

        downloads.fetch(
            self._http,
            job.download_url,
            target,
            self._retries,
            renewed=renewed,
            timeout=_TIMEOUT,
            expected_bytes=job.file_size_bytes,
            digest=job.digest,
        )
        return target

    def download_manifest(
        self, job: LabelExportJob, directory: Path | str, report_format: ReportFormat = "csv"
    ) -> Path:
        """Download the content of each label into `directory` and return its path. `tables.rows` reads the CSV.

        Raises ValueError if the export has no manifest, because it is not completed, and LabelsApiError if XLSX
        cannot hold so many rows.
        """
        return self._download_report(job, "manifest", directory, report_format)

    def download_errors(
        self, job: LabelExportJob, directory: Path | str, report_format: ReportFormat = "csv"
    ) -> Path:
        """Download the failed entities and reasons into `directory`; return its path. `tables.rows` reads the CSV.

        Raises ValueError if the export has no error report, because nothing failed and every listed GTIN and id
        was found, and LabelsApiError if XLSX cannot hold so many rows.
        """
        return self._download_report(job, "errors", directory, report_format)

    def export(
        self,
        request: Mapping[str, Any],
        directory: Path | str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[LabelExportJob], None] | None = None,
    ) -> Path:
        """Submit an export, wait up to `timeout` seconds, download the artefact and return its path.

        Raises LabelExportFailed, LabelExportTimeout, and the errors of `download`.
        """
        job = self.wait(self.submit(request).job_id, timeout, on_progress)
        if job.status == "failed":
            raise LabelExportFailed(job)
        return self.download(job, directory)

    def _download_report(
        self, job: LabelExportJob, report: str, directory: Path | str, report_format: ReportFormat
    ) -> Path:
        def link(of: LabelExportJob) -> str | None:
            url = of.manifest_url if report == "manifest" else of.errors_url
            return url and str(httpx.URL(url).copy_merge_params({"format": report_format}))

        url = link(job)
        if url is None:
            raise ValueError(f"label export {job.job_id} is {job.status} and has no {report}.csv")
        target = Path(directory) / _file_name(f"{job.job_id}-{report}.{report_format}")
        downloads.fetch(
            self._http,
            url,
            target,
            self._retries,
            renewed=lambda: link(self.status(job.job_id)),
            timeout=_TIMEOUT if report_format == "csv" else _CONVERSION_TIMEOUT,
        )
        return target

    def _list(self, kind: type[_Value], path: str, **filters: str | None) -> Iterator[_Value]:
        wanted = {name: value for name, value in filters.items() if value is not None}
        number, more = 1, True
        while more:
            query = {"page": number, "page_size": _PAGE_SIZE, **wanted}
            values, more = answers.page(kind, self._send("GET", path, params=query))
            yield from values
            number += 1

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        sent = {**self._credentials, **(headers or {})}
        return self._retries.send(lambda: self._http.request(method, path, headers=sent, **content))


def _path(job_id: str) -> str:
    return f"{_EXPORTS}{quote(job_id, safe='')}/"


def _job(response: httpx.Response) -> LabelExportJob:
    return answers.value(LabelExportJob, response).asked_to_wait(answers.retry_after(response))


def _file_name(name: str) -> str:
    """Return the last part of a file name that the service sent. Raises ValueError if there is none."""
    last = Path(name.replace("\\", "/")).name
    if last in {"", ".", ".."}:
        raise ValueError(f"{name!r} is not a file name")
    return last
