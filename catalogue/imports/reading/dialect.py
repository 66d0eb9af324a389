"""How a CSV file is written: its encoding, its separator, and whether every line is a plain row."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogue.errors import ImportFileError
from catalogue.imports.reading.converted import MOST_COLUMNS
from catalogue.imports.reading.fields import fields

#: The separators that are looked for, and what they are called.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

#: A longer line is refused. It is never held in memory as a whole.
LINE_CHARACTERS = 1 << 20

_BLOCK_BYTES = 1 << 22
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEP_LINE = re.compile(r'"?sep=([!#-/:-@\[-^`{-~\t])"?\s*', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written. `start` is the number of lines before the header, which no spreadsheet shows.

    In a `regular` file each line is a row with as many cells as the header, in UTF-8; quotes are closed on their
    line and nothing is blank. `lines` is the number of line feeds after the header, 0 in UTF-16.
    """

    encoding: str
    separator: str
    header: tuple[str, ...]
    start: int
    regular: bool
    lines: int

    def __str__(self) -> str:
        encoding = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
        return (
            f"CSV, {encoding[self.encoding]}, separated by {SEPARATORS.get(self.separator, self.separator)}"
        )


def dialect_of(path: Path, is_known: Callable[[str], bool]) -> Dialect:
    """Return the dialect of the file. Of several separators, the one that gives the most known names is taken.

    Raises ImportFileError if the file has no header, or one that no spreadsheet can have.
    """
    with path.open("rb") as stream:
        head = stream.read(4 * LINE_CHARACTERS)
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    text = head.decode(encoding or "utf-8", errors="replace")
    start, separator, first, plain = _first_line(text, path.name)
    if separator is None:
        separator = max(SEPARATORS, key=lambda each: _score(first, each, is_known))
    regular, is_utf8, lines = (
        (False, False, 0) if encoding == "utf-16" else _survey(path, ord(separator), start, plain, first)
    )
    if encoding is None:
        encoding = "utf-8" if is_utf8 else _eight_bit(path)
        first = _first_line(head.decode(encoding, errors="replace"), path.name)[2]
    header = fields(first, separator)
    if header is None or len(header) > MOST_COLUMNS:
        raise ImportFileError(
            f"{path.name} has no header that can be read",
            value=first[:200],
            expected=f"a first line with the columns' names, at most {MOST_COLUMNS:,}",
        )
    return Dialect(encoding, separator, tuple(header), start, regular, max(0, lines - start - 1))


def _first_line(text: str, name: str) -> tuple[int, str | None, str, bool]:
    """Return the lines before the header, a stated separator, the header's text, and whether it is one line."""
    ends = [match.span() for _, match in zip(range(200), _LINE_END.finditer(text), strict=False)]
    starts = [0, *(stop for _, stop in ends)]
    stops = [*(begin for begin, _ in ends), len(text)]
    lines = [text[begin:stop] for begin, stop in zip(starts, stops, strict=False)]
    stated = _SEP_LINE.fullmatch(lines[0])
    begin = int(stated is not None)
    for first in range(begin, len(lines)):
        if not lines[first].strip(" ,;|\t"):
            continue
        for last in range(first, len(lines)):
            header = text[starts[first] : stops[last]]
            if len(header) > LINE_CHARACTERS:
                break
            if header.count('"') % 2 == 0:
                return begin, stated and stated[1], header, first == begin and first == last
        break
    raise ImportFileError(
        f"{name} has no header that can be read",
        value=text[:200],
        expected="a first line with the columns' names",
    )


def _score(header: str, separator: str, is_known: Callable[[str], bool]) -> tuple[int, int]:
    names = fields(header, separator) or []
    return sum(is_known(name) for name in names), len(names)


def _survey(path: Path, separator: int, start: int, plain: bool, header: str) -> tuple[bool, bool, int]:
    """Return whether the file is regular and whether it is UTF-8, and its number of line feeds."""
    columns = len(fields(header, chr(separator)) or [])
    regular, is_utf8, lines = plain and columns > 1 and separator < 0x80, True, 0
    skipped = start
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in _blocks(path):
        lines += block.count(b"\n")
        is_utf8 = is_utf8 and _decodes(block, decoder, final=False)
        checked = block
        while skipped and checked:
            checked = checked.partition(b"\n")[2]
            skipped -= 1
        regular = regular and is_utf8 and _is_regular(checked, separator, columns)
    is_utf8 = is_utf8 and _decodes(b"", decoder, final=True)
    return regular and is_utf8, is_utf8, lines


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes in blocks that end with a line, except where a line is longer than a block."""
    rest = b""
    with path.open("rb") as stream:
        while read := stream.read(_BLOCK_BYTES):
            cut = read.rfind(b"\n") + 1
            if cut == 0 and len(rest) < _BLOCK_BYTES:
                rest += read
                continue
            yield rest + read[:cut] if cut else rest
            rest = read[cut:]
    if rest:
        yield rest


def _decodes(block: bytes, decoder: codecs.IncrementalDecoder, *, final: bool) -> bool:
    if block.isascii() and decoder.getstate()[0] == b"":
        return True
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _is_regular(block: bytes, separator: int, columns: int) -> bool:
    """Return whether each line of the block is a row with this number of cells."""
    block = block.removeprefix(codecs.BOM_UTF8)
    if not block.endswith(b"\n"):
        block += b"\n"
    if b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
        return False
    data = np.frombuffer(block, np.uint8)
    separators, ends = np.flatnonzero(data == separator), np.flatnonzero(data == _LINE_FEED)
    if b'"' in block:
        quotes = np.flatnonzero(data == _QUOTE)
        if len(quotes) % 2 or (np.searchsorted(quotes, ends) % 2).any():
            return False
        # A quote before an opening one is the closing one of a pair, which means a quote.
        before = np.concatenate(([_LINE_FEED], data))[quotes[0::2]]
        after = data[quotes[1::2] + 1]
        if not (
            np.isin(before, (separator, _LINE_FEED, _QUOTE)).all()
            and np.isin(after, (separator, _LINE_FEED, _RETURN, _QUOTE)).all()
        ):
            return False
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    if len(separators) != len(ends) * (columns - 1):
        return False
    by_line = separators.reshape(len(ends), columns - 1)
    return bool((by_line[1:, 0] > ends[:-1]).all() and (by_line[:, -1] < ends).all())


def _eight_bit(path: Path) -> str:
    """Return the encoding of a file with bytes that are no UTF-8.

    If any line has UTF-8 beyond ASCII, the file is UTF-8 with wrong bytes elsewhere.
    """
    for block in _blocks(path):
        for line in block.splitlines():
            if not line.isascii() and _decodes(line, codecs.getincrementaldecoder("utf-8")(), final=True):
                return "utf-8"
    return "cp1252"
