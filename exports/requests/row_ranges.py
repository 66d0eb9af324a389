"""Rows of a job, as people write them: `121-180,200`, counted from 1 as in `manifest.csv`."""

import re
from typing import NamedTuple, TypeAlias

from exports.errors import ExportError, InvalidRequest

#: Most ranges of one text. They are what a person picks out after a jam; whoever wants more lists the entities.
MAX_RANGES = 1_000

_ONE = r" *([0-9]{1,9}) *(?:- *([0-9]{1,9}) *)?"
_RANGE = re.compile(_ONE)

#: What the text looks like. Whether the ranges ascend, it does not say.
PATTERN = rf"^{_ONE}(?:,{_ONE})*$"


class RowRange(NamedTuple):
    """Rows from first to last, both included, counted from 1."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


#: Ascending ranges with rows between them.
RowRanges: TypeAlias = tuple[RowRange, ...]


class InvalidRows(ExportError):
    """The text does not name rows."""

    code = "invalid_rows"

    def __init__(self, message: str, *, value: object, expected: str) -> None:
        super().__init__(f"{message}: expected {expected}", value=value, expected=expected, field="rows")


def parse_rows(text: str) -> RowRanges:
    """Return the rows in ascending order, each once. Raises InvalidRows.

    >>> [str(rows) for rows in parse_rows("200, 121-150,140-180")]
    ['121-180', '200']
    """
    found: list[RowRange] = []
    pieces = text.split(",")
    if len(pieces) > MAX_RANGES:
        raise InvalidRows(f"{len(pieces):,} ranges", value=len(pieces), expected=f"at most {MAX_RANGES:,}")
    for piece in pieces:
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise InvalidRows(
                f"{piece[:40]!r} is no range of rows",
                value=piece,
                expected="rows and ranges such as 121-180,200",
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first == 0:
            raise InvalidRows(f"{piece.strip()!r}: there is no row 0", value=piece, expected="rows from 1")
        if first > last:
            raise InvalidRows(f"{piece.strip()!r} runs backwards", value=piece, expected=f"{last}-{first}")
        found.append(RowRange(first, last))
    return _merged(found)


def count_within(ranges: RowRanges, rows: int) -> int:
    """Return how many rows the ranges have. Raises InvalidRequest if a row is beyond the job's `rows`."""
    beyond = [str(RowRange(max(r.first, rows + 1), r.last)) for r in ranges if r.last > rows]
    if beyond:
        more = f" and {len(beyond) - 5} more ranges" if len(beyond) > 5 else ""
        message = f"The job has rows 1-{rows}, not {', '.join(beyond[:5])}{more}"
        raise InvalidRequest([{"loc": ["body", "rows"], "msg": message, "type": "no_such_row"}])
    return sum(last - first + 1 for first, last in ranges)


def _merged(ranges: list[RowRange]) -> RowRanges:
    merged: list[RowRange] = []
    for each in sorted(ranges):
        if merged and each.first <= merged[-1].last + 1:
            merged[-1] = RowRange(merged[-1].first, max(merged[-1].last, each.last))
        else:
            merged.append(each)
    return tuple(merged)
