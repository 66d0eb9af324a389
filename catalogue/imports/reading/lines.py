"""The tolerant reading of CSV files: a line that cannot be read is one refused row, and the next one is read."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from catalogue.imports.reading.converted import Broken
from catalogue.imports.reading.dialect import LINE_CHARACTERS, Dialect
from catalogue.imports.reading.fields import fields

# A cell may have this many line breaks. With more, its opening quote is taken for a mistake.
_MOST_JOINED = 100

# Bytes that the encoding does not have arrive as the former, lost characters as the latter.
_WRONG = re.compile("[\udc80-\udcff\ufffd]")

_END = re.compile(r"[\r\n]+\Z")


def records(
    path: Path, dialect: Dialect, line_characters: int = LINE_CHARACTERS
) -> Iterator[tuple[int, Sequence[str] | Broken]]:
    """Yield each row after the header with its number in a spreadsheet; rows without any value included.

    A row is as long as the header. It may lack cells of columns at the end that have no name, and empty cells
    beyond the header's are dropped.
    """
    errors = "replace" if dialect.encoding == "utf-16" else "surrogateescape"
    with path.open(encoding=dialect.encoding, errors=errors, newline="") as stream:
        for _ in range(dialect.start):
            stream.readline()
        yield from _Lines(stream, dialect, line_characters).records()


class _Lines:
    """The lines of one file. Lines that were read ahead for a quote that was not closed come again."""

    def __init__(self, stream: TextIO, dialect: Dialect, line_characters: int) -> None:
        self._stream = stream
        self._separator = dialect.separator
        self._columns = len(dialect.header)
        named = [place for place, name in enumerate(dialect.header, 1) if name.strip()]
        self._least = max(named, default=self._columns)
        self._longest = line_characters
        self._again: deque[str | Broken] = deque()

    def records(self) -> Iterator[tuple[int, Sequence[str] | Broken]]:
        row, is_header = 0, True
        while (line := self._next()) is not None:
            row += 1
            record = line if isinstance(line, Broken) else self._record(line)
            if not is_header:
                yield row, record
            elif isinstance(record, Broken) or any(cell.strip() for cell in record):
                is_header = False

    def _next(self) -> str | Broken | None:
        """Return the next line with its end, or None after the last. Memory is bounded for any length."""
        if self._again:
            return self._again.popleft()
        line = self._stream.readline(self._longest)
        if len(line) < self._longest or line.endswith(("\n", "\r")):
            return line or None
        while len(rest := self._stream.readline(self._longest)) == self._longest and rest[-1] not in "\r\n":
            pass
        return Broken(line, f"a line of more than {self._longest:,} characters")

    def _record(self, line: str) -> Sequence[str] | Broken:
        text = line.rstrip("\r\n")
        cells = fields(text, self._separator)
        if cells is None:
            text, cells = self._joined(line)
        if not text.isascii() and _WRONG.search(text):
            return Broken(text, "bytes that are not in the file's encoding, or a character that was lost")
        if "\0" in text:
            return Broken(text, "a null character")
        if cells is None:
            return Broken(text, "a quote that is not closed, or text behind a closed one")
        return self._fitted(text, cells)

    def _joined(self, line: str) -> tuple[str, list[str] | None]:
        """Return the row that begins with the line and ends with the one that closes its quote.

        If that is no row either, return the line alone and None; the other lines come again.
        """
        ahead: list[str | Broken] = []
        whole = line
        while len(ahead) < _MOST_JOINED and len(whole) < self._longest:
            more = self._next()
            if more is None:
                break
            ahead.append(more)
            if isinstance(more, Broken):
                break
            whole += more
            if more.count('"') % 2:
                text = whole.rstrip("\r\n")
                cells = fields(text, self._separator)
                if cells is not None and not isinstance(self._fitted(text, cells), Broken):
                    return text, cells
                break
        self._again.extendleft(reversed(ahead))
        return line.rstrip("\r\n"), None

    def _fitted(self, text: str, cells: list[str]) -> Sequence[str] | Broken:
        surplus = cells[self._columns :]
        if len(cells) == self._columns:
            return cells
        if not any(cell.strip() for cell in cells):
            return [""] * self._columns
        if len(cells) < self._least or any(cell.strip() for cell in surplus):
            return Broken(text, f"{len(cells)} cells, where the header has {self._columns}")
        return [*cells[: self._columns], *[""] * (self._columns - len(cells))]
