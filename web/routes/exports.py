"""A new export: the form, what it would make, and its submission."""

import base64
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from exports.ports import ExportJob, Exports
from exports.previews.preview import Preview, PreviewPicture
from exports.reads import ExportReads
from exports.requests import saved
from exports.requests.request import ExportRequest
from gs1.errors import LabelError
from web.errors import PageNotFound
from web.export_form import new_key
from web.forms import lists
from web.forms.entered import Entered, ExportForms
from web.forms.values import DEFAULTS, body_of, request_of, values_of_request
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

    def __init__(
        self, exports: Exports, reads: ExportReads, accounts: Accounts, forms: ExportForms, visitors: Visitors
    ) -> None:
        self._exports = exports
        self._reads = reads
        self._saved = accounts.saved_requests
        self._forms = forms
        self._visitors = visitors
        self._previews, self._counts = Threads(_PREVIEW_THREADS), Threads(_COUNT_THREADS)
        self._submissions = Threads(_SUBMIT_THREADS, _SUBMIT_THREADS_EACH)

    def routes(self) -> list[Route]:
        done = partial(self._visitors.action, file_bytes=lists.MAX_FILE_BYTES, files=len(lists.FILLED))
        return [
            Route("/exports/new", self._visitors.page(self.form)),
            Route("/exports/new/preview", done(self.preview, needs=lambda _: True), methods=["POST"]),
            Route("/exports/new", done(self.submit), methods=["POST"]),
            Route("/exports/new/save", done(self.save), methods=["POST"]),
        ]

    async def form(self, request: Request, visitor: Visitor) -> Response:
        """Show the form, filled in from the address: other pages lead here with a choice already made, or a job's."""
        chosen = dict(request.query_params)
        job_id, name = chosen.pop("again", None), chosen.pop("saved", None)
        known, unknown = dict(DEFAULTS), list[str]()
        if job_id is not None or name is not None:
            find = partial(self._request, visitor.organisation.slug, job_id, name)
            known, unknown = values_of_request(await anyio.to_thread.run_sync(find))
            known["name"] = name or ""
        entered = await self._forms.filled(visitor, {**known, **chosen})
        return await self._shown(request, visitor, entered, unknown=unknown)

    def _request(self, organisation: str, job_id: str | None, name: str | None) -> ExportRequest:
        """Return the request of a job, or the one that was saved under the name."""
        if name is not None:
            return saved.request_of(self._saved.get(organisation, name))
        if (plan := self._reads.plan(self._exports.job(organisation, job_id or ""))) is None:
            raise PageNotFound
        return plan.request

    async def preview(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Show what the form would make: how many, what fails and why, and the first symbols or the first page.

        htmx gets this alone, and the fields if others are to be shown. Others get the whole page.
        """
        entered = await self._forms.sent(visitor, form)
        found = None
        if not entered.faults:
            try:
                is_whole = "whole" in form or not request.headers.get("hx-request")
                wanted = request_of(entered.values)
                find = partial(self._reads.preview, visitor.organisation, wanted, at_once=not is_whole)
                threads = self._counts if is_whole else self._previews
                found = await threads.run(visitor.organisation.slug, find)
            except LabelError as error:
                entered = entered.with_faults(error)
        shown = _preview(entered, found)
        if not request.headers.get("hx-request"):
            return await self._shown(request, visitor, entered, shown=shown)
        anew = entered.has_files or entered.state != form.get("state")
        if anew:
            shown |= await self._forms.fields(visitor, entered)
        return page(request, "export_preview.html", visitor, anew=anew, **shown)

    async def submit(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Submit the export and lead to its job, or show the form again with what is wrong with it.

        It is shown again, too, if something was filled in that does not go with what was chosen after it: without
        JavaScript nobody saw the field vanish.
        """
        entered = await self._forms.sent(visitor, form)
        if entered.faults or entered.choices.left_out:
            return await self._shown(request, visitor, entered, status_code=422)
        try:
            wanted = request_of(entered.values)
            submit = partial(self._submitted, visitor, wanted, str(form.get("once", "")))
            job = await self._submissions.run(visitor.organisation.slug, submit)
        except LabelError as error:
            return await self._shown(request, visitor, entered.with_faults(error), status_code=422)
        return RedirectResponse(f"/jobs/{job.job_id}", 303)

    async def save(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Save the request under a name, or show the form again with what is wrong with it."""
        entered = await self._forms.sent(visitor, form)
        if entered.faults or entered.choices.left_out:
            return await self._shown(request, visitor, entered, status_code=422)
        body = json.dumps(body_of(entered.values)).encode()
        slug, name = visitor.organisation.slug, entered.values.get("name", "")
        store = partial(saved.save, self._saved, slug, name, body, changed_by=visitor.id)
        try:
            await anyio.to_thread.run_sync(store)
        except LabelError as error:
            return await self._shown(request, visitor, entered.with_faults(error), status_code=422)
        return RedirectResponse("/requests", 303)

    def _submitted(self, visitor: Visitor, wanted: ExportRequest, once: str) -> ExportJob:
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
        entered: Entered,
        *,
        status_code: int = 200,
        unknown: Sequence[str] = (),
        shown: dict[str, Any] | None = None,
    ) -> Response:
        fields = await self._forms.fields(visitor, entered)
        return page(
            request,
            "new_export.html",
            visitor,
            status_code=status_code,
            unknown=unknown,
            shown=shown,
            once=new_key(),
            **fields,
        )


def _preview(entered: Entered, found: Preview | None) -> dict[str, Any]:
    """Return what the preview shows. Cells can be chosen on a sheet of several labels."""
    return {
        "faults": entered.faults,
        "preview": found,
        "left_out": entered.choices.left_out,
        "pictures": [_in_page(picture) for picture in found.pictures] if found else [],
        "sheet": entered.choices.sheet if "start_position" in entered.choices.fields else None,
        "start_position": int(entered.values.get("start_position") or entered.choices.position)
        if found
        else 1,
    }


def _in_page(picture: PreviewPicture) -> dict[str, object]:
    return {
        "address": f"data:image/png;base64,{base64.b64encode(picture.png).decode()}",
        "title": picture.title,
        "description": picture.description,
        "width_mm": picture.width_mm,
        "height_mm": picture.height_mm,
    }
