"""The label sheets in the CSV file beside this module, and the reader of such files.

An organisation's own sheets have the same format: one column per field of SheetTemplate, lengths in
millimetres, product numbers of the same geometry separated by semicolons.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from importlib.resources import files
from types import MappingProxyType

from renderers.sheets.errors import InvalidTemplate, UnknownTemplate
from renderers.sheets.model import SheetTemplate
from renderers.units import MILLIMETRES_PER_POINT

DEFAULT_TEMPLATE_ID = "63up_1in_letter"
DEFAULT_ROLL_ID = "thermal_4x6in"

#: How far labels may overlap or leave the page: published inches are rounded to hundredths of a millimetre.
TOLERANCE_MM = 0.01

# The largest page a PDF can have: 14,400 units of 1/72 inch. Source: ISO 32000-1, annex C.2.
_MAX_PAGE_MM = 14_400 * MILLIMETRES_PER_POINT

_ID = re.compile(r"[a-z0-9_]{1,64}")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
_LENGTH = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,200}")

_COLUMNS = tuple(field.name for field in fields(SheetTemplate))
_REQUIRED = frozenset(field.name for field in fields(SheetTemplate) if field.default is MISSING)


def template(name: str, templates: Mapping[str, SheetTemplate] | None = None) -> SheetTemplate:
    """Return the sheet template of this id, from TEMPLATES unless others are given.

    Raises UnknownTemplate with the most similar ids. Product numbers of the same geometry are compared too,
    but are not accepted as ids.

    >>> template("avery_5160").labels_per_page
    30
    """
    known = TEMPLATES if templates is None else templates
    if name in known:
        return known[name]
    raise UnknownTemplate(name, _nearest(name, known.values()))


def load(text: str) -> list[SheetTemplate]:
    """Return the sheet templates of a CSV text, in its order.

    Raises InvalidTemplate, with row, column, value and what was expected, for an unknown or missing column, an
    invalid value, a repeated id, and labels that overlap or leave the page by more than TOLERANCE_MM.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    templates: list[SheetTemplate] = []
    ids: set[str] = set()
    try:
        header = next(reader, [])
        _check_header(header)
        for cells in reader:
            if not cells:
                continue
            row = reader.line_num
            if len(cells) != len(header):
                raise InvalidTemplate(
                    "wrong number of cells", row=row, column=None, value=len(cells), expected=f"{len(header)}"
                )
            sheet = _Row(dict(zip(header, cells, strict=True)), row).sheet()
            if sheet.id in ids:
                raise InvalidTemplate(
                    "comes twice", row=row, column="id", value=sheet.id, expected="a new id"
                )
            ids.add(sheet.id)
            templates.append(sheet)
    except csv.Error as error:
        raise InvalidTemplate(
            "not CSV", row=reader.line_num, column=None, value=str(error), expected="RFC 4180 CSV"
        ) from error
    return templates


def _check_header(header: list[str]) -> None:
    for column in header:
        if column not in _COLUMNS or header.count(column) > 1:
            raise InvalidTemplate(
                "unknown or repeated column", row=1, column=column, value=column, expected=", ".join(_COLUMNS)
            )
    for column in _COLUMNS:
        if column in _REQUIRED and column not in header:
            raise InvalidTemplate("missing column", row=1, column=column, value=None, expected=column)


