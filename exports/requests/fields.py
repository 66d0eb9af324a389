"""The values that members of a request may have, as types: what is converted, and what is refused in which words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from catalogue.attributes import BY_AI
from catalogue.ids import canonical_id
from gs1.element_string import require_together
from gs1.errors import LabelError
from gs1.gtin import as_gtin_14
from gs1.trade_item_message import place_of

MAX_LIST_ENTRIES = 5_000


class Body(BaseModel):
    """An object of the body: immutable, no unknown keys, no conversion of types, `null` is absent."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("object_type", "Input should be an object")
        members = cast("dict[str, Any]", value)
        # Unknown keys are kept even if null, so that they are refused.
        return {key: v for key, v in members.items() if v is not None or key not in cls.model_fields}


_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<offset>[Zz]|[+-]\d{2}(:?\d{2})?)?",
    re.ASCII,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _by_rule(rule: Callable[[str], str], value: str) -> str:
    """Return the value converted by the rule. An error of the rule becomes a fault of this field."""
    try:
        return rule(value)
    except LabelError as error:
        raise PydanticCustomError("invalid_value", "{reason}", {"reason": str(error)}) from error


def _timestamp(value: object) -> object:
    """Return the time in UTC that an ISO 8601 text with offset stands for."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be an ISO 8601 timestamp, as a string")
    match = _TIMESTAMP.fullmatch(value)
    if match is None:
        raise PydanticCustomError("datetime_parsing", "Input should be an ISO 8601 timestamp with offset")
    if match["offset"] is None:
        raise PydanticCustomError("timezone_aware", "Input should have an offset, as in 2026-03-31T12:00:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("datetime_parsing", "Input should be a time that exists") from error


def _whole(value: object) -> object:
    """Return 300.0 as 300. JSON does not distinguish the two.

    Raises PydanticCustomError for false and true, which Python counts among the integers.
    """
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _without_controls(value: str) -> str:
    if _CONTROL.search(value):
        raise PydanticCustomError("control_characters", "Input should have no control characters")
    return value


Gtin14: TypeAlias = Annotated[str, AfterValidator(partial(_by_rule, as_gtin_14))]
EntityId: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=64),
    AfterValidator(_without_controls),
    AfterValidator(canonical_id),
]
Timestamp: TypeAlias = Annotated[datetime, BeforeValidator(_timestamp)]

# It must be last in an annotation: only limits before it appear in the JSON Schema.
WHOLE = BeforeValidator(_whole)

# Not strict, because a JSON array is read as a list, not as a tuple. The entries are still strict.
_Many = Field(max_length=MAX_LIST_ENTRIES, strict=False)
Gtins: TypeAlias = Annotated[tuple[Gtin14, ...], _Many, AfterValidator(_distinct)]
EntityIds: TypeAlias = Annotated[tuple[EntityId, ...], _Many, AfterValidator(_distinct)]

OffsetMm: TypeAlias = Annotated[float, Field(ge=-50, le=50)]
ScalePercent: TypeAlias = Annotated[float, Field(ge=90, le=110)]
Dpi: TypeAlias = Annotated[int, Field(ge=72, le=2_400), WHOLE]
Rotation: TypeAlias = Annotated[Literal[0, 90, 180, 270], WHOLE]
Position: TypeAlias = Annotated[int, Field(ge=1, le=10_000), WHOLE]
TemplateId: TypeAlias = Annotated[str, Field(max_length=64), AfterValidator(_without_controls)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_without_controls)]


#: Application Identifiers that a request may ask for, in the order of an element string. (10) is that of a serial's lot.
CARRIED = tuple(sorted(("10", *BY_AI), key=lambda ai: place_of(ai.replace("n", "0"))))

#: So many of them at once. No label is readable with more, and the ways to break their text double with each.
MAX_CARRIED = 8


def _of_table(ais: tuple[str, ...]) -> tuple[str, ...]:
    """Return the AIs, each once, in the order of an element string."""
    unknown = [ai for ai in ais if ai not in CARRIED]
    if unknown:
        raise PydanticCustomError(
            "unknown_identifier",
            "Input should be some of {known}, and not {unknown}; the GTIN and the scope's own lot or serial are always"
            " carried",
            {"known": ", ".join(CARRIED), "unknown": ", ".join(ascii(ai) for ai in unknown[:5])},
        )
    asked = tuple(ai for ai in CARRIED if ai in ais)
    _require_together(asked)
    return asked


def _require_together(ais: tuple[str, ...]) -> None:
    try:
        require_together(("01", *(ai.replace("n", "0") for ai in ais)))
    except LabelError as error:
        raise PydanticCustomError("excluded_pair", "{reason}", {"reason": str(error)}) from error


Carried: TypeAlias = Annotated[
    tuple[Annotated[str, Field(max_length=4, json_schema_extra={"enum": list(CARRIED)})], ...],
    Field(max_length=MAX_CARRIED, strict=False),
    AfterValidator(_of_table),
]
