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

#: A small job runs inside the submission, which then waits up to 20 s for a worker.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

#: A report in another format than CSV is made before its first byte is sent, which for a full sheet takes minutes.
_CONVERSION_TIMEOUT = httpx.Timeout(600.0, connect=10.0)

_POLL_SECONDS = (0.1, 2.0)

_PATIENT = Retries()
_Value = TypeVar("_Value", bound=Document)


class LabelsClient:
    """The service at `url`, asked with an API key. A context manager; safe to share between threads.

    Every method raises LabelsApiError for a problem the service reports, httpx.TransportError where it
    cannot be reached. Before that, a request that was refused for now, or that met a lost connection, is
    sent again as `retries` says, where that cannot do anything twice. `transport` replaces the network, for
    tests.

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
        # Sent with each request to the service, and never to the host a download link names.
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

    def submit(self, request: Mapping[str, Any], *, idempotency_key: str | None = None) -> Receipt:
        """Return the receipt of a new export. `request` is the published body.

        However often it is sent on the way, it makes one job. With an `idempotency_key` of yours, so does
        a later call: it returns the receipt of the first.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response = self._send("POST", _EXPORTS, json=dict(request), headers=headers)
        return answers.value(Receipt, response)

    def status(self, job_id: str) -> LabelExportJob:
        """Return the state of the export, with fresh links to its files."""
        return _job(self._send("GET", _path(job_id)))

    def wait(
        self,
        job_id: str,
        timeout: float | None = None,
        on_progress: Callable[[LabelExportJob], None] | None = None,
    ) -> LabelExportJob:
        """Return the state of the export once it has ended, completed or failed.

        `on_progress` is called with every state seen. Raises LabelExportTimeout after `timeout` seconds.
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
            # Short at first, for most exports are small; then as often as the service asks.
            asked = job.retry_after_seconds or longest
            self._retries.sleep(min(left, pause, asked))
            pause = min(pause * 1.5, asked)

    def cancel(self, job_id: str) -> LabelExportJob:
        """Return the state of the export, cancelled now or before. One that has ended is a LabelsApiError."""
        return _job(self._send("DELETE", _path(job_id)))

    def reprint(self, job_id: str, reason: str) -> Receipt:
        """Return the receipt of a new export of the very same labels, for which history keeps the reason."""
        # The service knows no key for it, so a lost answer is not asked for again.
        response = self._send("POST", f"{_path(job_id)}reprint/", json={"reason": reason}, repeatable=False)
        return answers.value(Receipt, response)

    def preview(self, request: Mapping[str, Any]) -> LabelExportPreview:
        """Return what `submit` would make of the request: counts, failures and pictures, but no job."""
        return answers.value(
            LabelExportPreview, self._send("POST", f"{_EXPORTS}preview/", json=dict(request))
        )

    def jobs(self, status: JobState | None = None) -> Iterator[LabelExportJob]:
        """Yield the organisation's exports, newest first; one may come twice where others start meanwhile."""
        return self._list(LabelExportJob, _EXPORTS, status=status)

    def templates(self) -> Iterator[SheetTemplate]:
        """Yield the sheets that `asset_config.sheet_template` can name."""
        return self._list(SheetTemplate, f"{_LABELS}templates/")

    def print_history(
        self, *, gtin: str | None = None, lot: str | None = None, serial: str | None = None
    ) -> Iterator[PrintEvent]:
        """Yield the labels that were printed, newest first; each filter narrows."""
        return self._list(PrintEvent, f"{_LABELS}print-history/", gtin=gtin, lot=lot, serial=serial)

    def download(self, job: LabelExportJob, directory: Path | str) -> Path:
        """Return the artefact's file in `directory`, which is made where missing.

        Goes on where a connection broke, and takes a fresh link where one expired. The file has its name
        only once it is whole; one of that name is replaced. Raises ValueError for an export that is not
        completed, BrokenDownload where size or SHA-256 are not the artefact's.
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
        )
        return target

    def download_manifest(
        self, job: LabelExportJob, directory: Path | str, report_format: ReportFormat = "csv"
    ) -> Path:
        """Return the file, in `directory`, of what stands on each label. `tables.rows` reads the CSV.

        Raises ValueError where the export has none: it is not completed. As XLSX with more rows than a sheet holds
        it is a LabelsApiError.
        """
        return self._download_report(job, "manifest", directory, report_format)

    def download_errors(
        self, job: LabelExportJob, directory: Path | str, report_format: ReportFormat = "csv"
    ) -> Path:
        """Return the file, in `directory`, of what could not be made and why. `tables.rows` reads the CSV.

        Raises ValueError where the export has none: nothing failed, and all that was listed was found. As XLSX with
        more rows than a sheet holds it is a LabelsApiError.
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
        """Submit, wait up to `timeout` seconds, and return the downloaded artefact's file.

        Raises LabelExportFailed, LabelExportTimeout and what `download` raises.
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
        repeatable: bool = True,
        **content: Any,
    ) -> httpx.Response:
        sent = {**self._credentials, **(headers or {})}
        return self._retries.send(
            lambda: self._http.request(method, path, headers=sent, **content), repeatable=repeatable
        )


def _path(job_id: str) -> str:
    return f"{_EXPORTS}{quote(job_id, safe='')}/"


def _job(response: httpx.Response) -> LabelExportJob:
    return answers.value(LabelExportJob, response).asked_to_wait(answers.retry_after(response))


def _file_name(name: str) -> str:
    """Return the last part of a name from the network. Raises ValueError where it has none."""
    last = Path(name.replace("\\", "/")).name
    if last in {"", ".", ".."}:
        raise ValueError(f"{name!r} is no file name")
    return last
