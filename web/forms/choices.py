"""What can be chosen together: the tables of requests and settings decide, here they are asked for each choice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from catalogue.selection import Scope
from exports.designs.chosen import drawn_by
from exports.designs.document import DEFAULT_NAME, Design
from exports.printers.profile import Profile
from exports.reads import ExportReads
from exports.requests.export_types import (
    FORMATS_OF,
    LABEL_TYPES,
    LINEAR_SLOTS,
    ExportType,
    RequestedFormat,
    Slot,
    Symbology,
)
from exports.requests.request import SCOPES_OF_FILTER, AssetConfig, carriable
from exports.requests.settings import SAME_AS_ABSENT, applies, default_dpi, matters
from exports.sheets.templates import default_id, usable
from gs1.symbol_size import Environment
from renderers.sheets.model import SheetTemplate
from renderers.zpl.labels import RESOLUTIONS

#: Whether symbols carry what they usually do, or what is ticked.
CARRIES = ("", "ticked")

#: What says how many labels each entity has, and the setting that it is. `list` is a list of ids and numbers.
COUNTED: Mapping[str, str] = {"": "copies", "quantity": "copies_from", "list": "quantities"}

#: The options of fields that do not depend on others.
_OPTIONS: Mapping[str, Sequence[str]] = {
    "error_correction": ("", "L", "M", "Q", "H"),
    "environment": ("", *(each for each in Environment if each != SAME_AS_ABSENT["environment"])),
    "rotate": ("", "0", "90", "180", "270"),
}

#: Before the name of a list: those of its values that were picked, not pasted.
PICKED = "picked_"

#: Fields of the form whose change may leave others to choose from.
DECISIVE = (
    "scope", "export_type", "file_format", "design", "symbology", "carries", "printer", "sheet_template", "copies_from",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What goes with what is chosen: `options` of each field, "" for the default, and `fields` that change anything.

    `sheet` is the template that is printed on, None for files of symbols; `left_out` are fields that were filled in but
    change nothing.
    """

    options: Mapping[str, Sequence[str]]
    fields: frozenset[str]
    sheets: Sequence[SheetTemplate]
    sheet: SheetTemplate | None
    printer: Profile | None
    dpi: int
    left_out: Sequence[str]

    @property
    def in_tray(self) -> SheetTemplate | None:
        """The sheet in the tray of the chosen printer, if labels can be printed on it."""
        name = self.printer and self.printer.sheet_template
        return next((sheet for sheet in self.sheets if sheet.id == name), None)

    @property
    def position(self) -> int:
        """The cell that labels begin at if the form does not say so, counted from 1."""
        relies = self.printer is not None and self.sheet is not None and self.sheet == self.in_tray
        return (self.printer.next_position or 1) if self.printer and relies else 1


def settle(
    values: Mapping[str, str], organisation: str, reads: ExportReads
) -> tuple[dict[str, str], Choices]:
    """Return the values without what does not go together, and what there is to choose.

    Scope and type decide first; what does not go with them becomes the default.
    """
    settled = dict(values)
    options: dict[str, Sequence[str]] = {}

    def choose(name: str, offered: Sequence[str]) -> str:
        options[name] = offered
        if settled.get(name, "") not in offered:
            settled[name] = offered[0]
        return settled.setdefault(name, "")

    scope = Scope(choose("scope", list(Scope)))
    export_type = ExportType(choose("export_type", list(ExportType)))
    formats = [each for each in RequestedFormat if each in FORMATS_OF[export_type]]
    file_format = RequestedFormat(choose("file_format", formats))
    designs = reads.designs_for(organisation, export_type)
    design = designs.get(choose("design", ["", *(name for name in designs if name != DEFAULT_NAME)]))
    symbology = choose("symbology", ["", *_symbologies(export_type, file_format, design)])
    choose("carries", CARRIES)
    choose("linear", ["", *(name for name in LINEAR_SLOTS if design or name != SAME_AS_ABSENT["linear"])])
    drawn = drawn_by(export_type, file_format, _given(symbology), _given(settled["linear"]), design)
    counted = choose("copies_from", list(COUNTED))
    printers = reads.printers(organisation)
    printer = printers.get(choose("printer", ["", *printers]))
    options["carry"] = carriable(scope)
    ticked = [ai for ai in settled.get("carry", "").split() if ai in options["carry"]]
    settled["carry"] = "\n".join(ticked) if settled["carries"] else ""
    for name, offered in _OPTIONS.items():
        choose(name, offered)
    dpi = default_dpi(file_format)
    if file_format is RequestedFormat.ZPL:
        choose("dpi", ["", *(str(each) for each in RESOLUTIONS if each != dpi)])

    fields = {name for name in AssetConfig.model_fields if matters(name, drawn)}
    fields -= {*COUNTED.values()} - {"copies_from", COUNTED[counted]}
    if not printers:
        fields.discard("printer")
    if scope is Scope.PRODUCTS and drawn.slots == frozenset({Slot.LINEAR}):
        fields.discard("carry")
    fields |= {"gtins", *(name for name, scopes in SCOPES_OF_FILTER.items() if scope in scopes)}
    sheets: list[SheetTemplate] = []
    sheet = None
    if export_type in LABEL_TYPES:
        sheets = usable(reads.templates(organisation), export_type, None)
        named = {each.id: each for each in sheets}
        in_tray = named.get((printer and printer.sheet_template) or "")
        chosen = named.get(settled.get("sheet_template", ""))
        settled["sheet_template"] = chosen.id if chosen else "" if in_tray else default_id(export_type)
        sheet = chosen or in_tray or named[default_id(export_type)]
        fields -= {"rotate"} if sheet not in usable([sheet], export_type, 90) else {"start_position"}
    if "carry" not in fields:
        settled["carries"] = ""
    for name in {*AssetConfig.model_fields, *SCOPES_OF_FILTER} - fields:
        settled.pop(name, None)
        settled.pop(PICKED + name, None)
    left_out = list(dict.fromkeys(_left_out(values, settled, dpi)))
    return settled, Choices(options, frozenset(fields), sheets, sheet, printer, dpi, left_out)


def _given(value: str) -> Any:
    """Return a value of a field. "" is none."""
    return value or None


def _symbologies(
    export_type: ExportType, file_format: RequestedFormat, design: Design | None
) -> Iterator[str]:
    """Yield the symbols that may be asked for. Beside a design, `auto` is another than none."""
    drawn = drawn_by(export_type, file_format, None, None, design)
    default = None if design else SAME_AS_ABSENT["symbology"]
    for value in get_args(Symbology):
        if value != default and applies("symbology", drawn, value):
            yield value


def _left_out(values: Mapping[str, str], settled: Mapping[str, str], dpi: int) -> Iterator[str]:
    """Yield the fields whose values are not among the settled ones, though they asked for something."""
    defaults = {**SAME_AS_ABSENT, "dpi": dpi, "sheet_template": values.get("sheet_template")}
    for name in (*AssetConfig.model_fields, *SCOPES_OF_FILTER):
        for field in (name, PICKED + name):
            value = values.get(field, "")
            if value not in {"", settled.get(field), str(defaults.get(name))}:
                yield name
