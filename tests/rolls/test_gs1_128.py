"""What `^BC` says of GS1-128 is what the renderer draws; what it draws otherwise is left to pictures."""

import re
from collections.abc import Iterator

import pytest
import zxingcpp

from gs1.symbol_size import SymbolKind
from renderers.zpl import symbols
from tests.renderers.zpl.test_symbols import native
from tests.rolls.zpl_renderer import Draw, renderer

#: Set C throughout, set B at the end, `>` in all places, no date, and what begins commands elsewhere.
LOTS = (
    "123456",
    "AB",
    "A1B2C3",
    "A>BC",
    ">>ab",
    ">8>6>5AB",
    "AB>0CD",
    "__0d065",
    "12AB",
    "a\"%&'()*+,-./:;<=>?ab",
)


@pytest.fixture(scope="module")
def draw() -> Iterator[Draw]:
    with renderer() as draw:
        yield draw


def _read(draw: Draw, field: str) -> list[tuple[str, bytes]]:
    [label] = draw(f"^XA^FO60,60{field}^XZ", (1400, 300), 203)
    return [(found.symbology_identifier, found.bytes) for found in zxingcpp.read_barcodes(label)]


@pytest.mark.parametrize("lot", LOTS)
def test_it_is_read_as_it_was_meant(draw: Draw, lot: str) -> None:
    message = f"\x1d010950600013435210{lot}"
    field = native(SymbolKind.GS1_128, [message], 2)[message]
    assert field is not None
    assert _read(draw, field) == [("]C1", message[1:].encode())]


@pytest.mark.parametrize("lot", ["L0001", "A"])
def test_the_renderer_still_draws_other_symbols_for_these(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, lot: str
) -> None:
    """Once this fails, they need no pictures any more."""
    monkeypatch.setattr(symbols, "_DOUBTFUL", re.compile("$^"))
    message = f"\x1d01095060001343521727033110{lot}"
    field = native(SymbolKind.GS1_128, [message], 2)[message]
    assert field is not None
    assert _read(draw, field) != [("]C1", message[1:].encode())]
