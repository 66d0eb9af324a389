"""A form of a new export as it was sent: with the lists of its files, and without what does not go together."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile

from catalogue.tables import Catalogue
from exports.ports import Exports
from exports.reads import ExportReads
from gs1.application_identifiers import APPLICATION_IDENTIFIERS
from gs1.errors import LabelError
from web.export_form import TYPES, Faults
from web.forms import choices, lists, pickers
from web.forms.choices import DECISIVE, Choices
from web.forms.next_cell import next_cell
from web.forms.pickers import FIND, PICKERS
from web.forms.values import FIELDS, values_of
from web.threads import Threads
from web.visitors import Visitor

#: Behind the name of a list: the file that it is taken from.
FILE = "_file"

_THREADS, _THREADS_EACH = 4, 2


@dataclass(frozen=True, slots=True)
class Entered:
    """The settled values of a form, what there is to choose, and what is wrong with its files.

    `has_files` says whether lists of files were added to the values.
    """

    values: dict[str, str]
    choices: Choices
    faults: Faults = field(default_factory=Faults)
    has_files: bool = False

    def with_faults(self, error: LabelError) -> "Entered":
        """Return the form with what the error says of it."""
        return replace(self, faults=Faults.of(error, FIELDS | self.choices.fields))

    @property
    def state(self) -> str:
        """What decides which fields are shown and how: fields that were shown in another state are shown anew."""
        searched = [self.values.get(FIND + name, "") for name in PICKERS]
        decisive = [self.values.get(name, "") for name in DECISIVE]
        shown = repr((decisive, searched, self.has_files, sorted(self.faults.of_field.items())))
        return hashlib.blake2s(shown.encode(), digest_size=8).hexdigest()


class ExportForms:
    """Reads forms of exports, and what their fields show."""

    def __init__(self, exports: Exports, reads: ExportReads, catalogue: Catalogue) -> None:
        self._exports = exports
        self._reads = reads
        self._catalogue = catalogue
        self._threads = Threads(_THREADS, _THREADS_EACH)

    async def sent(self, visitor: Visitor, form: FormData) -> Entered:
        """Return what a form holds. Lists of its files follow those that were pasted."""
        files = {
            name: (file.filename or "", await file.read())
            for name in lists.FILLED
            if isinstance(file := form.get(name + FILE), UploadFile) and file.filename
        }
        return await self._run(
            visitor, partial(self._sent, visitor.organisation.slug, values_of(form), files)
        )

    def _sent(
        self, organisation: str, values: dict[str, str], files: Mapping[str, tuple[str, bytes]]
    ) -> Entered:
        wrong: dict[str, str] = {}
        for name, (filename, content) in files.items():
            try:
                listed = lists.from_file(name, filename, content)
            except LabelError as error:
                wrong[name] = f"{error}: expected {error.expected}"
            else:
                values[name] = "\n".join(filter(None, (values.get(name), listed)))
        if position := values.pop("begin_at", None):
            values["start_position"] = position
        settled, offered = choices.settle(values, organisation, self._reads)
        return Entered(settled, offered, Faults(wrong), bool(files))

    async def filled(self, visitor: Visitor, values: Mapping[str, str]) -> Entered:
        """Return a form with values that nobody sent."""
        return await self._run(visitor, partial(self._filled, visitor.organisation.slug, values))

    def _filled(self, organisation: str, values: Mapping[str, str]) -> Entered:
        named = pickers.with_picked(self._catalogue, organisation, values)
        return Entered(*choices.settle(named, organisation, self._reads))

    async def fields(self, visitor: Visitor, entered: Entered) -> dict[str, Any]:
        """Return what the fields of the form show."""
        return await self._run(visitor, partial(self._fields, visitor.organisation.slug, entered))

    def _fields(self, organisation: str, entered: Entered) -> dict[str, Any]:
        offered = entered.choices
        free = None
        if "start_position" in offered.fields and offered.sheet is not None and offered.position == 1:
            free = next_cell(self._exports, self._reads, organisation, offered.sheet.id)
        return {
            "values": defaultdict(str, entered.values),
            "faults": entered.faults,
            "state": entered.state,
            "choices": offered,
            "free": free,
            "types": TYPES,
            "accepted": lists.ACCEPTED,
            "identifiers": APPLICATION_IDENTIFIERS,
            "picks": {
                name: pickers.picks_of(self._catalogue, organisation, name, entered.values)
                for name in PICKERS
                if name in offered.fields
            },
        }

    async def _run(self, visitor: Visitor, work: Any) -> Any:
        return await self._threads.run(visitor.organisation.slug, work)
