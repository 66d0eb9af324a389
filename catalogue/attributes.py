"""What the catalogue knows of entities besides their keys, by Application Identifier.

`ATTRIBUTES` is the one table of them. Imports, the catalogue's tables, selections and what symbols carry follow from it.
Values are text: a date is `YYYY-MM-DD` or `YYYY-MM`, a time `YYYY-MM-DDTHH:MM`, a measure a decimal number whose
decimals are the last digit of its AI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """What the values of an attribute look like."""

    DATE = "date"
    TIME = "time"
    TEXT = "text"
    DIGITS = "digits"
    COUNT = "count"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of the values that symbols may carry beside the keys of an entity.

    `ai` is as GS1 writes it: the `n` of `310n` is the number of decimals. `column` is that of the catalogue and of imports.
    `tables` are those that have it; an entity has the value of the most special one. `name` is for people.
    """

    ai: str
    column: str
    form: Form
    tables: tuple[str, ...]
    name: str

    @property
    def manifest_column(self) -> str:
        """The column of a manifest. There dates are YYMMDD, and every other value is as in the catalogue."""
        return _MANIFEST_COLUMNS.get(self.column, self.column)


_OF_LOTS = ("lots",)
#: All serials of a lot may have the same value, or each its own.
_OF_EACH = ("serials", "lots")

#: In the order of an element string.
ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("11", "production_date", Form.DATE, _OF_LOTS, "production date"),
    Attribute("15", "best_before_date", Form.DATE, _OF_LOTS, "best before"),
    Attribute("17", "expiration_date", Form.DATE, _OF_LOTS, "expiry"),
    Attribute("310n", "net_weight_kg", Form.MEASURE, _OF_EACH, "net weight in kg"),
    Attribute("311n", "length_m", Form.MEASURE, _OF_EACH, "length in m"),
    Attribute("312n", "width_m", Form.MEASURE, _OF_EACH, "width in m"),
    Attribute("313n", "height_m", Form.MEASURE, _OF_EACH, "height in m"),
    Attribute("314n", "area_m2", Form.MEASURE, _OF_EACH, "area in m²"),
    Attribute("315n", "net_volume_l", Form.MEASURE, _OF_EACH, "net volume in l"),
    Attribute("316n", "net_volume_m3", Form.MEASURE, _OF_EACH, "net volume in m³"),
    Attribute("320n", "net_weight_lb", Form.MEASURE, _OF_EACH, "net weight in lb"),
    Attribute(
        "240", "additional_product_identification", Form.TEXT, ("products",), "additional identification"
    ),
    Attribute(
        "242",
        "made_to_order_variation",
        Form.DIGITS,
        ("serials", "lots", "products"),
        "made-to-order variation",
    ),
    Attribute("30", "variable_count", Form.COUNT, _OF_EACH, "variable count"),
    Attribute("7003", "expiration_time", Form.TIME, _OF_LOTS, "expiry time"),
)

_MANIFEST_COLUMNS: Mapping[str, str] = {"expiration_date": "expiry", "best_before_date": "best_before"}

BY_AI: Mapping[str, Attribute] = {each.ai: each for each in ATTRIBUTES}

#: Those that every manifest has are not among them.
LATER: tuple[Attribute, ...] = tuple(each for each in ATTRIBUTES if each.form is not Form.DATE)


def later_columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table that it has for `LATER`."""
    return tuple(each.column for each in LATER if table in each.tables)


def entity_sql(scope: str, alias_of: Mapping[str, str]) -> str:
    """Return the columns of LATER for the entities of a scope, as SQL. `alias_of` are the tables joined there.

    `own_` and the column is the value that the entity's own table has.
    """
    columns: list[str] = []
    for each in LATER:
        found = [f"{alias_of[table]}.{each.column}" for table in each.tables if table in alias_of]
        value = f"coalesce({', '.join(found)})" if found else "NULL::VARCHAR"
        columns.append(f"{value} AS {each.column}")
        if scope in each.tables:
            columns.append(f"{alias_of[scope]}.{each.column} AS own_{each.column}")
    return ", ".join(columns)


def element_sql(attribute: Attribute) -> str:
    """Return the attribute of an entity as `(AI)value`, in the form of `gs1.element_string.bracketed`."""
    column, prefix = attribute.column, f"'({attribute.ai})'"
    match attribute.form:
        case Form.DATE:
            return f"{prefix} || {yymmdd(column)}"
        case Form.TIME:
            return f"{prefix} || {yymmdd(column)} || substr({column}, 12, 2) || substr({column}, 15, 2)"
        case Form.MEASURE:
            decimals = f"length(split_part({column}, '.', 2))"
            digits = f"right('000000' || replace({column}, '.', ''), 6)"
            return f"'({attribute.ai[:3]}' || {decimals} || ')' || {digits}"
        case Form.TEXT | Form.DIGITS | Form.COUNT:
            return rf"{prefix} || replace({column}, '(', '\(')"


# Dates are ISO 8601 text, `YYYY-MM-DD`, or `YYYY-MM` for the last day of the month. They are compared as text, so a
# malformed one cannot make a query fail.


def yymmdd(column: str) -> str:
    """Return the date as YYMMDD, GS1's form. A month without a day gets day 00, which means its last day."""
    return (
        f"substr({column}, 3, 2) || substr({column}, 6, 2) || "
        f"CASE WHEN length({column}) > 7 THEN substr({column}, 9, 2) ELSE '00' END"
    )


def is_before(column: str, other: str) -> str:
    """Return whether the last day of `column` is before `other`, a full date; null if either is unknown."""
    return f"rpad({column}, 10, '-31') < {other}"