class _Row:
    """One row of the table, with its checks."""

    def __init__(self, cells: Mapping[str, str], row: int) -> None:
        self._cells = {column: cell.strip() for column, cell in cells.items()}
        self._row = row

    def sheet(self) -> SheetTemplate:
        shape = self._cells["shape"]
        if shape not in {"rectangle", "round"}:
            raise self._error("shape", "unknown shape", "rectangle or round")
        sheet = SheetTemplate(
            id=self._matching("id", _ID, "1 to 64 of a-z, 0-9 and _"),
            description=self._text("description"),
            page_width_mm=self._length("page_width_mm", above=0),
            page_height_mm=self._length("page_height_mm", above=0),
            columns=self._count("columns"),
            rows=self._count("rows"),
            shape="round" if shape == "round" else "rectangle",
            label_width_mm=self._length("label_width_mm", above=0),
            label_height_mm=self._length("label_height_mm", above=0),
            corner_radius_mm=self._length("corner_radius_mm"),
            left_mm=self._length("left_mm"),
            top_mm=self._length("top_mm"),
            pitch_x_mm=self._length("pitch_x_mm", above=0),
            pitch_y_mm=self._length("pitch_y_mm", above=0),
            also_known_as=tuple(
                name for part in self._text("also_known_as").split(";") if (name := part.strip())
            ),
            source=self._text("source"),
        )
        self._check_geometry(sheet)
        return sheet

    def _check_geometry(self, sheet: SheetTemplate) -> None:
        if sheet.shape == "round" and not math.isclose(sheet.label_width_mm, sheet.label_height_mm):
            raise self._error("label_height_mm", "not round", f"{sheet.label_width_mm:g}, as label_width_mm")
        radius = min(sheet.label_width_mm, sheet.label_height_mm) / 2
        if sheet.corner_radius_mm > radius + TOLERANCE_MM:
            raise self._error("corner_radius_mm", "too large for the label", f"at most {radius:g}")
        for page, start, pitch, label, count in (
            ("page_width_mm", "left_mm", "pitch_x_mm", "label_width_mm", sheet.columns),
            ("page_height_mm", "top_mm", "pitch_y_mm", "label_height_mm", sheet.rows),
        ):
            page_mm, start_mm = self._length(page), self._length(start)
            pitch_mm, label_mm = self._length(pitch), self._length(label)
            if page_mm > _MAX_PAGE_MM:
                raise self._error(page, "larger than a PDF page can be", f"at most {_MAX_PAGE_MM:g}")
            if count > 1 and pitch_mm < label_mm - TOLERANCE_MM:
                raise self._error(pitch, "labels overlap", f"at least {label_mm:g}, as {label}")
            needed_mm = start_mm + (count - 1) * pitch_mm + label_mm
            if needed_mm > page_mm + TOLERANCE_MM:
                raise self._error(page, "the last label is not on the page", f"at least {needed_mm:.2f}")

    def _matching(self, column: str, pattern: re.Pattern[str], expected: str) -> str:
        cell = self._cells.get(column, "")
        if pattern.fullmatch(cell) is None:
            raise self._error(column, "not a valid value", expected)
        return cell

    def _text(self, column: str) -> str:
        return self._matching(column, _TEXT, "at most 200 printable characters")

    def _count(self, column: str) -> int:
        return int(self._matching(column, _COUNT, "a whole number from 1 to 9999"))

    def _length(self, column: str, above: float | None = None) -> float:
        length = float(self._matching(column, _LENGTH, "millimetres, as 25.4"))
        if above is not None and length <= above:
            raise self._error(column, "too small", f"more than {above:g}")
        return length

    def _error(self, column: str, problem: str, expected: str) -> InvalidTemplate:
        return InvalidTemplate(
            problem, row=self._row, column=column, value=self._cells.get(column), expected=expected
        )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _nearest(name: str, templates: Iterable[SheetTemplate]) -> tuple[str, ...]:
    """Return at most three ids whose id or product number is like this name, the most similar first."""
    asked = _plain(name[:64])
    ids: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for sheet in templates:
        for alias in (sheet.id, *sheet.also_known_as):
            ids.setdefault(_plain(alias), sheet.id)
            # A product number is often given without its vendor: 8160 for Avery 8160.
            numbers.setdefault(_plain(re.split("[ _]", alias)[-1]), sheet.id)
    exact = [found for found in (ids.get(asked), numbers.get(asked)) if found is not None]
    close = [ids[match] for match in get_close_matches(asked, ids, n=3, cutoff=0.6)]
    return tuple(dict.fromkeys([*exact, *close]))[:3]


TEMPLATES: Mapping[str, SheetTemplate] = MappingProxyType(
    {
        sheet.id: sheet
        for sheet in load(files("renderers.sheets").joinpath("templates.csv").read_text(encoding="utf-8"))
    }
)
