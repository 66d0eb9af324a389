"""Symbols as printer commands: they say the same data in the same number of modules, or are left to pictures."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.verification.formats import zpl_fields
from gs1.cset82 import CSET_82
from gs1.symbol_size import SymbolKind
from renderers.registry import ENCODERS
from renderers.sheets.model import LabelLayout
from renderers.sheets.placement import LabelGroup
from renderers.zpl import symbols

_VALUES = st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20)
_MESSAGES = st.builds(lambda lot: f"\x1d010950600013435210{lot}", _VALUES) | st.builds(
    lambda lot, serial: f"\x1d010950600013435210{lot}\x1d21{serial}", _VALUES, _VALUES
)


def native(
    kind: SymbolKind, data: list[str], x_dots: int = 3, orientation: str = "N"
) -> dict[str, str | None]:
    """Return the field of each symbol by its data."""
    layout = LabelLayout(kind, 203, x_dots, 9, 9, 300, 300, 80, ())
    found: dict[str, str | None] = {}
    for group in ENCODERS[kind]([each.encode() for each in data], "M").groups:
        shown = [data[position] for position in group.positions.tolist()]
        fields = symbols.native(LabelGroup(layout, group, [], data=shown), 80, orientation)
        found |= dict(zip(shown, fields, strict=True))
    return found


@given(st.lists(_MESSAGES, min_size=1, max_size=5, unique=True))
def test_data_matrix_says_its_message_in_its_size(messages: list[str]) -> None:
    for message, field in native(SymbolKind.GS1_DATAMATRIX, messages).items():
        codewords = len(re.sub(r"\d\d", "#", message))
        [group] = ENCODERS[SymbolKind.GS1_DATAMATRIX]([message.encode()], "M").groups
        capacity = {20: 22, 22: 30, 24: 36, 26: 44, 32: 62, 36: 86}.get(int(group.width_x))
        if capacity is not None:
            assert (field is not None) == (codewords <= capacity)
        if field is not None:
            side = int(group.width_x)
            assert field.startswith(f"^BXN,3,200,{side},{side},6,|^FD|101")
            assert zpl_fields.message("BX", field.split("^FD")[1].removesuffix("^FS")) == message


@given(st.lists(_VALUES, min_size=1, max_size=5, unique=True))
def test_gs1_128_says_its_message_in_its_modules(lots: list[str]) -> None:
    messages = [f"\x1d010950600013435210{lot}" for lot in lots]
    groups = ENCODERS[SymbolKind.GS1_128]([each.encode() for each in messages], "M").groups
    widths = {messages[p]: group.width_x for group in groups for p in group.positions.tolist()}
    for message, field in native(SymbolKind.GS1_128, messages).items():
        if field is not None:
            data = field.split("^FD")[1].removesuffix("^FS")
            assert zpl_fields.message("BC", data) == message
            assert zpl_fields.code_128_modules(data) == widths[message]


@pytest.mark.parametrize(
    ("lot", "drawn"),
    [
        ("AB12", True),
        ("1234", True),
        ("A>B", False),
        ("A>BC", True),
        ("L0001", False),
        ("1234A", False),
        ("A_1", True),
    ],
)
def test_what_programs_read_differently_is_a_picture(lot: str, drawn: bool) -> None:
    message = f"\x1d010950600013435210{lot}"
    assert (native(SymbolKind.GS1_128, [message])[message] is not None) == drawn


@pytest.mark.parametrize(
    ("kind", "digits", "field"),
    [
        (SymbolKind.EAN_13, "9506000134352", "^BY3,3,80^BEN,80,N,N^FD950600013435^FS"),
        (SymbolKind.UPC_A, "012345678905", "^BY3,3,80^BEN,80,N,N^FD001234567890^FS"),
        (SymbolKind.ITF_14, "10614141000415", "^BY3,2.5,80^B2N,80,N,N,N^FD10614141000415^FS"),
        (SymbolKind.EAN_8, "96385074", None),
    ],
)
def test_digits(kind: SymbolKind, digits: str, field: str | None) -> None:
    assert native(kind, [digits]) == {digits: field}


def test_a_turned_ean_13_is_a_picture() -> None:
    assert native(SymbolKind.EAN_13, ["9506000134352"], orientation="R") == {"9506000134352": None}


@pytest.mark.parametrize(("x_dots", "drawn"), [(10, True), (11, False)])
def test_wide_bars_are_a_picture(x_dots: int, drawn: bool) -> None:
    field = native(SymbolKind.ITF_14, ["10614141000415"], x_dots)["10614141000415"]
    assert (field is not None) == drawn


def test_codewords_are_counted_message_by_message() -> None:
    messages = ["\x1d1", "\x1d12", "\x1d123\x1d45A", "\x1dA1234567B"]
    counted = symbols._ascii_codewords(messages)
    assert np.array_equal(counted, [len(re.sub(r"\d\d", "#", message)) for message in messages])
