"""Places of symbols on labels."""

import numpy as np

from gs1.symbol_size import SymbolKind
from renderers.registry import ENCODERS
from renderers.sheets.model import LabelLayout
from renderers.sheets.placement import LabelGroup, Stencil, stencils


def guards(kind: SymbolKind, *digits: bytes) -> Stencil:
    [group] = ENCODERS[kind](digits, "M").groups
    layout = LabelLayout(kind, 300, 4, 90, 90, group.width_x, 80, 320, (), None, guard_bar_dots=20)
    [_, found] = stencils(LabelGroup(layout, group, []))
    return found


def test_the_guard_bars_of_ean_13_are_the_same_on_all_labels() -> None:
    found = guards(SymbolKind.EAN_13, b"9506000134352", b"9506000134369")
    assert found.samples.shape == (1, 1, 95)
    assert np.flatnonzero(found.samples).tolist() == [0, 2, 46, 48, 92, 94]


def test_the_long_bars_of_upc_a_are_each_labels_own() -> None:
    """The first and the last digit have long bars, and what they are differs."""
    upcs = b"012345678905", b"614141000036"
    found = guards(SymbolKind.UPC_A, *upcs)
    assert found.samples.shape == (2, 1, 95)
    for alone, row in zip((guards(SymbolKind.UPC_A, upc) for upc in upcs), found.samples, strict=True):
        assert np.array_equal(alone.samples[0], row)
