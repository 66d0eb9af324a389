"""The fields of a ZPL label: which commands make one, and the box that it takes.

Nothing is shared with the code that writes them. Source: Zebra, ZPL II Programming Guide.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode

_TURNED = frozenset("RB")

# Hexadecimal; `,` ends a row of zeros, `:` repeats a row.
_DIGITS = re.compile(r"[0-9A-F,][0-9A-F,:]*")

#: The most bytes of a picture. Source: `^GF`, binary byte count.
_MOST_PICTURE_BYTES = 99_999

# ISO/IEC 15417: characters of 11 modules, the stop of 13, one of them for the check character.
_CHARACTER, _STOP = 11, 13


class Box(NamedTuple):
    """A rectangle in dots, from the upper left corner of the media."""

    x: int
    y: int
    width: int
    height: int


class Field(NamedTuple):
    """One field of a label. `command` has two characters; `data` is the place of its data among the label's.

    `x_dots` is X of a symbol. The width of a GS1-128, or its height if it is turned, is 0: it follows from the data.
    The box of a picture ends with whole bytes.
    """

    command: str
    box: Box
    orientation: str
    x_dots: int = 0
    data: int = 0

    def sized(self, data: Sequence[str]) -> Box:
        """Return the box with the size that follows from the label's data."""
        if self.command != "BC":
            return self.box
        across = code_128_modules(data[self.data]) * self.x_dots
        if self.orientation in _TURNED:
            return self.box._replace(height=across)
        return self.box._replace(width=across)


def wrong(what: str, value: object = None) -> NoReturn:
    raise SymbolDoesNotDecode(f"ZPL: {what}", value=value)


def words_of(commands: str) -> list[str]:
    """Return the commands with their parameters, without the `^` before each."""
    start, *words = commands.split("^")
    if start:
        wrong("not a command", commands[:40])
    return words


@lru_cache(maxsize=1 << 14)
def field_of(commands: str) -> Field:
    """Return the field that these commands make. Raises SymbolDoesNotDecode if they are none of our forms."""
    words = words_of(commands)
    given = {word[:2]: word[2:].split(",") for word in words}
    parts = frozenset(given)
    if parts not in _FIELDS or len(words) != len(parts):
        wrong("commands that do not make a field", " ".join(words))
    x, y = map(int, given["FO"])
    command, field = _FIELDS[parts]
    return Field(command, *field(given, x, y))


def _turned(box: Box, width: int, height: int, orientation: str) -> Box:
    """Return the box of a field with the size that it has upright."""
    if orientation in _TURNED:
        width, height = height, width
    return box._replace(width=width, height=height)


_Parts = dict[str, list[str]]
_Placed = tuple[Box, str, int]


def _text(given: _Parts, x: int, y: int) -> _Placed:
    orientation, height, character_width = given["A0"]
    if int(character_width) > int(height):
        wrong("text that is set wide", given["A0"])
    width, lines, between, justification = given["FB"]
    if (lines, between) != ("1", "0") or justification not in "LCR":
        wrong("more than one line", given["FB"])
    return _turned(Box(x, y, 0, 0), int(width), int(height), orientation), orientation, 0


