"""Reads ZPL files back: what each label's commands put on it, and where.

Nothing is shared with the code that writes them. Labels of one job differ little but in their data, so commands are
interpreted once for all labels that have the same ones.

Source: Zebra, ZPL II Programming Guide.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from exports.verification.formats.zpl_fields import SYMBOLS, Box, Field, field_of, words_of, wrong

#: A command that data follow, and the data of the field: text, or the digits of a picture.
_DATA = re.compile(r"(\^F[DX]|\^GF[^,^]*,\d+,\d+,\d+,)([^^]*)")
_MARKS = ("^FD", "^GF", "^FX")

#: Commands that a label must have, because printers remember others.
_SETTINGS = frozenset({"JMA", "CI28", "MUD", "LH0,0", "FWN", "PON", "PMN", "LRN"})

# Each once: the settings, the sizes, and what begins and ends the label.
_ONCE = {"XA", "PW", "LL", "FX", "PQ", "XZ", *(word[:2] for word in _SETTINGS)}

# Pictures end with whole bytes: white that is no part of them.
_PADDING_DOTS = 7


class Form(NamedTuple):
    """The commands of labels that differ in their data alone.

    `symbols` are those that the printer draws; pictures show the others. `right` and `bottom` are how far the fields
    reach, but for a GS1-128.
    """

    width: int
    length: int
    copies: int
    fields: tuple[Field, ...]
    symbols: tuple[Field, ...]
    right: int
    bottom: int

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
        return field.sized(self.data)

    def shown(self, field: Field) -> str:
        """Return the field's data."""
        return self.data[field.data]


def read(line: str) -> Label:
    """Return the label of one line. Raises SymbolDoesNotDecode for what is no label, or not of the forms we write."""
    parts = _DATA.split(line)
    data = parts[2::3]
    del parts[2::3]
    if "~" in line:
        wrong("a command within data", line[:80])
    return Label(_form(tuple(parts)), data)


@lru_cache(maxsize=4096)
def _form(parts: tuple[str, ...]) -> Form:
    """Interpret the commands of a label, between which its data were."""
    first, *heads, last = "".join(parts).split("^FS")
    width, length, copies = _settings(first, last)
    fields: list[Field] = []
    # The first data are the comment.
    place = 1
    for head in heads:
        fields.append(field_of(head)._replace(data=place))
        place += any(mark in head for mark in _MARKS)
    reach = [
        (each.box.x + each.box.width - _PADDING_DOTS * (each.command == "GF"), each.box.y + each.box.height)
        for each in fields
    ]
    return Form(
        width,
        length,
        copies,
        tuple(fields),
        tuple(field for field in fields if field.command in SYMBOLS),
        max((right for right, _ in reach), default=0),
        max((bottom for _, bottom in reach), default=0),
    )


@lru_cache(maxsize=64)
def _settings(first: str, last: str) -> tuple[int, int, int]:
    """Return width, length and copies of a label that begins and ends with these commands."""
    words = [*words_of(first), *words_of(last)]
    values = {word[:2]: word[2:] for word in words}
    begun, ended = words[0] == "XA" and first.endswith("^FX"), words[-1] == "XZ\n"
    if not (begun and ended) or len(words) != len(_ONCE) or values.keys() != _ONCE:
        wrong("not one label with all that a printer remembers", first[:80])
    if missing := _SETTINGS - set(words):
        wrong("other settings than a printer's own", sorted(missing))
    copies, *rest = values["PQ"].split(",")
    if rest != ["0", "0", "N"]:
        wrong("pauses or replicates", values["PQ"])
    return int(values["PW"]), int(values["LL"]), int(copies)
