"""Label designs: the list with pictures, a design with its versions, and new ones."""

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from catalogue.selection import Scope
from exports.designs import chosen, known
from exports.designs.document import Design
from exports.designs.known import KnownDesign
from exports.errors import InvalidRequest
from exports.previews.preview import Preview, PreviewPicture, first_label
from exports.reads import ExportReads
from exports.requests.request import parse_request
from gs1.errors import LabelError
from renderers.sheets.model import SheetTemplate
from web.addresses import number_of
from web.errors import PageNotFound
from web.export_form import Faults, sheet_options
from web.people import names_of
from web.rendering import HEADERS, indented, page
from web.threads import Threads
from web.visitors import Visitor, Visitors

_DESIGNS_PER_PAGE = 12
_MOST_VERSIONS = 50

#: Pictures drawn at once, and of one organisation: each draws the first labels of a catalogue.
_THREADS, _THREADS_EACH = 4, 2

#: A large label, on which most designs fit.
_TEMPLATE_ID = "avery_5163"

#: Largest document that is shown in a page. Only a logo makes one larger.
_MOST_SHOWN_BYTES = 40_000

#: Largest file that is taken: a document with the largest logo.
_MOST_FILE_BYTES = 1 << 20

_FIELDS = ("name", "document", "scope", "sheet_template")

#: A picture stays the same until the catalogue's first entities change.
_PICTURE_HEADERS = {**HEADERS, "cache-control": "private, max-age=60"}


