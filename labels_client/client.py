"""A client of the label-export service."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import httpx

from labels_client.errors import (
    IncompleteDownload,
    LabelExportFailed,
    LabelExportTimeout,
    LabelsApiError,
    Problem,
)
from labels_client.models import JobStatusOut, Receipt

_ROOT = "/products/api/v1/labels/export/"
_CHUNK_BYTES = 1 << 18

#: A small job runs inside the submission, which then waits up to 20 s for a worker.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_POLL_SECONDS = (0.1, 2.0)


class LabelsClient:
    """The service at `url`, asked with an API key. A context manager; safe to share between threads.

    Every method raises LabelsApiError for a problem the service reports, httpx.TransportError where it
    cannot be reached. `transport` replaces the network, for tests.
    """

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT, transport=transport)
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

    def submit(self, request: Mapping[str, Any]) -> Receipt:
        """Return the receipt of a new export. `request` is the published body."""
        response = self._http.post(_ROOT, json=dict(request), headers=self._credentials)
        return Receipt.from_document(_document(response))

    def status(self, job_id: str) -> JobStatusOut:
        """Return the state of the export, with a fresh download link where it is completed."""
        response = self._http.get(f"{_ROOT}{job_id}/", headers=self._credentials)
        return JobStatusOut.from_document(_document(response), _seconds(response.headers.get("retry-after")))

    def wait(
        self, job_id: str, timeout: float, on_progress: Callable[[JobStatusOut], None] | None = None
    ) -> JobStatusOut:
        """Return the state of the export once it has ended, completed or failed.

        `on_progress` is called with every state seen. Raises LabelExportTimeout after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause, longest = _POLL_SECONDS
        while True:
            status = self.status(job_id)
            if on_progress is not None:
                on_progress(status)
            if status.is_terminal:
                return status
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabelExportTimeout(status)
            # Short at first, for most exports are small; then as often as the service asks.
            asked = status.retry_after_seconds or longest
            time.sleep(min(left, pause, asked))
            pause = min(pause * 1.5, asked)

    def download(self, status: JobStatusOut, directory: Path | str) -> Path:
        """Return the artefact's file in `directory`, which is made where missing.

        The file has its name only once it is whole; one of that name is replaced. Raises ValueError for
        an export that is not completed, IncompleteDownload where bytes are missing.
        """
        if status.download_url is None or status.output_filename is None:
            raise ValueError(f"label export {status.job_id} is {status.status}, not completed")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        # The name comes from the network: of a path only its last part counts.
        name = Path(status.output_filename.replace("\\", "/")).name
        if name in {"", ".", ".."}:
            raise ValueError(f"{status.output_filename!r} is no file name")
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
        try:
            with os.fdopen(handle, "wb") as out:
                self._fetch(status.download_url, out, status.file_size_bytes)
            target = folder / name
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return target

    def _fetch(self, url: str, out: BinaryIO, expected_bytes: int | None) -> None:
        received = 0
        with self._http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != 200:
                response.read()
                raise LabelsApiError(_problem(response))
            for chunk in response.iter_raw(_CHUNK_BYTES):
                received += len(chunk)
                out.write(chunk)
        if expected_bytes is not None and received != expected_bytes:
            raise IncompleteDownload(expected_bytes, received)

    def export(
        self,
        request: Mapping[str, Any],
        directory: Path | str,
        *,
        timeout: float = 3600.0,
        on_progress: Callable[[JobStatusOut], None] | None = None,
    ) -> Path:
        """Submit, wait up to `timeout` seconds, and return the downloaded artefact's file.

        Raises LabelExportFailed, LabelExportTimeout and what `download` raises.
        """
        status = self.wait(self.submit(request).job_id, timeout, on_progress)
        if status.status == "failed":
            raise LabelExportFailed(status)
        return self.download(status, directory)


def _document(response: httpx.Response) -> Mapping[str, Any]:
    """Return the answer's JSON object. Raises LabelsApiError for anything else."""
    if not response.is_success:
        raise LabelsApiError(_problem(response))
    try:
        document: Any = response.json()
    except ValueError as error:
        raise LabelsApiError(_problem(response)) from error
    if not isinstance(document, dict):
        raise LabelsApiError(_problem(response))
    return cast("dict[str, Any]", document)


def _problem(response: httpx.Response) -> Problem:
    """Return the problem an answer holds, or one made of its status where a proxy answered in its own way."""
    title = response.reason_phrase or "Unexpected answer"
    fallback = Problem(response.status_code, title, response.text[:200], "unexpected_answer")
    try:
        content: Any = response.json()
    except ValueError:
        return fallback
    if not isinstance(content, dict):
        return fallback
    members = cast("dict[str, Any]", content)
    if "error_code" not in members:
        return fallback
    details = members.get("details")
    return Problem(
        status=response.status_code,
        title=str(members.get("title", title)),
        detail=str(members.get("detail", "")),
        error_code=str(members["error_code"]),
        retryable=members.get("retryable") is True,
        retry_after=members.get("retry_after"),
        details=tuple(cast("list[dict[str, Any]]", details)) if isinstance(details, list) else (),
    )


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None
