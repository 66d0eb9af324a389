"""The jobs of the organisation: the list, a job with its progress, what it printed, and what can be done with it."""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from exports.jobs.job_id import run_id_for
from exports.jobs.plan import MAX_REASON_LENGTH
from exports.ports import ExportJob, Exports, JobStatus, Page, Report, ReportFormat
from exports.previews.job_details import JobDetails
from exports.reads import ExportReads
from exports.requests.row_ranges import parse_rows
from gs1.errors import Gs1Error, LabelError
from web import timeline
from web.addresses import MOST_PAGES, number_of, row_of
from web.downloads import download
from web.errors import NoReason, PageNotFound
from web.export_form import TYPES, Faults, new_key
from web.people import names_of
from web.rendering import HEADERS, page
from web.scanned import keys_of
from web.threads import Threads
from web.visitors import Visitor, Visitors

_JOBS_PER_PAGE = 25
_ROWS_PER_PAGE = 50

#: Searches of rows, and files of other formats, that are made at once: each may read millions of rows.
_THREADS = 4

#: Reprints wait for a worker, see `_reprinted`.
_REPRINT_THREADS, _REPRINT_THREADS_EACH = 8, 2

#: What a scanned label says, by column of a manifest.
_COLUMNS = {"gtin14": "gtin14", "lot": "lot_number", "serial": "serial_number"}


