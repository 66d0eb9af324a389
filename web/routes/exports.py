"""A new export: the form, what it would make, and its submission."""

import base64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.selection import Scope
from exports.ports import Exports
from exports.previews.preview import PreviewPicture
from exports.reads import ExportReads
from gs1.errors import LabelError
from renderers.sheets.model import SheetTemplate
from renderers.sheets.templates import DEFAULT_TEMPLATE_ID
from web import export_form
from web.errors import PageNotFound
from web.export_form import Faults
from web.rendering import page
from web.threads import Threads
from web.visitors import Visitor, Visitors

#: Previews draw inside the request. Only a few run at once, so that other pages get processor time.
_PREVIEW_THREADS = 4

#: Selections of millions that are counted at once, for seconds each.
_COUNT_THREADS = 2

#: Submissions wait for a worker, see `_submitted`.
_SUBMIT_THREADS, _SUBMIT_THREADS_EACH = 8, 2


class NewExportRoutes:
    """The form of a new export. Every change of it shows what it would make; nothing is made before it is sent."""

    def __init__(self, exports: Exports, reads: ExportReads, visitors: Visitors) -> None:
        self._exports = exports
        self._reads = reads
        self._visitors = visitors
        self._previews, self._counts = Threads(_PREVIEW_THREADS), Threads(_COUNT_THREADS)
        self._submissions = Threads(_SUBMIT_THREADS, _SUBMIT_THREADS_EACH)

    def routes(self) -> list[Route]:
        return [
            Route("/exports/new", self._visitors.page(self.form)),
            Route(
                "/exports/new/preview",
                self._visitors.action(self.preview, needs=lambda _: True),
                methods=["POST"],
            ),
            Route("/exports/new", self._visitors.action(self.submit), methods=["POST"]),
        ]

    async def form(self, request: Request, visitor: Visitor) -> Response:
        """Show the form, filled in from the address: other pages lead here with a choice already made, or a job's."""
        chosen = dict(request.query_params)
        if (job_id := chosen.pop("again", None)) is None:
            return await self._shown(request, visitor, {**export_form.DEFAULTS, **chosen}, Faults())
        job = await anyio.to_thread.run_sync(self._exports.job, visitor.organisation.slug, job_id)
        plan = await anyio.to_thread.run_sync(self._reads.plan, job)
        if plan is None or plan.request.export_type not in export_form.TYPES:
            raise PageNotFound
        values, left_out = export_form.values_of_request(plan.request)
        return await self._shown(request, visitor, {**values, **chosen}, Faults(), left_out=left_out)

    async def preview(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Show what the form would make: how many, what fails and why, and the first symbols or the first page."""
        values = export_form.values_of(form)
        try:
            wanted = export_form.request_of(values)
            is_whole = "whole" in form
            found = await (self._counts if is_whole else self._previews).run(
                visitor.organisation.slug,
                partial(self._reads.preview, visitor.organisation, wanted, at_once=not is_whole),
            )
        except LabelError as error:
            return page(request, "export_preview.html", visitor, error=error, faults=_faults(error, values))
        sheet = await self._sheet(visitor, values)
        return page(
            request,
            "export_preview.html",
            visitor,
            error=None,
            preview=found,
            pictures=[_in_page(picture) for picture in found.pictures],
            sheet=sheet,
            start_position=int(values.get("start_position") or 1),
        )

    async def submit(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Submit the export and lead to its job, or show the form again with what is wrong with it."""
        values = export_form.values_of(form)
        try:
            wanted = export_form.request_of(values)
            submit = partial(self._submitted, visitor, wanted, str(form.get("once", "")))
            job = await self._submissions.run(visitor.organisation.slug, submit)
        except LabelError as error:
            return await self._shown(request, visitor, values, _faults(error, values), 422)
        return RedirectResponse(f"/jobs/{job.job_id}", 303)

    def _submitted(self, visitor: Visitor, wanted: Any, once: str) -> Any:
        return self._exports.submit(
            visitor.organisation,
            wanted,
            requested_by=visitor.id,
            idempotency_key=once or None,
            wait_seconds=2.0,
        )

    async def _shown(
        self,
        request: Request,
        visitor: Visitor,
        values: Mapping[str, str],
        faults: Faults,
        status_code: int = 200,
        left_out: Sequence[str] = (),
    ) -> Response:
        sheets = await anyio.to_thread.run_sync(self._reads.templates, visitor.organisation.slug)
        return page(
            request,
            "new_export.html",
            visitor,
            status_code=status_code,
            values=defaultdict(str, values),
            faults=faults,
            left_out=left_out,
            scopes=list(Scope),
            types=export_form.TYPES,
            formats=[
                (each.value, each.value.upper()) for each in export_form.formats_of(values["export_type"])
            ],
            sheets=sheets,
            default_sheet=DEFAULT_TEMPLATE_ID,
            once=export_form.new_key(),
        )

    async def _sheet(self, visitor: Visitor, values: Mapping[str, str]) -> SheetTemplate | None:
        """Return the sheet whose cells can be chosen as the first free one; None for a roll, and without a sheet."""
        if values.get("export_type") != "sheet_pdf":
            return None
        sheets = await anyio.to_thread.run_sync(self._reads.templates, visitor.organisation.slug)
        name = values.get("sheet_template") or DEFAULT_TEMPLATE_ID
        chosen = next((sheet for sheet in sheets if sheet.id == name), None)
        return chosen if chosen and chosen.labels_per_page > 1 else None


def _faults(error: LabelError, values: Mapping[str, str]) -> Faults:
    return Faults.of(error, {*values, *export_form.FIELDS})


def _in_page(picture: PreviewPicture) -> dict[str, object]:
    return {
        "address": f"data:image/png;base64,{base64.b64encode(picture.png).decode()}",
        "title": picture.title,
        "description": picture.description,
        "width_mm": picture.width_mm,
        "height_mm": picture.height_mm,
    }
