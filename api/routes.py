"""The endpoints of label exports."""

from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from api import wire
from api.auth import authenticated, require_submitter
from api.downloads import DownloadTokens, artefact_response
from api.errors import PayloadTooLarge, UnsupportedMediaType
from api.settings import ApiSettings
from exports.errors import Unavailable
from exports.job_id import run_id_for
from exports.ports import ExportJob, Exports
from exports.request import parse_request

#: Seconds between two polls of a job in flight.
RETRY_AFTER_SECONDS = 2

#: Submissions wait for a warm worker inside the request: they get threads of their own, so that any
#: number of them leaves those of polls and downloads alone.
SUBMIT_THREADS = 32


class LabelExportRoutes:
    """The label-export endpoints over one `Exports` and one `Accounts`."""

    def __init__(self, *, exports: Exports, accounts: Accounts, settings: ApiSettings) -> None:
        self._exports = exports
        self._accounts = accounts
        self._settings = settings
        self._tokens = DownloadTokens(settings.secret_key.get_secret_value(), settings.download_ttl_seconds)
        self._submit_threads = anyio.CapacityLimiter(SUBMIT_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        job = wire.ROOT + "{job_id}/"
        return [
            Route(wire.ROOT, self.submit, methods=["POST"]),
            Route(job, self.poll, methods=["GET"]),
            Route(job + "download/", self.download, methods=["GET"]),
            Route("/healthz", self.health, methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Response:
        """Accept a label export and answer 202 with its receipt."""
        key = await authenticated(request, self._accounts)
        require_submitter(key)
        _require_json(request)
        body = await _body(request, self._settings.max_body_bytes)
        # Up to 5,000 identifiers in each of three lists: some milliseconds, so not in the event loop.
        wanted = await anyio.to_thread.run_sync(parse_request, body)
        job = await anyio.to_thread.run_sync(
            partial(self._exports.submit, key.organisation, wanted, requested_by=f"key:{key.id}"),
            limiter=self._submit_threads,
        )
        headers = {"location": wire.poll_path(job.job_id), **_in_flight_headers(job)}
        return JSONResponse(wire.receipt(job), 202, headers=headers)

    async def poll(self, request: Request) -> Response:
        """Answer with the state of a job and, once it is completed, a fresh download link."""
        key = await authenticated(request, self._accounts)
        job_id = _job_id(request)
        job = await anyio.to_thread.run_sync(self._exports.job, key.organisation.slug, job_id)
        token, expires_at = self._tokens.issue(job)
        url = f"{self._public_root(request)}{wire.poll_path(job.job_id)}download/?token={token}"
        return JSONResponse(wire.poll_body(job, (url, expires_at)), headers=_in_flight_headers(job))

    async def download(self, request: Request) -> Response:
        """Answer with the artefact to whoever holds a good token."""
        job_id = _job_id(request)
        grant = self._tokens.check(request.query_params.get("token", ""), job_id)
        job = await anyio.to_thread.run_sync(self._exports.job, grant.organisation, job_id)
        return await artefact_response(request, self._exports, job)

    async def health(self, request: Request) -> Response:
        """Answer 200 once exports can be accepted."""
        del request
        if not await anyio.to_thread.run_sync(self._exports.ready):
            raise Unavailable
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    def _public_root(self, request: Request) -> str:
        return (self._settings.public_url or str(request.base_url)).rstrip("/")


def _in_flight_headers(job: ExportJob) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if not job.status.is_terminal:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return headers


def _job_id(request: Request) -> str:
    """Return the path's job id. Raises InvalidJobId or ExportNotFound for one that no run can have."""
    job_id: str = request.path_params["job_id"]
    run_id_for(job_id)
    return job_id


def _require_json(request: Request) -> None:
    header = request.headers.get("content-type")
    kind, *parameters = [part.strip().lower() for part in (header or "").split(";")]
    charsets = [p.partition("=")[2].strip('" ') for p in parameters if p.startswith("charset")]
    if kind != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaType(header)


async def _body(request: Request, limit: int) -> bytes:
    """Return the body, reading no more of it than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise PayloadTooLarge(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise PayloadTooLarge(limit)
    return bytes(body)
