"""Artefacts over HTTP: signed links that need no key, and the bytes."""

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import PurePath
from typing import Any, BinaryIO
from urllib.parse import quote

import anyio
import anyio.to_thread
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from api.errors import InvalidToken
from exports.errors import ExportNotFound, NotReady
from exports.ports import ExportJob, Exports, JobStatus

_CHUNK_BYTES = 1 << 20
_MEDIA_TYPES = {".zip": "application/zip", ".pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a download token allows: one organisation's one job, until a time."""

    organisation: str
    job_id: str
    expires_at: datetime


class DownloadTokens:
    """Makes and checks download tokens: signed, not secret in content, good for `ttl_seconds`."""

    def __init__(self, secret_key: str, ttl_seconds: int) -> None:
        self._signer = URLSafeSerializer(
            secret_key, salt="label-export-download", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._ttl_seconds = ttl_seconds

    def issue(self, job: ExportJob) -> tuple[str, datetime]:
        """Return a fresh token and when it expires, to the second."""
        expires = int(datetime.now(UTC).timestamp()) + self._ttl_seconds
        token = self._signer.dumps([job.organisation, job.job_id, expires])
        text = token.decode("ascii") if isinstance(token, bytes) else token
        return text, datetime.fromtimestamp(expires, UTC)

    def check(self, token: str, job_id: str) -> Grant:
        """Return what the token grants. Raises InvalidToken unless it is ours, current and this job's."""
        try:
            content: Any = self._signer.loads(token)
        except BadData as error:
            raise InvalidToken from error
        match content:
            case [str(organisation), str(granted), int(expires)] if granted == job_id:
                grant = Grant(organisation, granted, datetime.fromtimestamp(expires, UTC))
            case _:
                raise InvalidToken
        if grant.expires_at <= datetime.now(UTC):
            raise InvalidToken
        return grant


async def artefact_response(request: Request, exports: Exports, job: ExportJob) -> Response:
    """Return the artefact: from the disk with ranges, or streamed from elsewhere.

    Raises NotReady before completion, ExportNotFound where the artefact is gone.
    """
    if job.status is not JobStatus.COMPLETED:
        raise NotReady(job.job_id, job.status)
    filename = job.output_filename or f"{job.job_id}.zip"
    media_type = _MEDIA_TYPES.get(PurePath(filename).suffix, "application/octet-stream")
    headers = {"cache-control": "private, no-transform", "x-content-type-options": "nosniff"}
    if job.finished_at is not None:
        headers["last-modified"] = format_datetime(job.finished_at.astimezone(UTC), usegmt=True)
    if job.sha256 is not None:
        headers["etag"] = f'"{job.sha256}"'
        if _matches(request.headers.get("if-none-match"), headers["etag"]):
            return Response(status_code=304, headers=headers)
    try:
        path = await anyio.to_thread.run_sync(exports.artifact_path, job)
        if path is not None:
            stat = await anyio.to_thread.run_sync(os.stat, path)
            return FileResponse(
                path, headers=headers, media_type=media_type, filename=filename, stat_result=stat
            )
        stream = await anyio.to_thread.run_sync(exports.open_artifact, job)
    except FileNotFoundError as error:
        raise ExportNotFound(job.job_id) from error
    headers["accept-ranges"] = "none"
    headers["content-disposition"] = f"attachment; filename*=utf-8''{quote(filename, safe='')}"
    if job.file_size_bytes is not None:
        headers["content-length"] = str(job.file_size_bytes)
    return StreamingResponse(_chunks(stream), headers=headers, media_type=media_type)


async def _chunks(stream: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await anyio.to_thread.run_sync(stream.read, _CHUNK_BYTES):
            yield chunk
    finally:
        # A client that hangs up cancels this task; the stream is to be closed all the same.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(stream.close)


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    candidates = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in candidates or etag in candidates
