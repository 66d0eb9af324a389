"""The body of a label-export request, and its validation.

Field names, types and limits are those of the published `LabelExportSubmitIn`. Unknown keys are refused, so
that a misspelled filter does not widen an export. `null` means absent everywhere.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, LiteralString, Self, cast

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from catalogue.attributes import ATTRIBUTES
from catalogue.schema import MAX_QUANTITY
from catalogue.selection import Scope, Selection
from exports.requests.export_types import (
    FORMATS_OF,
    LABEL_TYPES,
    ExportType,
    LinearData,
    RequestedFormat,
    Slot,
    Symbology,
    kinds_of,
    symbols_of,
)
from exports.requests.fields import (
    CARRIED,
    MAX_LIST_ENTRIES,
    WHOLE,
    Body,
    Carried,
    Dpi,
    EntityId,
    EntityIds,
    Gtins,
    Name,
    OffsetMm,
    Position,
    Rotation,
    ScalePercent,
    TemplateId,
    Timestamp,
)
from exports.requests.json_body import parse
from exports.requests.settings import (
    COUNTED_EACH,
    DEFAULTS_OF,
    SAME_AS_ABSENT,
    Drawn,
    applies,
    default_dpi,
    refusal,
)
from gs1.errors import LabelError
from gs1.symbol_size import Environment, x_dimension_mm
from renderers.whole_dots import WholeDots
from renderers.zpl.labels import RESOLUTIONS

#: The filters that name entities of one table, and the scopes that accept them.
SCOPES_OF_FILTER: dict[str, frozenset[Scope]] = {
    "lot_ids": frozenset({Scope.LOTS, Scope.SERIALS}),
    "lot_run_id": frozenset({Scope.LOTS, Scope.SERIALS}),
    "serial_ids": frozenset({Scope.SERIALS}),
}


class Filters(Body):
    """Filters of the selection. An entity must match all of them. An empty list matches nothing."""

    gtins: Gtins | None = None
    product_id: EntityId | None = None
    lot_ids: EntityIds | None = None
    serial_ids: EntityIds | None = None
    lot_run_id: EntityId | None = None
    never_printed: bool | None = None
    changed_since_print: Annotated[
        bool | None,
        Field(
            description="Only entities whose last label carries other values than it would today. Those of which it "
            "was not recorded what the label carried are left out. The preview counts them as `unknown_items`."
        ),
    ] = None
    print_due: Annotated[
        bool | None, Field(description="Only entities that were never printed, or changed since.")
    ] = None
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None

    @property
    def select_by_printing(self) -> bool:
        """Whether what was printed decides what is selected."""
        return self.never_printed is True or self.changed_since_print is True or self.print_due is True


class Quantity(Body):
    """How many labels one entity gets. 0 leaves it out of the job: it is neither printed nor failed."""

    id: EntityId
    copies: Annotated[int, Field(ge=0, le=MAX_QUANTITY), WHOLE]


def _of_different_ids(quantities: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
    """Return the quantities. Raises PydanticCustomError if two are of the same entity."""
    seen: set[str] = set()
    for quantity in quantities:
        if quantity.id in seen:
            raise PydanticCustomError(
                "repeated_id", "Input should have each id once, and has {id} twice", {"id": quantity.id}
            )
        seen.add(quantity.id)
    return quantities


class AssetConfig(Body):
    """How the symbols are drawn. Absent members have the renderer's default.

    All members but `sheet_template` are additions of this service.
    """

    sheet_template: TemplateId | None = None
    design: Name | None = None
    symbology: Symbology | None = None
    linear: LinearData | None = None
    start_position: Position | None = None
    copies: Annotated[int, Field(ge=1, le=1_000), WHOLE] | None = None
    copies_from: Literal["quantity"] | None = None
    quantities: (
        Annotated[
            tuple[Quantity, ...],
            Field(min_length=1, max_length=MAX_LIST_ENTRIES, strict=False),
            AfterValidator(_of_different_ids),
        ]
        | None
    ) = None
    record_printed: bool | None = None
    offset_x_mm: OffsetMm | None = None
    offset_y_mm: OffsetMm | None = None
    scale_percent: ScalePercent | None = None
    error_correction: Literal["L", "M", "Q", "H"] | None = None
    module_size_mm: Annotated[float, Field(gt=0, le=10)] | None = None
    dpi: Dpi | None = None
    environment: Annotated[Environment, Field(strict=False)] | None = None
    hri: bool | None = None
    cut_marks: bool | None = None
    rotate: Rotation | None = None
    printer: Name | None = None
    carry: Carried | None = None


#: Values that mean the same as an absent key.
_SAME_AS_ABSENT: Mapping[str, Mapping[str, object]] = {
    "filters": {"never_printed": False, "changed_since_print": False, "print_due": False},
    "asset_config": SAME_AS_ABSENT,
}


#: Validation context of requests that were accepted before: what is refused by now, they may say.
ACCEPTED_BEFORE = "accepted before"


class ExportRequest(Body):
    """A validated label-export request: what to select and what to make of it."""

    scope: Annotated[Scope, Field(strict=False)]
    export_type: Annotated[ExportType, Field(strict=False)]
    file_format: Annotated[RequestedFormat, Field(strict=False)]
    filters: Filters | None = None
    asset_config: AssetConfig | None = None

    @model_validator(mode="after")
    def _is_coherent(self, info: ValidationInfo) -> Self:
        if info.context is ACCEPTED_BEFORE:
            return self
        faults = [
            *self._format_faults(),
            *self._scope_faults(),
            *self._setting_faults(),
            *self._carry_faults(),
            *self._size_faults(),
            *self._printer_faults(),
        ]
        if faults:
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self

    def selection(self, organisation_slug: str) -> Selection:
        """Return the selection of the organisation's entities, and of how many labels each has."""
        filters, config = self.filters or Filters(), self.asset_config or AssetConfig()
        return Selection(
            organisation=organisation_slug,
            scope=self.scope,
            gtins=filters.gtins,
            product_id=filters.product_id,
            lot_ids=filters.lot_ids,
            serial_ids=filters.serial_ids,
            lot_run_id=filters.lot_run_id,
            never_printed=filters.never_printed is True,
            changed_since_print=filters.changed_since_print is True,
            print_due=filters.print_due is True,
            created_after=filters.created_after,
            created_before=filters.created_before,
            copies=config.copies or 1,
            copies_from_quantity=config.copies_from is not None,
            quantities=None
            if config.quantities is None
            else tuple((each.id, each.copies) for each in config.quantities),
        )

    def normalised(self) -> dict[str, Any]:
        """Return the request as JSON values that are equal for equivalent requests.

        GTINs have 14 digits, ids their canonical form, and times are in UTC. Keys whose value is the default
        are absent. `ExportRequest.model_validate` of the result has the same normalised form.
        """
        document = self.model_dump(mode="json", exclude_none=True)
        dpi = {"dpi": default_dpi(self.file_format)}
        for name, same in _SAME_AS_ABSENT.items():
            defaults = {**same, **dpi} if name == "asset_config" else same
            members = cast("dict[str, Any]", document.pop(name, {}))
            if name == "asset_config":
                members = {k: v for k, v in members.items() if applies(k, self.drawn, v)}
            kept = {k: v for k, v in members.items() if not (k in defaults and v == defaults[k])}
            own = {setting for name, settings in DEFAULTS_OF.items() if name in kept for setting in settings}
            kept = {k: v for k, v in members.items() if k in kept or k in own}
            if kept:
                document[name] = kept
        return document

    def _format_faults(self) -> Iterable[InitErrorDetails]:
        accepted = FORMATS_OF[self.export_type]
        if self.file_format not in accepted:
            expected = " or ".join(f for f in RequestedFormat if f in accepted)
            yield _fault(
                ("file_format",),
                "incoherent_format",
                f"{self.export_type} takes {expected}, not {self.file_format}",
            )

    def _scope_faults(self) -> Iterable[InitErrorDetails]:
        for name, scopes in SCOPES_OF_FILTER.items():
            if getattr(self.filters, name, None) is not None and self.scope not in scopes:
                expected = " or ".join(s for s in Scope if s in scopes)
                yield _fault(
                    ("filters", name),
                    "incoherent_filter",
                    f"{name} narrows {expected}, and the scope is {self.scope}",
                )

    def _setting_faults(self) -> Iterable[InitErrorDetails]:
        for name in AssetConfig.model_fields if self.asset_config else ():
            if message := refusal(name, getattr(self.asset_config, name), self.drawn):
                yield _fault(("asset_config", name), "incoherent_setting", message)
        config = self.asset_config or AssetConfig()
        counts = {"copies": config.copies not in (None, 1), **{n: getattr(config, n) for n in COUNTED_EACH}}
        first, *others = [name for name, given in counts.items() if given] or [""]
        for name in others:
            message = f"{name} and {first} both say how many labels an entity has: give one of them"
            yield _fault(("asset_config", name), "incoherent_setting", message)

    def _carry_faults(self) -> Iterable[InitErrorDetails]:
        """Yield a fault for each AI that no entity of the scope can have, and for symbols of GTINs alone."""
        carry = (self.asset_config and self.asset_config.carry) or ()
        known = carriable(self.scope)
        for ai in carry:
            if ai not in known:
                yield _fault(
                    ("asset_config", "carry"),
                    "incoherent_setting",
                    f"No one of {self.scope} has a value of ({ai})",
                )
        symbols = {slot for alternatives in self._symbols() for slot in alternatives}
        if carry and self.scope is Scope.PRODUCTS and symbols == {Slot.LINEAR}:
            message = f"The linear symbols of {self.scope} carry the GTIN alone"
            yield _fault(("asset_config", "carry"), "incoherent_setting", message)

    def _size_faults(self) -> Iterable[InitErrorDetails]:
        """Yield a fault if the X-dimension is out of range for every symbology that a symbol may have."""
        config = self.asset_config or AssetConfig()
        environment = config.environment or Environment.RETAIL
        for alternatives in self._symbols():
            refusals: list[LabelError] = []
            kinds = sorted({kind for slot in alternatives for kind in kinds_of(slot, self.scope)})
            for kind in kinds:
                try:
                    x_dimension_mm(kind, environment, config.module_size_mm)
                    if applies("dpi", self.drawn):
                        WholeDots(kind, environment, config.dpi or default_dpi(self.file_format)).limits()
                except LabelError as error:
                    refusals.append(error)
            if len(refusals) == len(kinds):
                field = refusals[-1].field or "module_size_mm"
                yield _fault(("asset_config", field), "out_of_range", "; ".join(map(str, refusals)))

    def _printer_faults(self) -> Iterable[InitErrorDetails]:
        dpi = self.asset_config and self.asset_config.dpi
        if self.file_format is RequestedFormat.ZPL and dpi and dpi not in RESOLUTIONS:
            message = f"Label printers have {', '.join(map(str, RESOLUTIONS))} dots per inch, not {dpi}"
            yield _fault(("asset_config", "dpi"), "out_of_range", message)

    @property
    def drawn(self) -> Drawn:
        """What the export draws, as far as it is known without its design."""
        slots = frozenset(slot for alternatives in self._symbols() for slot in alternatives)
        return Drawn(self.export_type, self.file_format, slots)

    def _symbols(self) -> list[tuple[Slot, ...]]:
        """Return the symbols of each entity, each as a tuple of alternatives.

        A design decides them too, and is not known here: see `exports.designs.chosen`.
        """
        config = self.asset_config or AssetConfig()
        if self.export_type in LABEL_TYPES and config.design not in {None, SAME_AS_ABSENT["design"]}:
            return [tuple(Slot)]
        return symbols_of(self.export_type, config.symbology, config.linear)


def carriable(scope: Scope) -> tuple[str, ...]:
    """Return the Application Identifiers that entities of the scope may have a value of, in the order of `CARRIED`."""
    tables = tuple(Scope)[: tuple(Scope).index(scope) + 1]
    known = {"10"} if scope is not Scope.PRODUCTS else set[str]()
    known |= {each.ai for each in ATTRIBUTES if not set(each.tables).isdisjoint(tables)}
    return tuple(ai for ai in CARRIED if ai in known)


def parse_request(body: bytes) -> ExportRequest:
    """Return the request of a JSON body. Raises InvalidRequest with one detail per fault, as `parse` does."""
    return parse(body, ExportRequest)


def _fault(loc: tuple[str, ...], kind: LiteralString, message: str) -> InitErrorDetails:
    # The message is an argument and not the template, because it may contain braces.
    return InitErrorDetails(
        type=PydanticCustomError(kind, "{reason}", {"reason": message}), loc=loc, input=None
    )