def _picture(given: _Parts, x: int, y: int) -> _Placed:
    kind, total, again, row_bytes, rest = given["GF"]
    size, each = int(total), int(row_bytes)
    if kind != "A" or again != total or rest or not 0 < size <= _MOST_PICTURE_BYTES or size % each:
        wrong("not a picture in hexadecimal", given["GF"])
    return Box(x, y, 8 * each, size // each), "N", 0


def _solid(given: _Parts, x: int, y: int) -> _Placed:
    width, height, thickness = map(int, given["GB"])
    if thickness < min(width, height):
        wrong("a frame", given["GB"])
    return Box(x, y, width, height), "N", 0


def _data_matrix(given: _Parts, x: int, y: int) -> _Placed:
    orientation, dots, quality, columns, rows, _, escape = given["BX"]
    if quality != "200" or columns != rows or escape != "|":
        wrong("not a square ECC 200 symbol with the escape |", given["BX"])
    side = int(columns) * int(dots)
    return Box(x, y, side, side), orientation, int(dots)


def _bars(command: str, rest: list[str], ratio: str, modules: float) -> Callable[[_Parts, int, int], _Placed]:
    """Return the reader of a linear symbol without printed text, so many X wide; 0 if its data tell."""

    def field(given: _Parts, x: int, y: int) -> _Placed:
        orientation, height, *others = given[command]
        dots, by_ratio, by_height = given["BY"]
        if others != rest or by_ratio != ratio or by_height != height:
            wrong("not a symbol of bars alone", given[command])
        box = _turned(Box(x, y, 0, 0), int(modules * int(dots)), int(height), orientation)
        return box, orientation, int(dots)

    return field


# EAN-13: 95 modules. ITF-14: 48 narrow elements and 29 wide ones of 2.5 X.
_FIELDS: dict[frozenset[str], tuple[str, Callable[[_Parts, int, int], _Placed]]] = {
    frozenset({"FO", "A0", "FB", "FD"}): ("A0", _text),
    frozenset({"FO", "GF"}): ("GF", _picture),
    frozenset({"FO", "GB"}): ("GB", _solid),
    frozenset({"FO", "BX", "FD"}): ("BX", _data_matrix),
    frozenset({"FO", "BY", "BC", "FD"}): ("BC", _bars("BC", ["N"] * 4, "3", 0)),
    frozenset({"FO", "BY", "BE", "FD"}): ("BE", _bars("BE", ["N"] * 2, "3", 95)),
    frozenset({"FO", "BY", "B2", "FD"}): ("B2", _bars("B2", ["N"] * 3, "2.5", 120.5)),
}

#: Commands of fields that are symbols.
SYMBOLS = frozenset({"BX", "BC", "BE", "B2"})


def message(command: str, data: str) -> str:
    r"""Return what a symbol says, FNC1 as 0x1D; the check digit of `^BE`, which the printer adds, is left out.

    >>> message("BC", ">;>8010950600013435210>6A>01")
    '\x1d010950600013435210A>1'
    """
    if command == "BX":
        return data.replace("|1", "\x1d")
    if command == "BC":
        for invocation, character in _INVOKED:
            data = data.replace(invocation, character)
    return data


#: What `^BC` takes for something else than two characters. `>` itself comes last, or it would begin others.
_INVOKED = ((">;", ""), (">:", ""), (">5", ""), (">6", ""), (">8", "\x1d"), (">0", ">"))


def code_128_modules(data: str) -> int:
    """Return how many modules wide the symbol of `^BC` is.

    >>> code_128_modules(">;>80109506000134352")
    134
    """
    return _modules(tuple((part[:1], len(part) - 1) for part in data.split(">")[1:]))


@lru_cache(maxsize=4096)
def _modules(parts: tuple[tuple[str, int], ...]) -> int:
    """Return the modules of what each invocation says and so many characters behind it."""
    characters, in_pairs = 0, False
    for invocation, length in parts:
        in_pairs = invocation in ";5" or (in_pairs and invocation == "8")
        characters += 1 + (length // 2 if in_pairs else length)
    return _CHARACTER * (characters + 1) + _STOP


@lru_cache(maxsize=32)
def picture(digits: str, box: Box) -> NDArray[np.bool_]:
    """Return the picture of `^GF` that fills this box, true for black, to be read only. Raises SymbolDoesNotDecode."""
    if not _DIGITS.fullmatch(digits):
        wrong("not a picture in hexadecimal", digits[:40])
    size = box.width // 4
    rows: list[str] = []
    place = 0
    while place < len(digits):
        if digits[place] == ":":
            rows.append(rows[-1])
            place += 1
            continue
        row = digits[place : place + size]
        if "," in row:
            row = row[: row.index(",")]
            place += len(row) + 1
        else:
            place += size
        rows.append(row.ljust(size, "0"))
    if len(rows) != box.height or len(rows[-1]) != size:
        wrong("a picture that is not as large as it says", digits[:40])
    packed = np.frombuffer(bytes.fromhex("".join(rows)), np.uint8).reshape(box.height, -1)
    dark = np.unpackbits(packed, axis=1).astype(np.bool_)
    dark.flags.writeable = False
    return dark
