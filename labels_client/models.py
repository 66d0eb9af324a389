"""What the service answers, typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """An accepted export: `status` is `pending`, or `completed`/`failed` where it already ran."""

    job_id: str
    status: str
    poll_url: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Receipt":
        return cls(document["job_id"], document["status"], document["poll_url"])


@dataclass(frozen=True, slots=True)
class JobStatusOut:
    """The state of an export; counts are entities, `progress_percent` is 0–100."""

    job_id: str
    status: str
    total_items: int
    processed_items: int
    progress_percent: int
    failed_items: int
    unmatched: int
    download_url: str | None
    expires_at: datetime | None
    output_filename: str | None
    file_size_bytes: int | None
    error: str | None
    error_code: str | None
    retry_after_seconds: float | None

    @property
    def is_terminal(self) -> bool:
        return self.status in {"completed", "failed"}

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], retry_after_seconds: float | None = None
    ) -> "JobStatusOut":
        expires_at = document.get("expires_at")
        return cls(
            job_id=document["job_id"],
            status=document["status"],
            total_items=document["total_items"],
            processed_items=document["processed_items"],
            progress_percent=document["progress_percent"],
            failed_items=document.get("failed_items", 0),
            unmatched=document.get("unmatched", 0),
            download_url=document.get("download_url"),
            expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
            output_filename=document.get("output_filename"),
            file_size_bytes=document.get("file_size_bytes"),
            error=document.get("error"),
            error_code=document.get("error_code"),
            retry_after_seconds=retry_after_seconds,
        )
