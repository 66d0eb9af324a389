"""The endpoints of a job's files: whoever has the signed link needs no key."""

from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from api import wire
from api.routes import incoming
from api.routes.downloads import DownloadTokens, Grant, Purpose, artefact_response, report_response
from api.routes.resource import resource
from exports.ports import ExportJob, Exports, Report

#: Reports made in another format at once: a large one takes a minute of the processor from polls.
TABLE_THREADS = 2


class FileRoutes:
    """The artefact and the tables about it."""

    def __init__(self, exports: Exports, tokens: DownloadTokens) -> None:
        self._exports = exports
        self._tokens = tokens
        self._table_threads = anyio.CapacityLimiter(TABLE_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        job = wire.ROOT + "{job_id}/"
        reports = [resource(f"{job}{report}/", get=partial(self.report, report=report)) for report in Report]
        return [resource(f"{job}{Purpose.DOWNLOAD}/", get=self.download), *reports]

    async def download(self, request: Request) -> Response:
        """Answer with the artefact."""
        job, grant = await self._granted(request, Purpose.DOWNLOAD)
        return await artefact_response(request, self._exports, job, grant)

    async def report(self, request: Request, *, report: Report) -> Response:
        """Answer with the job's manifest or errors, as CSV, Parquet or XLSX."""
        job, _ = await self._granted(request, Purpose(report.value))
        wanted = incoming.query(request, incoming.ReportQuery, signed=True).format
        return await report_response(self._exports, job, report, wanted, self._table_threads)

    async def _granted(self, request: Request, purpose: Purpose) -> tuple[ExportJob, Grant]:
        """Return the job that the token opens. Raises InvalidToken before any look-up."""
        job_id = incoming.job_id(request)
        grant = self._tokens.check(request.query_params.get("token", ""), job_id, purpose)
        bind_contextvars(organisation=grant.organisation, job_id=job_id)
        return await anyio.to_thread.run_sync(self._exports.job, grant.organisation, job_id), grant
