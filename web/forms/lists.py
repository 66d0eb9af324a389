"""Lists of GTINs, ids and quantities: pasted from anywhere, or uploaded as text or as a spreadsheet."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from catalogue.errors import ImportFileError
from catalogue.imports.columns import column_of
from catalogue.imports.reading.opened import SUFFIXES, open_path
from exports.requests.fields import MAX_LIST_ENTRIES

#: A spreadsheet's column, a line of text, a scanner's lines.
_BETWEEN_VALUES = re.compile(r"[\s,;]+")
_BETWEEN_CELLS = re.compile(r"[ \t,;]+")

#: The columns that are taken from a file with a header, by field. A file without a known one begins with them.
_COLUMNS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "gtins": (("gtin", "gtin14"),),
    "lot_ids": (("lot_id", "id", "entity_id"),),
    "serial_ids": (("serial_id", "id", "entity_id"),),
    "quantities": (("id", "entity_id", "lot_id", "serial_id"), ("copies", "quantity")),
}

#: The fields that a file may fill in, and what a file may be named.
FILLED = tuple(_COLUMNS)
ACCEPTED = ",".join(SUFFIXES)

#: As many entries as are taken, with what else a catalogue's file says of them.
MAX_FILE_BYTES = 1 << 20


def values(text: str) -> list[str]:
    r"""Return the values of a pasted list.

    >>> values("09506000134352; 10614141000415\n4006381333931")
    ['09506000134352', '10614141000415', '4006381333931']
    """
    return [each for each in _BETWEEN_VALUES.split(text) if each]


def quantities(text: str) -> list[dict[str, Any]]:
    r"""Return the ids and numbers of a pasted list, one pair a line. What is no number stays text, to be refused.

    >>> quantities("a1, 12\nb2\t3")
    [{'id': 'a1', 'copies': 12}, {'id': 'b2', 'copies': 3}]
    """
    lines = [_BETWEEN_CELLS.split(line.strip(" \t,;"), maxsplit=1) for line in text.splitlines()]
    return [
        dict(zip(("id", "copies"), (line[0], *map(_number, line[1:])), strict=False))
        for line in lines
        if line != [""]
    ]


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def from_file(field: str, name: str, content: bytes) -> str:
    """Return the list of the field that the file holds, as it would be pasted.

    The columns are found by their names; without known names they are the first ones and there is no header. Raises
    ImportFileError for a file that cannot be read, or that has more entries than a list may have.
    """
    wanted = _COLUMNS[field]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list").with_suffix(Path(name).suffix)
        path.write_bytes(content)
        opened = open_path(
            path, Path(folder), lambda title: _place_of([title], wanted) is not None, name=name
        )
        places = [_place_of(opened.header, (names,)) for names in wanted]
        rows: list[tuple[str | None, ...]] = []
        if None in places:
            places = list(range(len(wanted)))
            rows = [opened.header[: len(wanted)]]
        if len(opened.header) < len(wanted):
            raise ImportFileError(
                f"{name} has no column {' or '.join(wanted[-1])}",
                value=name,
                expected="an id and a number in each row",
            )
        columns = {f"column_{place}": place for place in places if place is not None}
        for row in _rows(opened.batches(columns), list(columns)):
            rows.append(row)
            if len(rows) > MAX_LIST_ENTRIES:
                raise ImportFileError(
                    f"{name} has more than {MAX_LIST_ENTRIES:,} entries",
                    value=name,
                    expected="several exports of a part each, or a filter",
                )
    found = [",".join(cell or "" for cell in row) for row in rows if any(row)]
    if not found:
        raise ImportFileError(f"{name} has no entries", value=name, expected=f"1 to {MAX_LIST_ENTRIES:,}")
    return "\n".join(found)


def _rows(batches: Iterator[pl.DataFrame], columns: list[str]) -> Iterator[tuple[str | None, ...]]:
    for batch in batches:
        yield from batch.filter(~pl.col("blank")).select(columns).iter_rows()


def _place_of(header: tuple[str, ...] | list[str], wanted: tuple[tuple[str, ...], ...]) -> int | None:
    """Return the place of the first column that has one of the names, the earlier names first."""
    for names in wanted:
        for name in names:
            for place, title in enumerate(header):
                if column_of(title, (name,)) is not None:
                    return place
    return None