class DesignRoutes:
    """What can be on a label. Everybody looks; whoever may submit exports may change designs, as over the API."""

    def __init__(self, accounts: Accounts, reads: ExportReads, visitors: Visitors) -> None:
        self._accounts = accounts
        self._designs = accounts.designs
        self._reads = reads
        self._visitors = visitors
        self._threads = Threads(_THREADS, _THREADS_EACH)

    def routes(self) -> list[Route]:
        shown = self._visitors.page
        done = partial(self._visitors.action, file_bytes=_MOST_FILE_BYTES)
        return [
            Route("/designs", shown(self.all)),
            Route("/new-design", shown(self.blank, needs=lambda it: it.may_submit)),
            Route("/new-design", done(self.add), methods=["POST"]),
            Route("/new-design/preview", done(self.preview), methods=["POST"]),
            Route("/designs/{name}", shown(self.one)),
            Route("/designs/{name}/picture", shown(self.picture)),
            Route("/designs/{name}/document", shown(self.document)),
            Route("/designs/{name}/remove", done(self.remove), methods=["POST"]),
        ]

    async def all(self, request: Request, visitor: Visitor) -> Response:
        """Show the designs, built-in ones first."""
        number = number_of(request)
        every = await anyio.to_thread.run_sync(known.newest, self._designs, visitor.organisation.slug)
        end = number * _DESIGNS_PER_PAGE
        designs = every[end - _DESIGNS_PER_PAGE : end]
        return page(request, "designs.html", visitor, designs=designs, number=number, more=len(every) > end)

    async def one(self, request: Request, visitor: Visitor) -> Response:
        """Show a design: its labels on a template, its document, and its versions."""
        found = await self._found(request, visitor)
        every = await anyio.to_thread.run_sync(
            known.versions, self._designs, visitor.organisation.slug, found.name
        )
        values = _values(request.query_params)
        return page(
            request,
            "design.html",
            visitor,
            found=found,
            versions=every[:_MOST_VERSIONS],
            older=len(every) - _MOST_VERSIONS,
            text=_shown_text(found),
            names=await anyio.to_thread.run_sync(names_of, self._accounts, visitor.organisation.slug),
            **await self._choices(visitor, values),
            **await self._look(visitor, found.design, values),
        )

    async def picture(self, request: Request, visitor: Visitor) -> Response:
        """Show the first label with the design."""
        found = await self._found(request, visitor)
        looked = await self._look(visitor, found.design, _values(request.query_params))
        picture = looked["picture"]
        if not isinstance(picture, PreviewPicture):
            raise PageNotFound
        return Response(picture.png, media_type="image/png", headers=_PICTURE_HEADERS)

    async def document(self, request: Request, visitor: Visitor) -> Response:
        """Hand out the document as a file."""
        found = await self._found(request, visitor)
        named = {"content-disposition": f'attachment; filename="{found.name}-{found.version}.json"'}
        return JSONResponse(found.document, headers={**HEADERS, **named})

    async def blank(self, request: Request, visitor: Visitor) -> Response:
        """Show the form of a new design, or of a new version of the one that `of` names."""
        values = {"document": indented(known.find(self._designs, "", chosen.DEFAULT_NAME).document)}
        if (name := request.query_params.get("of")) is not None:
            find = partial(known.find, self._designs, visitor.organisation.slug, name)
            found = await anyio.to_thread.run_sync(find)
            values = {"name": "" if found.built_in else name, "document": indented(found.document)}
        return await self._form(request, visitor, values)

    async def add(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Store the document as the newest version of the name, or show the form again with its faults."""
        values = await _entered(form)
        store = partial(
            chosen.add,
            self._designs,
            visitor.organisation.slug,
            values["name"],
            values["document"].encode(),
            created_by=visitor.id,
        )
        try:
            made = await self._threads.run(visitor.organisation.slug, store)
        except LabelError as error:
            return await self._form(request, visitor, values, _faults(error), 422)
        return RedirectResponse(f"/designs/{made.name}", 303)

    async def preview(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Show labels with the document that is being written. Without htmx, they are in the form's page."""
        values = await _entered(form)
        try:
            design = chosen.design_of(values["document"].encode())
        except LabelError as error:
            looked: Mapping[str, Any] = _nothing(_faults(error))
        else:
            looked = await self._look(visitor, design, values)
        if request.headers.get("hx-request"):
            return page(request, "design_look.html", visitor, **looked)
        return await self._form(request, visitor, values, looked=looked)

    async def remove(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        name: str = request.path_params["name"]
        await anyio.to_thread.run_sync(self._designs.remove, visitor.organisation.slug, name)
        return RedirectResponse("/designs", 303)

    async def _found(self, request: Request, visitor: Visitor) -> KnownDesign:
        given = request.query_params.get("version")
        if given is not None and not (given.isascii() and given.isdecimal() and len(given) < 8):
            raise PageNotFound
        find = partial(
            known.find,
            self._designs,
            visitor.organisation.slug,
            request.path_params["name"],
            None if given is None else int(given),
        )
        return await anyio.to_thread.run_sync(find)

    async def _look(self, visitor: Visitor, design: Design, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the picture of the first label, what fails, and what is wrong with the choice of a template."""
        work = partial(self._drawn, visitor, design, values)
        try:
            drawn, picture = await self._threads.run(visitor.organisation.slug, work)
        except LabelError as error:
            return _nothing(_faults(error))
        return {"picture": picture, "address": _address(picture), "drawn": drawn, "refused": Faults()}

    def _drawn(
        self, visitor: Visitor, design: Design, values: Mapping[str, str]
    ) -> tuple[Preview, PreviewPicture | None]:
        config = {"sheet_template": values["sheet_template"]}
        asked = {
            "scope": values["scope"],
            "export_type": "sheet_pdf",
            "file_format": "pdf",
            "asset_config": config,
        }
        wanted = parse_request(json.dumps(asked).encode())
        found = self._reads.preview(visitor.organisation, wanted, design)
        sheet = {each.id: each for each in self._reads.templates(visitor.organisation.slug)}[
            config["sheet_template"]
        ]
        return found, first_label(found.pictures[0], sheet) if found.pictures else None

    async def _choices(self, visitor: Visitor, values: Mapping[str, str]) -> Mapping[str, Any]:
        sheets: Sequence[SheetTemplate] = await anyio.to_thread.run_sync(
            self._reads.templates, visitor.organisation.slug
        )
        return {
            "values": defaultdict(str, values),
            "scopes": [(each.value, each.value.capitalize()) for each in Scope],
            "sheets": sheet_options(sheets),
        }

    async def _form(
        self,
        request: Request,
        visitor: Visitor,
        values: Mapping[str, str],
        faults: Faults | None = None,
        status_code: int = 200,
        looked: Mapping[str, Any] | None = None,
    ) -> Response:
        shown = {**_values({}), **values}
        too_long = len(shown["document"].encode()) > _MOST_SHOWN_BYTES
        return page(
            request,
            "new_design.html",
            visitor,
            status_code=status_code,
            faults=faults or Faults(),
            too_long=too_long,
            looked=looked,
            **await self._choices(visitor, {**shown, "document": "" if too_long else shown["document"]}),
        )


async def _entered(form: FormData) -> dict[str, str]:
    """Return the form's texts. The file, if there is one, is the document."""
    given = {name: str(form[name]).strip() for name in _FIELDS if isinstance(form.get(name), str)}
    file = form.get("file")
    if isinstance(file, UploadFile) and file.size:
        given["document"] = (await file.read()).decode("utf-8", errors="replace")
    return {"name": "", "document": "", **_values(given), **given}


def _values(given: Mapping[str, str]) -> dict[str, str]:
    """Return the scope and the template to look at labels with."""
    return {
        "scope": given.get("scope") or Scope.LOTS.value,
        "sheet_template": given.get("sheet_template") or _TEMPLATE_ID,
    }


def _nothing(refused: Faults) -> Mapping[str, Any]:
    return {"picture": None, "address": None, "drawn": None, "refused": refused}


def _faults(error: LabelError) -> Faults:
    """Return the faults of a document, each with its place in words, and those of the form's other fields."""
    if not isinstance(error, InvalidRequest):
        return Faults.of(error, _FIELDS)
    of_field, others = dict[str, str](), list[str]()
    for fault in error.details:
        place = [part for part in fault["loc"] if part not in {"path", "body", "asset_config"}]
        if place and place[0] in _FIELDS:
            of_field.setdefault(str(place[0]), fault["msg"])
        else:
            words = ", ".join(_in_words(part) for part in place)
            others.append(f"{words}: {fault['msg']}" if words else fault["msg"])
    return Faults(of_field, others)


def _in_words(part: str | int) -> str:
    return f"entry {part + 1}" if isinstance(part, int) else part


def _address(picture: PreviewPicture | None) -> str | None:
    return picture and f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"


def _shown_text(found: KnownDesign) -> str | None:
    """Return the document as people read it. None if it is too large for a page."""
    text = indented(found.document)
    return text if len(text.encode()) <= _MOST_SHOWN_BYTES else None
