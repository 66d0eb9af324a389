"""Which column of a file is which: exact names, usual other names, and what the caller says."""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from catalogue.errors import ImportFileError

#: The columns that our own files of rows to correct have besides the source's. They are never read.
PROBLEMS = ("import_row", "import_problems")


@dataclass(frozen=True, slots=True)
class Columns:
    """The place of each column that is used, and the names of the columns that are not."""

    used: dict[str, int]
    ignored: tuple[str, ...]


def simplified(name: str) -> str:
    """Return the letters and digits of a column's name in lower case.

    >>> simplified(" Best-before DATE ") == simplified("best_before_date")
    True
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


@cache
def other_names() -> Mapping[str, str]:
    """Return the column for each simplified name of `column_names.csv`."""
    table = resources.files("catalogue.imports").joinpath("column_names.csv").read_text(encoding="utf-8")
    return {simplified(line["name"]): line["column"] for line in csv.DictReader(table.splitlines())}


def column_of(name: str, known: Sequence[str]) -> str | None:
    """Return the known column that the name means, or None."""
    plain = simplified(name)
    exact = next((column for column in known if simplified(column) == plain), None)
    other = other_names().get(plain)
    return exact or (other if other in known else None)


def understood(header: Sequence[str], known: Sequence[str], mapping: Mapping[str, str], file: str) -> Columns:
    """Return where each of the known columns is in the header.

    A name in `mapping` (column to the header's name) wins over the column's own name, and that over a usual other
    name. Raises ImportFileError if two columns of the header mean the same, or a mapped one is not there.
    """
    used: dict[str, int] = {}
    for column in known:
        stated = mapping.get(column)
        plain = [simplified(name) for name in header]
        wanted = [
            place for place, name in enumerate(plain) if stated is not None and name == simplified(stated)
        ]
        if stated is not None and not wanted:
            raise ImportFileError(
                f"{file}: there is no column {stated} to take {column} from",
                value=stated,
                expected=f"one of {', '.join(name for name in header if name.strip())}",
                field=column,
            )
        exact = [place for place, name in enumerate(plain) if name == simplified(column)]
        other = [place for place, name in enumerate(plain) if other_names().get(name) == column]
        found = wanted or exact or other
        if len(found) > 1:
            names = " and ".join(header[place].strip() for place in found)
            raise ImportFileError(
                f"{file}: the columns {names} both mean {column}",
                value=[header[place] for place in found],
                expected=f"one of them, or the right one stated with --map {column}=NAME",
                field=column,
            )
        if found and found[0] not in used.values():
            used[column] = found[0]
    rest = (name.strip() for place, name in enumerate(header) if place not in used.values())
    return Columns(used, tuple(name for name in rest if name and name not in PROBLEMS))
