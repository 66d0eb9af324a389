"""Printer profiles, and the sheets in their trays."""

import json
from collections.abc import Mapping
from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from exports.errors import InvalidRequest
from exports.ports import Exports
from exports.printers import profile
from exports.printers.profile import Profile, Tray, profile_of
from exports.printers.trays import Trays
from exports.reads import ExportReads
from exports.requests.json_body import parse
from gs1.errors import LabelError
from web.addresses import number_of
from web.export_form import Faults, form_page, sheet_options
from web.rendering import page
from web.visitors import Visitor, Visitors

_PRINTERS_PER_PAGE = 25

#: The fields of a profile, and what their texts are.
_FIELDS: Mapping[str, type[int] | type[float] | type[str]] = {
    "offset_x_mm": float,
    "offset_y_mm": float,
    "scale_percent": float,
    "dpi": int,
    "rotate": int,
    "sheet_template": str,
    "next_position": int,
}


class PrinterRoutes:
    """The list of printers. Everybody looks; whoever may submit exports may change them, as over the API."""

    def __init__(self, exports: Exports, reads: ExportReads, accounts: Accounts, visitors: Visitors) -> None:
        self._printers = accounts.printers
        self._reads = reads
        self._trays = Trays(accounts.printers, reads.templates, exports.job)
        self._visitors = visitors

    def routes(self) -> list[Route]:
        shown, done = self._visitors.page, self._visitors.action
        return [
            Route("/printers", shown(self.all)),
            Route("/new-printer", shown(self.blank, needs=lambda it: it.may_submit)),
            Route("/new-printer", done(self.save), methods=["POST"]),
            Route("/printers/{name}/tray", done(self.load), methods=["POST"]),
            Route("/printers/{name}/remove", done(self.remove), methods=["POST"]),
        ]

    async def all(self, request: Request, visitor: Visitor) -> Response:
        """Show the printers by name, each with the sheet in its tray."""
        return await self._listed(request, visitor)

    async def blank(self, request: Request, visitor: Visitor) -> Response:
        """Show the form of a new printer, or of the one that `of` names."""
        values: dict[str, str] = {}
        if (name := request.query_params.get("of")) is not None:
            found = await anyio.to_thread.run_sync(self._trays.get, visitor.organisation.slug, name)
            # The tray has a form of its own, in the list. Here it is left as it is.
            settings = Profile.model_validate_json(found.document).model_dump(exclude_none=True)
            values = {"name": name, **{field: str(value) for field, value in settings.items()}}
        return await self._form(request, visitor, values)

    async def save(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Store the printer, or show its form again with what is wrong with it."""
        values = {name: str(form.get(name, "")).strip() for name in ("name", *_FIELDS)}
        store = partial(
            profile.save,
            self._printers,
            self._reads.templates,
            visitor.organisation.slug,
            values["name"],
            _body(values),
            changed_by=visitor.id,
        )
        try:
            await anyio.to_thread.run_sync(store)
        except LabelError as error:
            return await self._form(request, visitor, values, Faults.of(error, values), 422)
        return RedirectResponse("/printers", 303)

    async def load(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Record which sheet is in the tray, or show the list with what is wrong."""
        name: str = request.path_params["name"]
        values = {field: str(form.get(field, "")).strip() for field in Tray.model_fields}
        try:
            await anyio.to_thread.run_sync(self._loaded, visitor.organisation.slug, name, values)
        except InvalidRequest as error:
            return await self._listed(request, visitor, Faults.of(error, ()), 422)
        return RedirectResponse("/printers", 303)

    def _loaded(self, organisation: str, name: str, values: Mapping[str, str]) -> None:
        tray = parse(_body(values), Tray)
        profile.load_tray(self._printers, self._reads.templates, organisation, name, tray)

    async def remove(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        name: str = request.path_params["name"]
        await anyio.to_thread.run_sync(self._printers.remove, visitor.organisation.slug, name)
        return RedirectResponse("/printers", 303)

    async def _listed(
        self, request: Request, visitor: Visitor, faults: Faults | None = None, status_code: int = 200
    ) -> Response:
        number = number_of(request)
        end = number * _PRINTERS_PER_PAGE
        every = await anyio.to_thread.run_sync(self._trays.list, visitor.organisation.slug)
        return page(
            request,
            "printers.html",
            visitor,
            status_code=status_code,
            printers=[(each, profile_of(each)) for each in every[end - _PRINTERS_PER_PAGE : end]],
            faults=faults or Faults(),
            number=number,
            more=len(every) > end,
            sheets=await self._sheets(visitor),
        )

    async def _form(
        self,
        request: Request,
        visitor: Visitor,
        values: Mapping[str, str],
        faults: Faults | None = None,
        status_code: int = 200,
    ) -> Response:
        sheets = [("", "as it was, or none"), *await self._sheets(visitor)]
        return form_page(request, "new_printer.html", visitor, values, faults, status_code, sheets=sheets)

    async def _sheets(self, visitor: Visitor) -> list[tuple[str, str]]:
        sheets = await anyio.to_thread.run_sync(self._reads.templates, visitor.organisation.slug)
        return sheet_options(sheets)


def _body(values: Mapping[str, str]) -> bytes:
    """Return the JSON document of the fields that have a text."""
    given = ((name, values[name], kind) for name, kind in _FIELDS.items() if values.get(name))
    return json.dumps({name: _number(text, kind) for name, text, kind in given}).encode()


def _number(text: str, kind: type[int] | type[float] | type[str]) -> int | float | str:
    """Return the number that the text is, or else the text, which the profile then refuses by its name."""
    try:
        return kind(text.replace(",", ".") if kind is float else text)
    except ValueError:
        return text
