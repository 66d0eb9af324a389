"""The document of a label design: which symbols and which lines are on each label. Its JSON Schema is published.

A later version of the schema has another `version`. A stored document is never changed.
"""

import base64
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from catalogue.attributes import LATER
from exports.designs import texts
from exports.requests.export_types import LinearData, Symbology
from exports.requests.fields import WHOLE
from exports.requests.request import ACCEPTED_BEFORE
from renderers.fonts.subset import CAP_HEIGHT, UNITS_PER_EM, missing
from renderers.fonts.visual_order import visual
from renderers.logos import png as png_logo
from renderers.logos import svg as svg_logo
from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import Logo
from renderers.sheets.model import Align
from renderers.sheets.sizing import TEXT_SIZES_PT
from renderers.units import MILLIMETRES_PER_POINT

MAX_LINES, MAX_TEXT_LENGTH, MAX_MONTH_LENGTH = 12, 200, 20

_CAPITAL_MM_AT_1_PT = CAP_HEIGHT / UNITS_PER_EM * MILLIMETRES_PER_POINT

#: Characters that no reader sees, but that change what is read. The joiners of Persian and Indic words are none.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"


def _shown(text: str, info: ValidationInfo) -> str:
    """Return a text that can be printed as it reads."""
    if info.context is ACCEPTED_BEFORE:
        return text
    hidden = {c for c in text if unicodedata.category(c) in _HIDDEN_CATEGORIES and c not in _JOINERS}
    if hidden:
        raise PydanticCustomError(
            "hidden_characters",
            "Input should have no characters that are not seen: {found}",
            {"found": _named(hidden)},
        )
    if absent := missing(visual(text)):
        raise PydanticCustomError(
            "no_font", "No packaged font has {found} of {text}", {"found": _named(absent), "text": repr(text)}
        )
    return text


def _named(characters: set[str]) -> str:
    return ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in sorted(characters)[:5])


def _with_placeholders(text: str, info: ValidationInfo) -> str:
    if info.context is ACCEPTED_BEFORE:
        return text
    try:
        parts = texts.parse(text)
    except texts.InvalidText as error:
        raise PydanticCustomError("invalid_text", "{reason}", {"reason": str(error)}) from error
    if not any(isinstance(part, texts.Placeholder) or part.strip() for part in parts):
        raise PydanticCustomError("invalid_text", "Input should show something")
    return text


