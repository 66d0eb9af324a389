"""Saved requests: exports that are made again and again, by name."""

from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from exports.ports import ExportJob, Exports
from exports.requests import saved
from exports.requests.words import stored_in_words
from gs1.errors import LabelError
from web.addresses import number_of
from web.export_form import Faults, form_page, new_key
from web.people import names_of
from web.rendering import indented, page
from web.threads import Threads
from web.visitors import Visitor, Visitors

_REQUESTS_PER_PAGE = 25

_FORM = "new_request.html"
_FIELDS = ("name", "request")

#: What the form of a new request begins with.
_EXAMPLE = {
    "scope": "lots",
    "export_type": "sheet_pdf",
    "file_format": "pdf",
    "filters": {"never_printed": True},
}

#: Submissions wait for a worker.
_SUBMIT_THREADS, _SUBMIT_THREADS_EACH, _WAIT_SECONDS = 8, 2, 2.0


class SavedRequestRoutes:
    """The list of saved requests. Everybody looks; whoever may submit exports submits and changes them."""

    def __init__(self, exports: Exports, accounts: Accounts, visitors: Visitors) -> None:
        self._exports = exports
        self._accounts = accounts
        self._stored = accounts.saved_requests
        self._visitors = visitors
        self._submissions = Threads(_SUBMIT_THREADS, _SUBMIT_THREADS_EACH)

    def routes(self) -> list[Route]:
        shown, done = self._visitors.page, self._visitors.action
        return [
            Route("/requests", shown(self.all)),
            Route("/new-request", shown(self.blank, needs=lambda it: it.may_submit)),
            Route("/new-request", done(self.save), methods=["POST"]),
            Route("/requests/{name}/submit", done(self.submit), methods=["POST"]),
            Route("/requests/{name}/remove", done(self.remove), methods=["POST"]),
        ]

    async def all(self, request: Request, visitor: Visitor) -> Response:
        """Show the saved requests by name, each in words."""
        number = number_of(request)
        end = number * _REQUESTS_PER_PAGE
        every = await anyio.to_thread.run_sync(self._stored.list, visitor.organisation.slug)
        return page(
            request,
            "saved_requests.html",
            visitor,
            requests=[
                (each, stored_in_words(each.document)) for each in every[end - _REQUESTS_PER_PAGE : end]
            ],
            names=await anyio.to_thread.run_sync(names_of, self._accounts, visitor.organisation.slug),
            number=number,
            more=len(every) > end,
            once=new_key(),
        )

    async def blank(self, request: Request, visitor: Visitor) -> Response:
        """Show the form of a new request, or of the one that `of` names."""
        name = request.query_params.get("of")
        if name is None:
            return form_page(request, _FORM, visitor, {"request": indented(_EXAMPLE)})
        found = await anyio.to_thread.run_sync(self._stored.get, visitor.organisation.slug, name)
        return form_page(
            request, _FORM, visitor, {"name": name, "request": indented(saved.document_of(found))}
        )

    async def save(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Store the request, or show its form again with what is wrong with it."""
        values = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        store = partial(
            saved.save,
            self._stored,
            visitor.organisation.slug,
            values["name"],
            values["request"].encode(),
            changed_by=visitor.id,
        )
        try:
            await anyio.to_thread.run_sync(store)
        except LabelError as error:
            return form_page(request, _FORM, visitor, values, Faults.of(error, _FIELDS), 422)
        return RedirectResponse("/requests", 303)

    async def submit(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Submit the request as it is now, and lead to its job."""
        name: str = request.path_params["name"]
        submit = partial(self._submitted, visitor, name, str(form.get("once", "")))
        job = await self._submissions.run(visitor.organisation.slug, submit)
        return RedirectResponse(f"/jobs/{job.job_id}", 303)

    def _submitted(self, visitor: Visitor, name: str, once: str) -> ExportJob:
        wanted = saved.request_of(self._stored.get(visitor.organisation.slug, name))
        return self._exports.submit(
            visitor.organisation,
            wanted,
            requested_by=visitor.id,
            # One key for the buttons of all requests in a list that was shown.
            idempotency_key=f"{once}-{name}" if once else None,
            wait_seconds=_WAIT_SECONDS,
        )

    async def remove(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        name: str = request.path_params["name"]
        await anyio.to_thread.run_sync(self._stored.remove, visitor.organisation.slug, name)
        return RedirectResponse("/requests", 303)
