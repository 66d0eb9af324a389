"""The jobs of the organisation: the list, and a job with its progress and its files."""

from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from exports.ports import ExportJob, Exports, JobStatus, Page
from exports.reads import ExportReads
from web.addresses import MOST_PAGES, number_of
from web.errors import PageNotFound
from web.rendering import page
from web.visitors import Visitor, Visitors

_JOBS_PER_PAGE = 25


class JobRoutes:
    """The list of jobs, the page of a job, and what can be done with it."""

    def __init__(self, exports: Exports, reads: ExportReads, visitors: Visitors) -> None:
        self._exports = exports
        self._reads = reads
        self._visitors = visitors

    def routes(self) -> list[Route]:
        shown, done = self._visitors.page, self._visitors.action
        return [
            Route("/jobs", shown(self.list)),
            Route("/jobs/{job_id}", shown(self.job)),
            Route("/jobs/{job_id}/state", shown(self.state)),
            Route("/jobs/{job_id}/download", shown(self.download)),
            Route("/jobs/{job_id}/cancel", done(self.cancel), methods=["POST"]),
        ]

    async def list(self, request: Request, visitor: Visitor) -> Response:
        """Show a page of jobs, newest first. Asked for by htmx, it is the table alone."""
        number = number_of(request)
        status = _status(request)
        found = await anyio.to_thread.run_sync(
            self._exports.jobs, visitor.organisation.slug, Page(number, _JOBS_PER_PAGE), status
        )
        return page(
            request,
            "jobs_table.html" if request.headers.get("hx-request") else "jobs.html",
            visitor,
            jobs=found.jobs,
            total=found.total,
            number=number,
            more=found.has_next and number < MOST_PAGES,
            status=status,
            statuses=list(JobStatus),
            moving=any(not job.status.is_terminal for job in found.jobs),
        )

    async def job(self, request: Request, visitor: Visitor) -> Response:
        return page(request, "job.html", visitor, job=await self._job(request, visitor))

    async def state(self, request: Request, visitor: Visitor) -> Response:
        """Show the part of a job's page that moves."""
        return page(request, "job_state.html", visitor, job=await self._job(request, visitor))

    async def download(self, request: Request, visitor: Visitor) -> Response:
        """Hand out the artefact: from the local disk, by the object store, or streamed from it."""
        job = await self._job(request, visitor)
        if job.status is not JobStatus.COMPLETED or job.output_filename is None:
            raise PageNotFound
        if (path := await anyio.to_thread.run_sync(self._reads.artefact_path, job)) is not None:
            return FileResponse(path, filename=job.output_filename)
        if (url := await anyio.to_thread.run_sync(self._reads.artefact_url, job, 60)) is not None:
            return RedirectResponse(url, 307)
        stream = await anyio.to_thread.run_sync(self._reads.open_artefact, job)
        named = {"content-disposition": f'attachment; filename="{job.output_filename}"'}
        return StreamingResponse(iter(partial(stream.read, 1 << 20), b""), headers=named)

    async def cancel(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        job_id = request.path_params["job_id"]
        await anyio.to_thread.run_sync(self._exports.cancel, visitor.organisation.slug, job_id)
        return RedirectResponse(f"/jobs/{job_id}", 303)

    async def _job(self, request: Request, visitor: Visitor) -> ExportJob:
        job_id = request.path_params["job_id"]
        return await anyio.to_thread.run_sync(self._exports.job, visitor.organisation.slug, job_id)


def _status(request: Request) -> JobStatus | None:
    given = request.query_params.get("status", "")
    try:
        return JobStatus(given) if given else None
    except ValueError:
        raise PageNotFound from None