class JobRoutes:
    """The list of jobs, the pages of a job, and what can be done with it.

    `runs_url` is the address of the Dagster UI, if operators have one.
    """

    def __init__(
        self,
        exports: Exports,
        reads: ExportReads,
        accounts: Accounts,
        visitors: Visitors,
        runs_url: str | None,
    ) -> None:
        self._exports = exports
        self._reads = reads
        self._accounts = accounts
        self._visitors = visitors
        self._runs_url = runs_url
        self._threads = Threads(_THREADS)
        self._reprints = Threads(_REPRINT_THREADS, _REPRINT_THREADS_EACH)

    def routes(self) -> list[Route]:
        shown, done = self._visitors.page, self._visitors.action
        return [
            Route("/jobs", shown(self.list)),
            Route("/jobs/{job_id}", shown(self.job)),
            Route("/jobs/{job_id}/state", shown(self.state)),
            Route("/jobs/{job_id}/picture", shown(self.picture)),
            Route("/jobs/{job_id}/pictures", shown(self.pictures)),
            Route("/jobs/{job_id}/rows", shown(self.rows)),
            Route("/jobs/{job_id}/download", shown(self.download)),
            Route("/jobs/{job_id}/{report}.{suffix}", shown(self.report)),
            Route("/jobs/{job_id}/cancel", done(self.cancel), methods=["POST"]),
            Route("/jobs/{job_id}/reprint", done(self.reprint), methods=["POST"]),
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
            names=await self._names(visitor),
        )

    async def pictures(self, request: Request, visitor: Visitor) -> Response:
        """Show a symbol or page of the job at a time, with links to those before and after it."""
        job, number = await self._job(request, visitor), number_of(request)
        details = await anyio.to_thread.run_sync(self._reads.details, job)
        if job.status is not JobStatus.COMPLETED or details.plan is None:
            raise PageNotFound
        return page(
            request,
            "job_pictures.html",
            visitor,
            job=job,
            number=number,
            has_labels=details.plan.has_labels,
            more=number < MOST_PAGES
            and number < (_pages(details) if details.plan.has_labels else job.total_items),
        )

    async def job(self, request: Request, visitor: Visitor) -> Response:
        """Show a job. The rows in the address fill the form to print them again."""
        values = {"rows": request.query_params.get("rows", "")}
        return await self._shown(request, visitor, await self._job(request, visitor), values)

    async def state(self, request: Request, visitor: Visitor) -> Response:
        """Show the part of a job's page that moves. When the job has ended, htmx loads the page anew."""
        job = await self._job(request, visitor)
        answer = page(request, "job_state.html", visitor, job=job)
        if job.status.is_terminal:
            answer.headers["hx-refresh"] = "true"
        return answer

    async def picture(self, request: Request, visitor: Visitor) -> Response:
        """Show the job's first symbol or page, or another one by its number."""
        job, number = await self._job(request, visitor), number_of(request)
        read = self._reads.picture if number == 1 else partial(self._reads.further_picture, number=number)
        if (png := await self._threads.run(visitor.organisation.slug, partial(read, job))) is None:
            raise PageNotFound
        return Response(png, media_type="image/png", headers=HEADERS)

    async def rows(self, request: Request, visitor: Visitor) -> Response:
        """Show rows of a job's manifest: all, or those of what was scanned or typed."""
        job = await self._job(request, visitor)
        searched, start = request.query_params.get("search", "").strip(), row_of(request)
        try:
            keys, text = keys_of(searched) if searched else {}, None
        except Gs1Error:
            keys, text = {}, searched
        read = partial(
            self._reads.rows,
            job,
            start=start,
            limit=_ROWS_PER_PAGE,
            text=text,
            keys={_COLUMNS[name]: value for name, value in keys.items()},
        )
        found = await self._threads.run(visitor.organisation.slug, read)
        return page(request, "job_rows.html", visitor, job=job, found=found, searched=searched, start=start)

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
        return download(stream, job.output_filename)

    async def report(self, request: Request, visitor: Visitor) -> Response:
        """Hand out the manifest or the errors. XLSX and Parquet are made now."""
        job = await self._job(request, visitor)
        try:
            report = Report(request.path_params["report"])
            wanted = ReportFormat(request.path_params["suffix"])
        except ValueError:
            raise PageNotFound from None
        stream = await self._threads.run(
            visitor.organisation.slug, partial(self._reads.open_report, job, report, wanted)
        )
        return download(stream, f"{job.job_id[:4]}-{report}.{wanted}")

    async def cancel(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        job_id = request.path_params["job_id"]
        await anyio.to_thread.run_sync(self._exports.cancel, visitor.organisation.slug, job_id)
        return RedirectResponse(f"/jobs/{job_id}", 303)

    async def reprint(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Print a job's rows again and lead to the new job, or show what is wrong with the form."""
        job = await self._job(request, visitor)
        values = {name: str(form.get(name, "")).strip() for name in ("reason", "rows")}
        again = partial(
            self._reprinted, visitor, job.job_id, values["reason"], values["rows"], str(form.get("once", ""))
        )
        try:
            made = await self._reprints.run(visitor.organisation.slug, again)
        except LabelError as error:
            return await self._shown(request, visitor, job, values, Faults.of(error, values), 422)
        return RedirectResponse(f"/jobs/{made.job_id}", 303)

    def _reprinted(self, visitor: Visitor, job_id: str, reason: str, rows: str, once: str) -> ExportJob:
        if not 1 <= len(reason) <= MAX_REASON_LENGTH:
            raise NoReason(MAX_REASON_LENGTH)
        return self._exports.reprint(
            visitor.organisation,
            job_id,
            requested_by=visitor.id,
            reason=reason,
            rows=parse_rows(rows) if rows else None,
            idempotency_key=once or None,
            wait_seconds=2.0,
        )

    async def _shown(
        self,
        request: Request,
        visitor: Visitor,
        job: ExportJob,
        values: Mapping[str, str],
        faults: Faults | None = None,
        status_code: int = 200,
    ) -> Response:
        details = await anyio.to_thread.run_sync(self._reads.details, job)
        stages = await anyio.to_thread.run_sync(self._exports.stages, job.organisation, job.job_id)
        return page(
            request,
            "job.html",
            visitor,
            status_code=status_code,
            job=job,
            details=details,
            steps=timeline.steps(job, stages),
            failed_in=timeline.failed_in(job, stages),
            names=await self._names(visitor),
            run_url=f"{self._runs_url}/runs/{run_id_for(job.job_id)}" if self._runs_url else None,
            values=defaultdict(str, values),
            faults=faults or Faults(),
            once=new_key(),
            types=TYPES,
        )

    async def _names(self, visitor: Visitor) -> Mapping[str, str]:
        return await anyio.to_thread.run_sync(names_of, self._accounts, visitor.organisation.slug)

    async def _job(self, request: Request, visitor: Visitor) -> ExportJob:
        job_id = request.path_params["job_id"]
        return await anyio.to_thread.run_sync(self._exports.job, visitor.organisation.slug, job_id)


def _pages(details: JobDetails) -> int:
    """Return the pages of the job's PDF, as verification counted them. 1 if it has not, as for a roll."""
    return max((int(each.facts.get("pages", 1)) for each in details.findings), default=1)


def _status(request: Request) -> JobStatus | None:
    given = request.query_params.get("status", "")
    try:
        return JobStatus(given) if given else None
    except ValueError:
        raise PageNotFound from None
