"""Signed links to a job's files, and the responses that deliver the files."""

import hashlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from api.errors import InvalidToken
from api.wire import paths
from api.wire.label_exports import Links
from exports.errors import ExportNotFound, NotReady
from exports.ports import ExportJob, JobStatus, Report, ReportFormat
from exports.reads import ExportReads
from exports.storage.addresses import attachment

_CHUNK_BYTES = 1 << 20
_MEDIA_TYPES = {".zip": "application/zip", ".pdf": "application/pdf", ".zpl": "application/vnd.zebra-zpl"}
REPORT_MEDIA_TYPES = {
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.PARQUET: "application/vnd.apache.parquet",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Purpose(StrEnum):
    """The file of a job that a token is for. The value is the last part of the file's path."""

    DOWNLOAD = "download"
    MANIFEST = "manifest"
    ERRORS = "errors"


_FILE_PATH = re.compile(paths.poll("(?P<job_id>[0-9A-Za-z]{22})") + f"(?P<purpose>{'|'.join(Purpose)})/")


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to read one file of one job until a time."""

    organisation: str
    job_id: str
    expires_at: datetime

    @property
    def seconds_left(self) -> int:
        return max(1, int((self.expires_at - datetime.now(UTC)).total_seconds()))


class _Tokens(URLSafeSerializer):
    """Signs without trying to compress: a token's content is too short for that, and each try takes 18 µs."""

    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self.default_serializer.dumps(obj))


