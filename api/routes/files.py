"""The endpoints of a job's files. A signed link takes the place of a key."""

from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from accounts.store import Accounts
from api.errors import InvalidToken
from api.routes import incoming
from api.routes.downloads import DownloadTokens, Grant, Purpose, artefact_response, report_response
from api.routes.resource import resource
from api.wire import paths, requests
from exports.ports import ExportJob, Exports, Report
from exports.reads import ExportReads

#: Reports converted at once. A large one takes a minute of the processor, which polls need too.
TABLE_THREADS = 2


class FileRoutes:
    """The artefact and the reports of a job."""

    def __init__(
        self, exports: Exports, reads: ExportReads, tokens: DownloadTokens, accounts: Accounts
    ) -> None:
        self._exports = exports
        self._reads = reads
        self._tokens = tokens
        self._accounts = accounts
        self._table_threads = anyio.CapacityLimiter(TABLE_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        download = resource(f"{paths.JOB}{Purpose.DOWNLOAD}/", get=self.download)
        reports = [
            resource(f"{paths.JOB}{report}/", get=partial(self.report, report=report)) for report in Report
        ]
        return [download, *reports]

    async def download(self, request: Request) -> Response:
        """Answer with the artefact."""
        job, grant = await self._granted(request, Purpose.DOWNLOAD)
        return await artefact_response(request, self._reads, job, grant)

    async def report(self, request: Request, *, report: Report) -> Response:
        """Answer with the job's manifest or errors as CSV, Parquet or XLSX."""
        job, _ = await self._granted(request, Purpose(report.value))
        wanted = incoming.query(request, requests.ReportQuery, signed=True).format
        return await report_response(self._reads, job, report, wanted, self._table_threads)

    async def _granted(self, request: Request, purpose: Purpose) -> tuple[ExportJob, Grant]:
        """Return the job that the token grants access to.

        Raises InvalidToken: for a bad token before any look-up, and if the organisation is suspended.
        """
        job_id = incoming.job_id(request)
        grant = self._tokens.check(request.query_params.get("token", ""), job_id, purpose)
        bind_contextvars(organisation=grant.organisation, job_id=job_id)
        if not await anyio.to_thread.run_sync(self._accounts.is_active, grant.organisation):
            raise InvalidToken
        return await anyio.to_thread.run_sync(self._exports.job, grant.organisation, job_id), grant
