"""The endpoints of imports: upload a file, poll its import, fetch the rows that were not imported."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from api.auth.callers import principal_of, writer_of
from api.routes import incoming, uploads
from api.routes.downloads import chunks
from api.routes.resource import resource
from api.settings import ApiSettings
from api.wire import answers, paths
from api.wire.imports import ImportQuery, import_state, receipt
from exports.errors import TooManyOpenJobs
from exports.imports.ports import ImportJob, Imports, Rows
from exports.storage.addresses import attachment

#: Uploads of one organisation at once, in this process. What arrives takes disk, and is no open import yet.
UPLOADS_AT_ONCE = 4

#: Seconds between two polls of an import that has not ended.
_RETRY_AFTER_SECONDS = 2

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ImportRoutes:
    """The import endpoints."""

    def __init__(self, imports: Imports, settings: ApiSettings) -> None:
        self._imports = imports
        self._settings = settings
        self._uploads = Counter[str]()

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(paths.IMPORTS, post=self.submit),
            resource(paths.IMPORT, get=self.poll),
            *(resource(f"{paths.IMPORT}{rows}/", get=partial(self.rows, rows=rows)) for rows in Rows),
        ]

    async def submit(self, request: Request) -> Response:
        """Store the file and queue its import; answer 202 with a receipt."""
        principal = writer_of(request)
        wanted = incoming.query(request, ImportQuery).to_request()
        key = incoming.idempotency_key(request)
        organisation = principal.organisation.slug
        with self._one_more_upload(organisation):
            upload = await uploads.store(
                request,
                self._imports.receive(organisation, idempotency_key=key),
                limit_bytes=self._settings.max_import_bytes,
                timeout_seconds=self._settings.body_timeout_seconds,
            )
        submit = partial(
            self._imports.submit,
            organisation,
            upload,
            wanted,
            requested_by=principal.id,
            idempotency_key=key,
        )
        job = await anyio.to_thread.run_sync(submit)
        bind_contextvars(job_id=job.job_id)
        headers = {"location": paths.import_of(job.job_id), **_in_flight_headers(job)}
        return answers.response(receipt(job), 202, headers)

    @contextmanager
    def _one_more_upload(self, organisation: str) -> Generator[None]:
        """Count an upload while it lasts. Raises TooManyOpenJobs if the organisation has too many."""
        if self._uploads[organisation] >= UPLOADS_AT_ONCE:
            raise TooManyOpenJobs(UPLOADS_AT_ONCE, what="uploads")
        self._uploads[organisation] += 1
        try:
            yield
        finally:
            self._uploads[organisation] -= 1

    async def poll(self, request: Request) -> Response:
        """Answer with the state of an import."""
        principal = principal_of(request)
        job_id = incoming.job_id(request)
        job = await anyio.to_thread.run_sync(self._imports.job, principal.organisation.slug, job_id)
        return answers.response(import_state(job), headers=_in_flight_headers(job))

    async def rows(self, request: Request, *, rows: Rows) -> Response:
        """Answer with the rows that were held or refused, as a file to be corrected and imported."""
        principal = principal_of(request)
        job_id = incoming.job_id(request)
        stream, suffix = await anyio.to_thread.run_sync(
            self._imports.open_rows, principal.organisation.slug, job_id, rows
        )
        headers = {
            "cache-control": "private, no-store",
            "content-disposition": attachment(f"{job_id}-{rows}{suffix}"),
        }
        return StreamingResponse(chunks(stream), headers=headers, media_type=_MEDIA_TYPES[suffix])


def _in_flight_headers(job: ImportJob) -> dict[str, str]:
    return {} if job.status.is_terminal else {"retry-after": str(_RETRY_AFTER_SECONDS)}