class DownloadTokens:
    """Makes and checks download tokens. A token is signed, not encrypted, and valid for `ttl_seconds`.

    The first of the secret keys signs. Tokens that another one signed are accepted.
    """

    def __init__(self, secret_keys: Sequence[str], ttl_seconds: int) -> None:
        self._signers = [
            _Tokens(key, salt="label-export-download", signer_kwargs={"digest_method": hashlib.sha256})
            for key in secret_keys
        ]
        self._ttl_seconds = ttl_seconds

    def issue(self, job: ExportJob, purpose: Purpose = Purpose.DOWNLOAD) -> str:
        """Return a new token."""
        return self._issue(job, purpose, self._expiry())

    def check(self, token: str, job_id: str, purpose: Purpose = Purpose.DOWNLOAD) -> Grant:
        """Return the grant of a token. Raises InvalidToken if it is forged, expired or for another file."""
        match self._content(token):
            case [purpose.value, str(organisation), str(granted), int(expires)] if granted == job_id:
                grant = Grant(organisation, granted, datetime.fromtimestamp(expires, UTC))
            case _:
                raise InvalidToken
        if grant.expires_at <= datetime.now(UTC):
            raise InvalidToken
        return grant

    def caller_of(self, request: Request) -> str | None:
        """Return the name under which a download counts in the rate limits: its job. None without a valid token.

        By address, all clients behind one proxy would share a limit.
        """
        match = _FILE_PATH.fullmatch(request.scope["path"])
        if match is None:
            return None
        try:
            grant = self.check(
                request.query_params.get("token", ""), match["job_id"], Purpose(match["purpose"])
            )
        except InvalidToken:
            return None
        return f"{grant.organisation}/job:{grant.job_id}"

    def _content(self, token: str) -> Any:
        """Return what the token says. Raises InvalidToken unless it is exactly what one of the keys signs."""
        for signer in self._signers:
            try:
                content: Any = signer.loads(token)
            except BadData:
                continue
            if _sign(signer, content) == token:  # and no other base64 spelling of the same bytes
                return content
        raise InvalidToken

    def links(self, job: ExportJob, root: str) -> Links:
        """Return new absolute URLs, under `root`, of the files that the job has."""
        wanted = {Purpose.DOWNLOAD} if job.status is JobStatus.COMPLETED else set[Purpose]()
        wanted |= {Purpose(report.value) for report in job.reports}
        path = root + paths.poll(job.job_id)
        expires = self._expiry()

        def link(purpose: Purpose) -> str | None:
            return (
                f"{path}{purpose}/?token={self._issue(job, purpose, expires)}" if purpose in wanted else None
            )

        return Links(
            download=link(Purpose.DOWNLOAD),
            manifest=link(Purpose.MANIFEST),
            errors=link(Purpose.ERRORS),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def _expiry(self) -> int:
        """Return when a token that is issued now expires, in seconds since 1970."""
        return int(datetime.now(UTC).timestamp()) + self._ttl_seconds

    def _issue(self, job: ExportJob, purpose: Purpose, expires: int) -> str:
        return _sign(self._signers[0], [purpose.value, job.organisation, job.job_id, expires])


def _sign(signer: URLSafeSerializer, content: Any) -> str:
    token = signer.dumps(content)
    return token.decode("ascii") if isinstance(token, bytes) else token


async def artefact_response(request: Request, reads: ExportReads, job: ExportJob, grant: Grant) -> Response:
    """Return the artefact: from the local disk, by redirect to the object store, or streamed from the store.

    Only the local disk serves ranges. Raises NotReady before completion, ExportNotFound if the artefact has been
    deleted.
    """
    if job.status is not JobStatus.COMPLETED:
        raise NotReady(job.job_id, job.status)
    filename = job.output_filename or f"{job.job_id}.zip"
    media_type = _MEDIA_TYPES.get(PurePath(filename).suffix, "application/octet-stream")
    headers = {"cache-control": "private, no-transform"}
    if job.finished_at is not None:
        headers["last-modified"] = format_datetime(job.finished_at.astimezone(UTC), usegmt=True)
    if (tag := job.sha256 or (job.composite_sha256 and f"pieces-{job.composite_sha256}")) is not None:
        headers["etag"] = f'"{tag}"'
        if matches(request.headers.get("if-none-match"), headers["etag"]):
            return Response(status_code=304, headers=headers)
    try:
        path = await anyio.to_thread.run_sync(reads.artefact_path, job)
        if path is not None:
            stat = await anyio.to_thread.run_sync(os.stat, path)
            return FileResponse(
                path, headers=headers, media_type=media_type, filename=filename, stat_result=stat
            )
        headers["accept-ranges"] = "none"
        headers["content-disposition"] = attachment(filename)
        if job.file_size_bytes is not None:
            headers["content-length"] = str(job.file_size_bytes)
        if request.method == "HEAD":
            # A presigned URL is valid for GET only.
            return Response(headers=headers, media_type=media_type)
        url = await anyio.to_thread.run_sync(reads.artefact_url, job, grant.seconds_left)
        if url is not None:
            return RedirectResponse(url, 307, headers={"cache-control": "no-store"})
        stream = await anyio.to_thread.run_sync(reads.open_artefact, job)
    except FileNotFoundError as error:
        raise ExportNotFound(job.job_id) from error
    return StreamingResponse(chunks(stream), headers=headers, media_type=media_type)


async def report_response(
    reads: ExportReads, job: ExportJob, report: Report, wanted: ReportFormat, limiter: anyio.CapacityLimiter
) -> Response:
    """Return one of the job's reports. Formats other than CSV are made first, in the threads of `limiter`.

    Raises ExportNotFound if there is none, TooManyRows if it has more rows than the format holds.
    """
    stream = await anyio.to_thread.run_sync(
        reads.open_report, job, report, wanted, limiter=None if wanted is ReportFormat.CSV else limiter
    )
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": attachment(f"{job.job_id}-{report}.{wanted}"),
    }
    return StreamingResponse(chunks(stream), headers=headers, media_type=REPORT_MEDIA_TYPES[wanted])


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the If-None-Match header lists the entity tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    candidates = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in candidates or etag.removeprefix("W/") in candidates


async def chunks(stream: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the content in chunks, and close the stream at the end."""
    try:
        while chunk := await anyio.to_thread.run_sync(stream.read, _CHUNK_BYTES):
            yield chunk
    finally:
        # When the client disconnects, this task is cancelled. The shield lets the stream be closed anyway.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(stream.close)
