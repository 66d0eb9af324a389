"""Errors of the client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labels_client.models import LabelExportJob


@dataclass(frozen=True, slots=True)
class Problem:
    """An RFC 9457 problem document. `retry_after` is in seconds. Each of `details` has loc, msg and type."""

    status: int
    title: str
    detail: str
    error_code: str
    retryable: bool = False
    retry_after: int | None = None
    details: tuple[Mapping[str, Any], ...] = field(default=())


class LabelsApiError(Exception):
    """The service answered with a problem, or the answer is not in its format."""

    def __init__(self, problem: Problem) -> None:
        lines = [f"{problem.status} {problem.title}: {problem.detail}"]
        lines += [
            f"  {'.'.join(str(step) for step in fault.get('loc', ()))}: {fault.get('msg', '')}"
            for fault in problem.details
        ]
        super().__init__("\n".join(lines))
        self.problem = problem


class LabelExportFailed(Exception):
    """The export ended without an artefact. `job` is its last state."""

    def __init__(self, job: "LabelExportJob") -> None:
        super().__init__(f"label export {job.job_id} failed: {job.error}")
        self.job = job


class LabelExportTimeout(TimeoutError):
    """The export did not end within the timeout. It continues to run. `job` is its last state."""

    def __init__(self, job: "LabelExportJob") -> None:
        super().__init__(f"label export {job.job_id} is still {job.status} at {job.progress_percent} percent")
        self.job = job


class BrokenDownload(Exception):
    """The downloaded file is incomplete or wrong. It is deleted."""


class IncompleteDownload(BrokenDownload):
    """Fewer or more bytes arrived than the file has."""

    def __init__(self, expected_bytes: int, received_bytes: int) -> None:
        super().__init__(f"{received_bytes} bytes arrived of {expected_bytes}")
        self.expected_bytes = expected_bytes
        self.received_bytes = received_bytes


class DigestMismatch(BrokenDownload):
    """The file has the right size but the wrong content. Digests are SHA-256 in hexadecimal."""

    def __init__(self, expected_sha256: str, received_sha256: str) -> None:
        super().__init__(f"the bytes that arrived have SHA-256 {received_sha256}, the file {expected_sha256}")
        self.expected_sha256 = expected_sha256
        self.received_sha256 = received_sha256
