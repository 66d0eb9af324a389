"""Reads ZPL files back: what each label's commands put on it, and where.

Nothing is shared with the code that writes them. Labels of one job differ little but in their data, so commands are
interpreted once for all labels that have the same ones.

Source: Zebra, ZPL II Programming Guide.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode

#: Commands whose data or picture is all that follows in the field.
_MARKS = ("^FD", "^GF", "^FX")

#: Commands that a label must have, because printers remember others.
_SETTINGS = frozenset({"JMA", "CI28", "MUD", "LH0,0", "FWN", "PON", "PMN", "LRN"})

_TURNED = frozenset("RB")

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

    `x_dots` is X of a symbol. The size of the box is 0 where it follows from the data.
    """

    command: str
    box: Box
    orientation: str
    data: int
    x_dots: int = 0


class Form(NamedTuple):
    """The commands of labels that differ in their data alone.

    `symbols` are those that the printer draws; pictures show the others. `right` and `bottom` are how far the fields of
    known size reach. `commands` counts commands.
    """

    width: int
    length: int
    copies: int
    fields: tuple[Field, ...]
    symbols: tuple[Field, ...]
    texts: tuple[Field, ...]
    sized_by_data: tuple[Field, ...]
    right: int
    bottom: int
    commands: int

    def of(self, command: str) -> list[Field]:
        return [field for field in self.fields if field.command == command]


class Label(NamedTuple):
    """A label: its form, and the data of its fields. The first are the comment that names it."""

    form: Form
    data: Sequence[str]

    @property
    def name(self) -> str:
        return self.data[0]

    def box(self, field: Field) -> Box:
        """Return the field's box, with the size that follows from its data."""
        if field not in self.form.sized_by_data:
            return field.box
        width, height = self.size(field)
        return Box(field.box.x, field.box.y, width, height)

    def size(self, field: Field) -> tuple[int, int]:
        """Return width and height of a field that its data decide."""
        data = self.data[field.data]
        if field.command == "GF":
            rows, columns = picture_size(data)
            return columns, rows
        width = code_128_modules(data) * field.x_dots
        return (field.box.height, width) if field.orientation in _TURNED else (width, field.box.height)


def read(line: str) -> Label:
    """Return the label of one line. Raises SymbolDoesNotDecode for what is no label, or not of the forms we write."""
    heads: list[str] = []
    data: list[str] = []
    for piece in line.split("^FS"):
        mark = next(filter(piece.__contains__, _MARKS), "")
        head, _, rest = piece.partition(mark) if mark else (piece, "", "")
        heads.append(head + mark)
        data.append(rest)
    form = _form(tuple(heads))
    if line.count("^") != form.commands or "~" in line:
        raise _wrong("a command within data", line[:80])
    return Label(form, data)


@lru_cache(maxsize=4096)
def _form(heads: tuple[str, ...]) -> Form:
    """Interpret the commands of a label's fields, without their data."""
    first, *fields, last = heads
    words = [*_words(first), *_words(last)]
    values = {word[:2]: word[2:] for word in words}
    # Each once: the settings, the sizes, and what begins and ends the label.
    expected = {"XA", "PW", "LL", "FX", "PQ", "XZ", *(word[:2] for word in _SETTINGS)}
    begun, ended = words[0] == "XA" and first.endswith("^FX"), words[-1] == "XZ\n"
    if not (begun and ended) or len(words) != len(expected) or values.keys() != expected:
        raise _wrong("not one label with all that a printer remembers", first[:80])
    if missing := _SETTINGS - set(words):
        raise _wrong("other settings than a printer's own", sorted(missing))
    copies, *rest = values["PQ"].split(",")
    if rest != ["0", "0", "N"]:
        raise _wrong("pauses or replicates", values["PQ"])
    found = [_field(_words(head), place) for place, head in enumerate(fields, 1)]
    sized = tuple(field for field in found if field.command in {"GF", "BC"})
    boxes = [field.box for field in found if field not in sized]
    return Form(
        int(values["PW"]),
        int(values["LL"]),
        int(copies),
        tuple(found),
        tuple(field for field in found if field.command in SYMBOLS),
        tuple(field for field in found if field.command == "A0"),
        sized,
        max((box.x + box.width for box in boxes), default=0),
        max((box.y + box.height for box in boxes), default=0),
        sum(head.count("^") for head in heads) + len(heads) - 1,
    )


