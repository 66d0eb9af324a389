"""The endpoints of label exports: submit, list, preview, poll, cancel, reprint."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from api.auth.callers import principal_of, writer_of
from api.auth.principals import Principal
from api.routes import incoming
from api.routes.downloads import DownloadTokens, matches
from api.routes.resource import resource
from api.settings import ApiSettings
from api.wire import answers, label_exports, paths
from api.wire.requests import JobsQuery, ReprintRequest
from exports.ports import ANSWER_SECONDS, ExportJob, Exports
from exports.reads import ExportReads
from exports.requests.json_body import parse
from exports.requests.request import ExportRequest, parse_request

#: Seconds between two polls of a job in flight.
RETRY_AFTER_SECONDS = 2

#: Submissions wait for a warm worker inside the request. Threads of their own keep those of polls and
#: downloads free: as many as this many organisations may use at once.
SUBMITTING_ORGANISATIONS = 8

#: Previews draw inside the request. Only a few run at once, so that polls get processor time.
PREVIEW_THREADS = 4

#: An unchanged job with links gets a new entity tag this often, so that clients get fresh links.
_LINK_RENEWAL_SECONDS = 60


class LabelExportRoutes:
    """The label-export endpoints."""

    def __init__(
        self, exports: Exports, reads: ExportReads, settings: ApiSettings, tokens: DownloadTokens
    ) -> None:
        self._exports = exports
        self._reads = reads
        self._settings = settings
        self._tokens = tokens
        self._submit_threads = anyio.CapacityLimiter(SUBMITTING_ORGANISATIONS * settings.submissions_each)
        self._submit_threads_of = defaultdict[str, anyio.CapacityLimiter](
            lambda: anyio.CapacityLimiter(settings.submissions_each)
        )
        self._preview_threads = anyio.CapacityLimiter(PREVIEW_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(paths.LABEL_EXPORTS, get=self.list, post=self.submit),
            resource(paths.PREVIEW, post=self.preview),
            resource(paths.JOB, get=self.poll, delete=self.cancel),
            resource(paths.REPRINT, post=self.reprint),
        ]

    async def submit(self, request: Request) -> Response:
        """Submit a label export; answer 202 with its receipt."""
        principal = writer_of(request)
        body = await incoming.json_body(request, self._settings)
        # Parsing up to 5,000 identifiers in each of three lists takes milliseconds: too long for the event loop.
        wanted = await anyio.to_thread.run_sync(parse_request, body)
        return await self.submitted(request, principal, wanted)

    async def submitted(self, request: Request, principal: Principal, wanted: ExportRequest) -> Response:
        """Submit what is wanted, under the request's idempotency key; answer 202 with the receipt."""
        submit = partial(
            self._exports.submit,
            principal.organisation,
            wanted,
            requested_by=principal.id,
            idempotency_key=incoming.idempotency_key(request),
        )
        return await self._answered(principal, submit)

    async def reprint(self, request: Request) -> Response:
        """Submit a reprint of a job's rows; answer 202 with the new job's receipt."""
        principal = writer_of(request)
        job_id = incoming.job_id(request)
        key = incoming.idempotency_key(request)
        wanted = parse(await incoming.json_body(request, self._settings), ReprintRequest)
        reprint = partial(
            self._exports.reprint,
            principal.organisation,
            job_id,
            requested_by=principal.id,
            reason=wanted.reason,
            rows=wanted.rows,
            idempotency_key=key,
        )
        return await self._answered(principal, reprint)

    async def _answered(self, principal: Principal, submission: Callable[..., ExportJob]) -> Response:
        """Answer within ANSWER_SECONDS; a job that has not ended by then runs on."""
        answer_by = time.monotonic() + ANSWER_SECONDS

        def submit() -> ExportJob:
            return submission(wait_seconds=max(0.0, answer_by - time.monotonic()))

        async with self._submit_threads_of[principal.organisation.slug]:
            return _accepted(await anyio.to_thread.run_sync(submit, limiter=self._submit_threads))

    async def preview(self, request: Request) -> Response:
        """Answer with what an export would make. No job is created."""
        principal = principal_of(request)
        body = await incoming.json_body(request, self._settings)
        wanted = await anyio.to_thread.run_sync(parse_request, body)
        found = await anyio.to_thread.run_sync(
            self._reads.preview, principal.organisation, wanted, limiter=self._preview_threads
        )
        return answers.response(label_exports.preview(found))

    async def list(self, request: Request) -> Response:
        """Answer with one page of the organisation's label exports."""
        principal = principal_of(request)
        query = incoming.query(request, JobsQuery)
        page = query.to_page()
        found = await anyio.to_thread.run_sync(
            self._exports.jobs, principal.organisation.slug, page, query.status, query.after
        )
        states = [self._state(request, job) for job in found.jobs]
        return answers.response(label_exports.job_list(states, page, found, query.after))

    async def poll(self, request: Request) -> Response:
        """Answer with the state of a job, and fresh links to its files."""
        principal = principal_of(request)
        job_id = _bound_job_id(request)
        job = await anyio.to_thread.run_sync(self._exports.job, principal.organisation.slug, job_id)
        state = self._state(request, job)
        etag = _etag(state)
        headers = {"cache-control": "private, no-cache", "etag": etag, **_in_flight_headers(job)}
        if matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return answers.response(state, headers=headers)

    async def cancel(self, request: Request) -> Response:
        """Cancel a job that has not ended; answer 202 with its state."""
        principal = writer_of(request)
        job_id = _bound_job_id(request)
        job = await anyio.to_thread.run_sync(self._exports.cancel, principal.organisation.slug, job_id)
        return answers.response(self._state(request, job), 202, _in_flight_headers(job))

    def _state(self, request: Request, job: ExportJob) -> label_exports.LabelExportJobOut:
        root = (self._settings.public_url or str(request.base_url)).rstrip("/")
        return label_exports.job_state(job, self._tokens.links(job, root))


def _bound_job_id(request: Request) -> str:
    job_id = incoming.job_id(request)
    bind_contextvars(job_id=job_id)
    return job_id


def _accepted(job: ExportJob) -> Response:
    bind_contextvars(job_id=job.job_id)
    headers = {"location": paths.poll(job.job_id), **_in_flight_headers(job)}
    return answers.response(label_exports.receipt(job), 202, headers)


def _in_flight_headers(job: ExportJob) -> dict[str, str]:
    return {} if job.status.is_terminal else {"retry-after": str(RETRY_AFTER_SECONDS)}


def _etag(state: label_exports.LabelExportJobOut) -> str:
    """Return a weak entity tag. The signatures of the links do not change it.

    A state with links gets a new tag every `_LINK_RENEWAL_SECONDS`, because links expire. The links in a stored
    answer with the current tag are at most that old.
    """
    without_links: dict[str, None] = dict.fromkeys(
        ("download_url", "expires_at", "manifest_url", "errors_url")
    )
    has_links = any(getattr(state, name) is not None for name in without_links)
    age = int(time.time()) // _LINK_RENEWAL_SECONDS if has_links else 0
    content = f"{age}{state.model_copy(update=without_links).model_dump_json()}"
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