class _Part(BaseModel):
    """An object of the document: immutable, no unknown keys, no conversion of types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


_TextSize: TypeAlias = Annotated[float, Field(ge=0.5, le=50)]
_Optional: TypeAlias = Annotated[
    int | None,
    Field(
        ge=1,
        le=100,
        description="May be left out where there is no room, those with the least number first. Absent: never.",
    ),
    WHOLE,
]
_Place: TypeAlias = Annotated[
    Literal["above", "below"],
    Field(description="Above or below the symbols; beside them, above or below the human-readable text."),
]


class Line(_Part):
    """A line of text."""

    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_TEXT_LENGTH,
            description="Characters and placeholders: {name}, {gtin}, {lot}, {serial}, {expiry}, {best_before},"
            f" {{production_date}}, {', '.join(f'{{{each.column}}}' for each in LATER)}; {{lot.title}} is GS1's data"
            " title; {expiry:DD MMM YYYY} is a date format of YYYY or YY, MM or MMM, and DD; {expiration_time} has hh and mm"
            " too. A brace is written twice. A label whose entity lacks a value is without the line.",
        ),
        AfterValidator(_shown),
        AfterValidator(_with_placeholders),
    ]
    place: _Place = "below"
    align: Annotated[
        Align | None,
        Field(description="Absent: in the middle above and below the symbols, left beside them."),
    ] = None
    weight: Literal["regular", "bold"] = "regular"
    smallest_mm: Annotated[
        _TextSize | None, Field(description="The least height of capitals and digits. Absent: the design's.")
    ] = None
    largest_mm: Annotated[
        _TextSize | None,
        Field(description="The greatest height of capitals and digits. Absent: the design's."),
    ] = None
    optional: _Optional = None


class DesignLogo(_Part):
    """A picture that is on every label, either `png` or `svg`."""

    png: Annotated[
        str | None,
        Field(
            max_length=-(-png_logo.MAX_BYTES // 3) * 4,
            description="A PNG in base64, drawn in black and white.",
        ),
    ] = None
    svg: Annotated[
        str | None,
        Field(max_length=svg_logo.MAX_BYTES, description="An SVG of filled shapes, drawn as outlines."),
    ] = None
    height_mm: Annotated[float, Field(ge=1, le=150)]
    place: _Place = "above"
    align: Align | None = None
    optional: _Optional = None

    @model_validator(mode="after")
    def _is_picture(self, info: ValidationInfo) -> Self:
        if info.context is ACCEPTED_BEFORE:
            return self
        if (self.png is None) == (self.svg is None):
            raise PydanticCustomError("one_picture", "Input should have either png or svg")
        try:
            picture = self.picture()
        except InvalidLogo as error:
            raise PydanticCustomError("invalid_logo", "{reason}", {"reason": str(error)}) from error
        if not 1 / 20 <= picture.aspect <= 20:
            raise PydanticCustomError(
                "invalid_logo", "A logo is at most 20 times as wide as high, or as high as wide"
            )
        return self

    def picture(self) -> Logo:
        """Return the picture. Raises InvalidLogo."""
        if self.svg is not None:
            return svg_logo.read(self.svg)
        try:
            return png_logo.read(base64.b64decode(self.png or "", validate=True))
        except ValueError as error:
            raise InvalidLogo(f"The PNG is not base64: {error}", expected="base64") from error


_Months: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=MAX_MONTH_LENGTH), AfterValidator(_shown)], ...],
    Field(min_length=12, max_length=12, strict=False, description="The words for MMM, January first."),
]


class Design(_Part):
    """What is on each label of a sheet or roll."""

    version: Literal[1]
    symbology: Annotated[
        Symbology,
        Field(description="The symbol, unless the request asks for another one in its `symbology`."),
    ] = "auto"
    linear: Annotated[
        LinearData | None,
        Field(
            description="A linear symbol beside the matrix symbol: of the GTIN alone, or of all that GS1-128 carries, "
            "unless the request asks for another one in its `linear`. Absent: one symbol."
        ),
    ] = None
    hri: Annotated[
        bool, Field(description="Human-readable text of the matrix symbol. Linear symbols always have it.")
    ] = True
    lines: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES, strict=False)] = ()
    logo: DesignLogo | None = None
    months: _Months | None = None
    smallest_mm: Annotated[
        _TextSize | None,
        Field(description="The least height of capitals and digits on the label. Absent: 0.94 (4 pt)."),
    ] = None
    largest_mm: Annotated[
        _TextSize | None,
        Field(description="The greatest height of capitals and digits on the label. Absent: 1.88 (8 pt)."),
    ] = None

    @model_validator(mode="after")
    def _is_coherent(self, info: ValidationInfo) -> Self:
        if info.context is ACCEPTED_BEFORE:
            return self
        for line in (None, *self.lines):
            smallest, largest = self._given_mm(line)
            if smallest and largest and smallest > largest:
                raise PydanticCustomError(
                    "incoherent_sizes",
                    "smallest_mm, {smallest}, should be at most largest_mm, {largest}",
                    {"smallest": smallest, "largest": largest},
                )
        return self

    def sizes_pt(self, line: Line | None) -> tuple[float, ...]:
        """Return the sizes to try for a line, or for human-readable text, in points from the greatest to the least."""
        least, greatest = TEXT_SIZES_PT[-1], TEXT_SIZES_PT[0]
        smallest, largest = (None if mm is None else mm / _CAPITAL_MM_AT_1_PT for mm in self._given_mm(line))
        smallest = min(least, largest or least) if smallest is None else smallest
        largest = max(greatest, smallest) if largest is None else largest
        steps = len(TEXT_SIZES_PT) - 1
        return tuple(largest - (largest - smallest) * step / steps for step in range(steps + 1))

    def _given_mm(self, line: Line | None) -> tuple[float | None, float | None]:
        own = line or self
        return own.smallest_mm or self.smallest_mm, own.largest_mm or self.largest_mm

    def months_or_default(self) -> Sequence[str]:
        """Return the words for the months."""
        return self.months or texts.MONTHS


#: The designs that every organisation has. The first is the label of a request without a design.
DEFAULT_NAME, DUAL_NAME = "default", "dual"
_NAME = Line(text="{name}", place="above", optional=1)
BUILT_IN: Mapping[str, Design] = {
    DEFAULT_NAME: Design(version=1, lines=(_NAME,)),
    DUAL_NAME: Design(version=1, linear="gtin", lines=(_NAME,)),
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of design documents."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Design.model_json_schema(mode="validation"),
    }
