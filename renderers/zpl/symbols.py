"""Symbols as the printer's own commands, where it then prints the same data in the same dots.

Every command states all that it would otherwise take from the printer's memory. Source: Zebra, ZPL II Programming
Guide, `^BX`, `^BC`, `^BE`, `^B2`, `^BY`.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gs1.symbol_size import SymbolKind
from renderers.errors import RenderError
from renderers.sheets.placement import LabelGroup
from renderers.symbol import BarSymbols, MatrixSymbols
from renderers.symbologies import data_matrix_structure, gs1_128
from renderers.symbologies.element_strings import FNC1_BYTE
from renderers.writers.made_once import TextTable

#: Begins FNC1 in the data of `^BX`. It must be no character of CSET 82: with the printers' default `_`, the lot `A_1`
#: would gain an FNC1.
ESCAPE = "|"

#: The greatest X of linear symbols, in dots. Source: `^BY`.
_MOST_X_DOTS = 10

#: (labels, height of the bars, orientation) -> the command before the data, and the data of each label; None for a label
#: that the command cannot draw.
_Native = Callable[[LabelGroup, int, str], tuple[str, Sequence[str | None]]]


def native(group: LabelGroup, height: int, orientation: str) -> list[str | None]:
    """Return each symbol of a group as a field without its place; None for one that needs a picture.

    Bars are `height` dots high.
    """
    draw = _NATIVE.get(group.layout.kind)
    wide = isinstance(group.symbols, BarSymbols) and group.layout.x_dots > _MOST_X_DOTS
    if draw is None or wide:
        return [None] * len(group.data)
    command, data = draw(group, height, orientation)
    return [each and f"{command}^FD{each}^FS" for each in data]


def _data_matrix(group: LabelGroup, height: int, orientation: str) -> tuple[str, Sequence[str | None]]:
    """Return symbols of exactly the group's size.

    Printers do not tell how they encode data. One that does not find a shorter way than plain ASCII encodation still
    has to fit them into that size.
    """
    del height
    assert isinstance(group.symbols, MatrixSymbols)  # noqa: S101 - the kind is that of matrix symbols
    side = group.symbols.modules.shape[1]
    (capacity,) = (size.data for size in data_matrix_structure.SQUARES if size.rows == side)
    fits = _ascii_codewords(group.data) <= capacity
    command = f"^BX{orientation},{group.layout.x_dots},200,{side},{side},6,{ESCAPE}"
    fnc1 = chr(FNC1_BYTE)
    return command, [
        message.replace(fnc1, f"{ESCAPE}1") if whole else None
        for message, whole in zip(group.data, fits.tolist(), strict=True)
    ]


def _ascii_codewords(messages: Sequence[str]) -> NDArray[np.intp]:
    """Return how many codewords each message takes in ASCII encodation: one, but only one for two digits.

    Messages begin with FNC1, so no pair of digits is in two of them.

    >>> _ascii_codewords([chr(FNC1_BYTE) + "0112345A", chr(FNC1_BYTE) + "123"]).tolist()
    [6, 3]
    """
    text = np.frombuffer("".join(messages).encode("ascii"), np.uint8)
    digits = (text >= ord("0")) & (text <= ord("9"))
    places = np.arange(len(text))
    in_run = places - np.maximum.accumulate(np.where(digits, -1, places))
    taken = ~(digits & (in_run % 2 == 0))
    ends = np.cumsum(np.fromiter(map(len, messages), np.intp, len(messages)))
    return np.diff(np.concatenate(([0], np.cumsum(taken)[ends - 1])))


#: Data of `^BC` that zpl-renderer-js 3.4.0 reads otherwise than the guide says: a switch from set B back to C, and an
#: invocation with fewer than two characters behind it.
_DOUBTFUL = re.compile(r">5|>..?$")


def _gs1_128(group: LabelGroup, height: int, orientation: str) -> tuple[str, Sequence[str | None]]:
    assert isinstance(group.symbols, BarSymbols)  # noqa: S101 - the kind is that of linear symbols
    command = f"^BY{group.layout.x_dots},3,{height}^BC{orientation},{height},N,N,N,N"
    data = _invocations(gs1_128.characters(group.symbols))
    return command, [None if _DOUBTFUL.search(each) else each for each in data]


#: Code sets as rows of the tables below: before the start, C, B.
_START, _C, _B = range(3)
_VALUES = 128

#: Symbol characters that choose a code set, by the set they stand in.
_NEXT = np.tile(np.array([_START, _C, _B], np.intp)[:, None], (1, _VALUES))
_NEXT[_START, 105], _NEXT[_START, 104], _NEXT[_C, 100], _NEXT[_B, 99] = _C, _B, _B, _C

#: Symbol characters that have no character of their own, or one that `^BC` takes for something else.
_INVOCATIONS: Mapping[tuple[int, int], str] = {
    (_START, 105): ">;",
    (_START, 104): ">:",
    (_C, 100): ">6",
    (_C, 102): ">8",
    (_B, 30): ">0",
    (_B, 99): ">5",
    (_B, 102): ">8",
}


def _invocation(key: int) -> str:
    code_set, value = divmod(key, _VALUES)
    if (code_set, value) in _INVOCATIONS:
        return _INVOCATIONS[code_set, value]
    if code_set == _C and value < 100:
        return f"{value:02d}"
    # Neither `^` nor `~`, which begin commands, nor DEL.
    if code_set == _B and value < 95 and chr(value + 32) not in "^~":
        return chr(value + 32)
    raise RenderError("^BC cannot say a symbol character", value=(code_set, value), expected="GS1's CSET 82")


_TEXTS = TextTable(3 * _VALUES, _invocation)


def _invocations(characters: NDArray[np.uint8]) -> list[str]:
    """Return the data by which `^BC` draws exactly these symbol characters, shape (n, characters)."""
    keys = np.empty(characters.shape, np.intp)
    code_sets = np.full(len(characters), _START, np.intp)
    for place in range(characters.shape[1]):
        values = characters[:, place]
        keys[:, place] = code_sets * _VALUES + values
        code_sets = _NEXT[code_sets, values]
    return _TEXTS.joined(keys)


def _ean_13(group: LabelGroup, height: int, orientation: str) -> tuple[str, Sequence[str | None]]:
    """Return the bars; the printer adds the check digit.

    Whether a printer's guard bars are longer without its own text, and belong to the field's box, is not told. They are
    as long as ours, which are drawn over them, but where the symbol is turned they would move the field.
    """
    command = f"^BY{group.layout.x_dots},3,{height}^BE{orientation},{height},N,N"
    if orientation != "N":
        return command, [None] * len(group.data)
    return command, [digits[:-1].zfill(12) for digits in group.data]


def _itf_14(group: LabelGroup, height: int, orientation: str) -> tuple[str, Sequence[str]]:
    command = f"^BY{group.layout.x_dots},2.5,{height}^B2{orientation},{height},N,N,N"
    return command, group.data


#: A UPC-A is the EAN-13 that begins with 0. EAN-8 and UPC-E are pictures, because few programs
#: that show ZPL know their commands, and so is a rectangular GS1 DataMatrix, whose sizes not every printer draws.
_NATIVE: Mapping[SymbolKind, _Native] = {
    SymbolKind.GS1_DATAMATRIX: _data_matrix,
    SymbolKind.GS1_128: _gs1_128,
    SymbolKind.EAN_13: _ean_13,
    SymbolKind.UPC_A: _ean_13,
    SymbolKind.ITF_14: _itf_14,
}