def _wrong(what: str, value: object = None) -> SymbolDoesNotDecode:
    return SymbolDoesNotDecode(f"ZPL: {what}", value=value)


def _words(commands: str) -> list[str]:
    start, *words = commands.split("^")
    if start:
        raise _wrong("not a command", commands[:40])
    return words


def _field(words: Sequence[str], place: int) -> Field:
    given = {word[:2]: word[2:].split(",") for word in words}
    parts = frozenset(given)
    if parts not in _FIELDS or len(words) != len(parts):
        raise _wrong("commands that do not make a field", " ".join(words))
    x, y = map(int, given["FO"])
    command, field = _FIELDS[parts]
    box, orientation, x_dots = field(given, x, y)
    return Field(command, box, orientation, place, x_dots)


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
        raise _wrong("text that is set wide", given["A0"])
    width, lines, between, justification = given["FB"]
    if (lines, between) != ("1", "0") or justification not in "LCR":
        raise _wrong("more than one line", given["FB"])
    return _turned(Box(x, y, 0, 0), int(width), int(height), orientation), orientation, 0


def _picture(given: _Parts, x: int, y: int) -> _Placed:
    del given
    return Box(x, y, 0, 0), "N", 0


def _solid(given: _Parts, x: int, y: int) -> _Placed:
    width, height, thickness = map(int, given["GB"])
    if thickness < min(width, height):
        raise _wrong("a frame", given["GB"])
    return Box(x, y, width, height), "N", 0


def _data_matrix(given: _Parts, x: int, y: int) -> _Placed:
    orientation, dots, quality, columns, rows, _, escape = given["BX"]
    if quality != "200" or columns != rows or escape != "|":
        raise _wrong("not a square ECC 200 symbol with the escape |", given["BX"])
    side = int(columns) * int(dots)
    return Box(x, y, side, side), orientation, int(dots)


def _bars(command: str, rest: list[str], ratio: str, modules: float) -> Callable[[_Parts, int, int], _Placed]:
    """Return the reader of a linear symbol without printed text, so many X wide; 0 if its data tell."""

    def field(given: _Parts, x: int, y: int) -> _Placed:
        orientation, height, *others = given[command]
        dots, by_ratio, by_height = given["BY"]
        if others != rest or by_ratio != ratio or by_height != height:
            raise _wrong("not a symbol of bars alone", given[command])
        width = modules * int(dots)
        if not width:
            return Box(x, y, 0, int(height)), orientation, int(dots)
        return _turned(Box(x, y, 0, 0), int(width), int(height), orientation), orientation, int(dots)

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


def picture_size(data: str) -> tuple[int, int]:
    """Return rows and columns of the picture of `^GF`. Its rows end with whole bytes."""
    _, total, _, row_bytes, _ = data.split(",", 4)
    return int(total) // int(row_bytes), 8 * int(row_bytes)


def picture(data: str) -> NDArray[np.bool_]:
    """Return the picture of `^GF`, true for black. Raises SymbolDoesNotDecode."""
    kind, total, again, row_bytes, digits = data.split(",", 4)
    size = 2 * int(row_bytes)
    if kind != "A" or total != again:
        raise _wrong("not a picture in hexadecimal", data[:40])
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
    packed = np.frombuffer(bytes.fromhex("".join(rows)), np.uint8).reshape(-1, int(row_bytes))
    if packed.size != int(total):
        raise _wrong("a picture that is not as large as it says", data[:40])
    return np.unpackbits(packed, axis=1).astype(np.bool_)
