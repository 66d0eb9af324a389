"""Requests and answers of the catalogue's contents, as types."""

import base64
import binascii
import json
from dataclasses import replace
from typing import Annotated, Any, Final, Self, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from api.wire.answers import PaginationOut
from api.wire.imports import Flag
from api.wire.requests import DEEPEST, PLAIN_TEXT, PageQuery
from catalogue.contents import Part, Place
from catalogue.selection import Scope, Selection
from exports.ports import Page, ReportFormat
from exports.requests.fields import EntityId, EntityIds, Gtins, Timestamp

_MOST_LISTED: Final = 100


def _listed(value: object) -> object:
    """Return the entries of a text that are separated by commas."""
    if isinstance(value, str):
        entries = tuple(value.split(","))
        if len(entries) > _MOST_LISTED:
            raise PydanticCustomError("too_long", "Input should have at most 100 entries")
        return entries
    return value


def cursor_of(place: Place) -> str:
    """Return the cursor of a row's place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def _place(cursor: object) -> Place:
    """Return the place of a cursor. Raises PydanticCustomError unless `cursor_of` returned it."""
    fault = PydanticCustomError("cursor", "Input should be the `next_after` of an earlier page")
    text = str(cursor)
    try:
        found: Any = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise fault from error
    parts = cast("list[object]", found) if isinstance(found, list) else []
    if len(parts) != 4 or not all(isinstance(part, str) for part in parts):
        raise fault
    place = cast("Place", tuple(parts))
    if cursor_of(place) != text:
        raise fault
    return place


_ENTRY: Final = r"[^,\x00-\x1f\x7f-\x9f]{1,64}"
_LIST: Final = {
    "type": "string",
    "pattern": rf"^{_ENTRY}(,{_ENTRY}){{0,99}}$",
    "description": "At most 100, separated by commas.",
}
#: The format `gtins` stands for the GS1 check digit of each.
_GTIN_LIST: Final = {
    **_LIST,
    "pattern": r"^([0-9]{8}|[0-9]{12,14})(,([0-9]{8}|[0-9]{12,14})){0,99}$",
    "format": "gtins",
}
_Gtins: TypeAlias = Annotated[Gtins, BeforeValidator(_listed), WithJsonSchema(cast("Any", _GTIN_LIST))]
_Ids: TypeAlias = Annotated[EntityIds, BeforeValidator(_listed), WithJsonSchema(cast("Any", _LIST))]
_Id: TypeAlias = Annotated[
    EntityId, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "pattern": PLAIN_TEXT})
]
_Moment: TypeAlias = Annotated[Timestamp, WithJsonSchema({"type": "string", "format": "date-time"})]


class ProductsQuery(PageQuery):
    """Which products, and whether as a page or as a whole file. A row must match every filter given."""

    gtins: _Gtins | None = None
    product_id: _Id | None = None
    never_printed: Flag = False
    changed_since_print: Flag = False
    print_due: Flag = False
    created_after: _Moment | None = None
    created_before: _Moment | None = None
    after: Annotated[
        Place | None,
        BeforeValidator(_place),
        WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,1024}$"}),
    ] = None
    format: Annotated[ReportFormat | None, WithJsonSchema({"type": "string", "enum": list(ReportFormat)})] = (
        None
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.after is not None and self.page != 1:
            raise PydanticCustomError("cursor", "`page` should be absent or 1 beside `after`")
        if self.page * self.page_size > DEEPEST:
            raise PydanticCustomError("too_deep", "Pages end at 10,000 rows: use `after` beyond")
        return self

    def selection(self, organisation: str, resolver: str, scope: Scope) -> Selection:
        """Return the selection; `resolver` is what today's links begin with."""
        filters = self.model_dump(exclude={"page", "page_size", "after", "format"})
        return replace(Selection(organisation, scope, resolver=resolver), **filters)


class LotsQuery(ProductsQuery):
    """Which lots, as `ProductsQuery`."""

    lot_ids: _Ids | None = None
    lot_run_id: _Id | None = None


class SerialsQuery(LotsQuery):
    """Which serials, as `ProductsQuery`."""

    serial_ids: _Ids | None = None


QUERIES: Final[dict[Scope, type[ProductsQuery]]] = {
    Scope.PRODUCTS: ProductsQuery,
    Scope.LOTS: LotsQuery,
    Scope.SERIALS: SerialsQuery,
}


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProductOut(_Out):
    """A product, as an import takes it."""

    gtin: str
    name: str
    carrier: str | None
    active: bool
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    id: str
    quantity: int | None
    additional_product_identification: str | None
    made_to_order_variation: str | None


class LotOut(_Out):
    """A lot, as an import takes it. Dates are `YYYY-MM-DD` or `YYYY-MM`, a time `YYYY-MM-DDTHH:MM`."""

    gtin: str
    lot_number: str
    production_date: str | None
    expiration_date: str | None
    best_before_date: str | None
    lot_run_id: str | None
    active: bool
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    id: str
    quantity: int | None
    net_weight_kg: str | None
    length_m: str | None
    width_m: str | None
    height_m: str | None
    area_m2: str | None
    net_volume_l: str | None
    net_volume_m3: str | None
    net_weight_lb: str | None
    made_to_order_variation: str | None
    variable_count: str | None
    expiration_time: str | None


class SerialOut(_Out):
    """A serial, as an import takes it."""

    gtin: str
    serial_number: str
    lot_number: str | None
    active: bool
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    id: str
    quantity: int | None
    net_weight_kg: str | None
    length_m: str | None
    width_m: str | None
    height_m: str | None
    area_m2: str | None
    net_volume_l: str | None
    net_volume_m3: str | None
    net_weight_lb: str | None
    made_to_order_variation: str | None
    variable_count: str | None


class CataloguePaginationOut(PaginationOut):
    """The position of a page. `next_after` is the next page's `after`, however deep; null on the last page."""

    next_after: str | None


class ProductListOut(_Out):
    """One page of the organisation's products, by GTIN."""

    data: list[ProductOut]
    pagination: CataloguePaginationOut


class LotListOut(_Out):
    """One page of the organisation's lots, by GTIN and lot number."""

    data: list[LotOut]
    pagination: CataloguePaginationOut


class SerialListOut(_Out):
    """One page of the organisation's serials, by GTIN, lot number and serial number."""

    data: list[SerialOut]
    pagination: CataloguePaginationOut


LISTS: Final[dict[Scope, type[ProductListOut | LotListOut | SerialListOut]]] = {
    Scope.PRODUCTS: ProductListOut,
    Scope.LOTS: LotListOut,
    Scope.SERIALS: SerialListOut,
}


def listed(part: Part, page: Page, scope: Scope, after: Place | None) -> BaseModel:
    """Return one page. A page that follows a cursor is page 1, and has pages before it."""
    pagination = CataloguePaginationOut(
        page=page.number,
        page_size=page.size,
        total_count=part.total,
        total_pages=-(-part.total // page.size),
        has_next=part.next_after is not None,
        has_previous=after is not None or page.number > 1,
        next_after=part.next_after and cursor_of(part.next_after),
    )
    return LISTS[scope].model_validate({"data": part.rows.to_dicts(), "pagination": pagination})
