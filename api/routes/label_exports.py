"""The endpoints of label exports."""

import hashlib
import time
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from api import wire
from api.auth.principals import Principal, require_writer
from api.middleware.rate_limit import principal_of
from api.routes import incoming
from api.routes.downloads import DownloadTokens, matches
from api.routes.reprint_request import ReprintRequest
from api.routes.resource import resource
from api.settings import ApiSettings
from exports.ports import ExportJob, Exports
from exports.requests.json_body import parse
from exports.requests.request import parse_request

#: Seconds between two polls of a job in flight.
RETRY_AFTER_SECONDS = 2

#: Submissions wait for a warm worker inside the request: they get threads of their own, so that any
#: number of them leaves those of polls and downloads alone.
SUBMIT_THREADS = 32

#: Previews draw inside the request: a few at a time, for they take the processor from polls.
PREVIEW_THREADS = 4

_LINK_RENEWAL_SECONDS = 60


class LabelExportRoutes:
    """The label-export endpoints over one `Exports`."""

    def __init__(self, exports: Exports, settings: ApiSettings, tokens: DownloadTokens) -> None:
        self._exports = exports
        self._settings = settings
        self._tokens = tokens
        self._submit_threads = anyio.CapacityLimiter(SUBMIT_THREADS)
        self._preview_threads = anyio.CapacityLimiter(PREVIEW_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        job = wire.ROOT + "{job_id}/"
        return [
            resource(wire.ROOT, get=self.list, post=self.submit),
            resource(wire.ROOT + "preview/", post=self.preview),
            resource(job, get=self.poll, delete=self.cancel),
            resource(job + "reprint/", post=self.reprint),
        ]

    async def submit(self, request: Request) -> Response:
        """Accept a label export and answer 202 with its receipt."""
        principal = _writer(request)
        key = incoming.idempotency_key(request)
        body = await incoming.json_body(request, self._settings)
        # Up to 5,000 identifiers in each of three lists: some milliseconds, so not in the event loop.
        wanted = await anyio.to_thread.run_sync(parse_request, body)
        submit = partial(
            self._exports.submit,
            principal.organisation,
            wanted,
            requested_by=principal.id,
            idempotency_key=key,
        )
        return _accepted(await anyio.to_thread.run_sync(submit, limiter=self._submit_threads))

    async def reprint(self, request: Request) -> Response:
        """Accept the same rows once more, with who asks and why, and answer 202 with the new receipt."""
        principal = _writer(request)
        job_id = incoming.job_id(request)
        wanted = parse(await incoming.json_body(request, self._settings), ReprintRequest)
        reprint = partial(
            self._exports.reprint,
            principal.organisation,
            job_id,
            requested_by=principal.id,
            reason=wanted.reason,
        )
        return _accepted(await anyio.to_thread.run_sync(reprint, limiter=self._submit_threads))

    async def preview(self, request: Request) -> Response:
        """Answer with what an export would make, without making a job."""
        principal = principal_of(request)
        body = await incoming.json_body(request, self._settings)
        wanted = await anyio.to_thread.run_sync(parse_request, body)
        found = await anyio.to_thread.run_sync(
            self._exports.preview, principal.organisation, wanted, limiter=self._preview_threads
        )
        return wire.answer(wire.preview(found))

    async def list(self, request: Request) -> Response:
        """Answer with one page of the organisation's label exports."""
        principal = principal_of(request)
        query = incoming.query(request, incoming.JobsQuery)
        page = query.to_page()
        found = await anyio.to_thread.run_sync(
            self._exports.jobs, principal.organisation.slug, page, query.status
        )
        states = [self._state(request, job) for job in found.jobs]
        return wire.answer(wire.LabelExportListOut.of(states, page, found.total))

    async def poll(self, request: Request) -> Response:
        """Answer with the state of a job and, once it is completed, fresh download links."""
        principal = principal_of(request)
        job_id = _bound_job_id(request)
        job = await anyio.to_thread.run_sync(self._exports.job, principal.organisation.slug, job_id)
        state = self._state(request, job)
        etag = _etag(state)
        headers = {"cache-control": "private, no-cache", "etag": etag, **_in_flight_headers(job)}
        if matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return wire.answer(state, headers=headers)

    async def cancel(self, request: Request) -> Response:
        """Cancel a job that has not ended and answer 202 with its state."""
        principal = _writer(request)
        job_id = _bound_job_id(request)
        job = await anyio.to_thread.run_sync(self._exports.cancel, principal.organisation.slug, job_id)
        return wire.answer(self._state(request, job), 202, _in_flight_headers(job))

    def _state(self, request: Request, job: ExportJob) -> wire.LabelExportJobOut:
        root = (self._settings.public_url or str(request.base_url)).rstrip("/")
        return wire.job_state(job, self._tokens.links(job, root))


def _writer(request: Request) -> Principal:
    principal = principal_of(request)
    require_writer(principal)
    return principal


def _bound_job_id(request: Request) -> str:
    job_id = incoming.job_id(request)
    bind_contextvars(job_id=job_id)
    return job_id


def _accepted(job: ExportJob) -> Response:
    bind_contextvars(job_id=job.job_id)
    headers = {"location": wire.poll_path(job.job_id), **_in_flight_headers(job)}
    return wire.answer(wire.receipt(job), 202, headers)


def _in_flight_headers(job: ExportJob) -> dict[str, str]:
    return {} if job.status.is_terminal else {"retry-after": str(RETRY_AFTER_SECONDS)}


def _etag(state: wire.LabelExportJobOut) -> str:
    """Return a weak entity tag: the same while nothing but the links' signatures differs.

    Links age, so a state with links counts as another one each minute: who keeps an answer keeps links
    that are good for all but a minute of their life.
    """
    without_links: dict[str, None] = dict.fromkeys(
        ("download_url", "expires_at", "manifest_url", "errors_url")
    )
    has_links = any(getattr(state, name) is not None for name in without_links)
    age = int(time.time()) // _LINK_RENEWAL_SECONDS if has_links else 0
    content = f"{age}{state.model_copy(update=without_links).model_dump_json()}"
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
