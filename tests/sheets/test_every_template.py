"""A full page of every registered template with every symbology that fits it, checked as it is printed.

Jobs go through `exports.sheets.plan` and `exports.sheets.pages`. Layout and picture have the same resolution,
so X is whole dots, as on the intended printer. Each label is cut out at its place in the template and
decoded. The edges of its symbol are compared with the template and the layout, and its dark area with the
encoded modules and bars.

In an ordinary run PDFium draws a few very different templates. With LABELS_TEST_FULL=1 poppler and
Ghostscript draw all of them, page by page in turn: at 203 dpi for label printers, 300 for both kinds, and 600 for laser
printers. Each template is drawn by both with each symbology, and at each resolution with some of them. These are some
800 pages, drawn by two processes while the tests wait for them.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import cycle
from typing import Any

import pytest

from gs1.symbol_size import SymbolKind
from renderers.sheets.templates import TEMPLATES
from tests.sheets import jobs
from tests.sheets.printed import Measured, is_installed, print_and_measure

FULL = bool(os.environ.get("LABELS_TEST_FULL"))

#: What a symbology is asked for with. Level L lets QR Code fit more templates.
CONFIGS: dict[SymbolKind, dict[str, Any]] = {
    SymbolKind.QR_CODE: {"symbology": "qr", "error_correction": "L"},
    SymbolKind.GS1_DATAMATRIX: {"symbology": "datamatrix"},
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: {"symbology": "datamatrix_rectangular"},
    SymbolKind.GS1_128: {"symbology": "barcode_1d"},
    **{kind: {"symbology": "barcode_1d"} for kind in jobs.STARTS},
}

_TINY = {"ol2050", "avery_4731"}
_SHORT = {*_TINY, "63up_1in_letter", "63up_1in_square_letter", "avery_94103", "herma_4386"}
_NARROW = {
    *_SHORT, "avery_5167", "avery_8293", "ol2681", "ol5375", "ol5125", "avery_l7651", "avery_l6009",
    "thermal_2x1in", "thermal_50x25mm",
}  # fmt: skip

#: Templates whose labels are too small, at every resolution.
TOO_SMALL: dict[SymbolKind, set[str]] = {
    SymbolKind.QR_CODE: {*_TINY, "avery_5167", "herma_4386"},
    SymbolKind.GS1_DATAMATRIX: _TINY,
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: {"ol2050"},
    SymbolKind.GS1_128: _NARROW,
    SymbolKind.EAN_13: _SHORT,
    SymbolKind.UPC_A: _SHORT,
    SymbolKind.UPC_E: {"ol2050", "herma_4386"},
    SymbolKind.EAN_8: _SHORT,
    SymbolKind.ITF_14: {*_NARROW, "avery_5160", "avery_l7159", "avery_l7160", "zweckform_3474"},
}

#: Templates that need finer dots than these, per inch: the least whole dots above GS1's least X are too many.
TOO_COARSE: set[tuple[SymbolKind, str, int]] = {
    (SymbolKind.QR_CODE, "63up_1in_letter", 203),
    (SymbolKind.GS1_DATAMATRIX_RECTANGULAR, "avery_4731", 203),
    *((SymbolKind.UPC_E, template_id, 203) for template_id in _SHORT - {"ol2050", "herma_4386"}),
    *(
        (kind, template_id, dpi)
        for kind in (SymbolKind.EAN_13, SymbolKind.UPC_A)
        for template_id in ("avery_8293", "ol2681", "avery_l7651")
        for dpi in (203, 300)
    ),
}

Printed = dict[str, Measured] | None

CASES = [(kind, template_id) for kind in CONFIGS for template_id in TEMPLATES]
FEW = (
    "63up_1in_letter", "avery_5160", "avery_5163", "avery_l7163", "herma_4386", "ol5125", "thermal_2x1in",
)  # fmt: skip


def _print(kind: SymbolKind, template_id: str, dpi: int, tools: list[str]) -> Printed:
    scope = "products" if kind in jobs.STARTS else "lots"
    labels = TEMPLATES[template_id].labels_per_page
    rows = jobs.products(labels, kind) if kind in jobs.STARTS else jobs.lots(labels)
    return print_and_measure(
        jobs.plan_of(scope, sheet_template=template_id, dpi=dpi, **CONFIGS[kind]), rows, tools
    )


def _check(kind: SymbolKind, template_id: str, dpi: int, printed: Printed) -> None:
    fits = template_id not in TOO_SMALL[kind] and (kind, template_id, dpi) not in TOO_COARSE
    assert (printed is not None) == fits
    for tool, measured in (printed or {}).items():
        assert measured.labels == TEMPLATES[template_id].labels_per_page, tool
        assert measured.off_mm < 0.1, tool
        # Coarser dots are as exact in these pictures, but are promised nothing.
        assert dpi < 300 or abs(measured.ink) <= 0.03, tool


@pytest.mark.parametrize("template_id", FEW)
@pytest.mark.parametrize("kind", CONFIGS)
def test_a_page_as_pdfium_draws_it(kind: SymbolKind, template_id: str) -> None:
    _check(kind, template_id, 300, _print(kind, template_id, 300, ["pdfium"]))


@pytest.fixture(scope="module")
def pages() -> Iterator[Callable[[SymbolKind, str, int], Printed]]:
    """Return a function that waits for a page. All pages are begun at once, whichever test asks first."""
    tools = ["poppler", "ghostscript"]
    assert all(map(is_installed, tools)), "LABELS_TEST_FULL needs poppler-utils and ghostscript"
    every = [(*case, dpi) for case in CASES for dpi in (203, 300, 600)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        begun: dict[tuple[SymbolKind, str, int], Future[Printed]] = {
            page: pool.submit(_print, *page, [tool]) for page, tool in zip(every, cycle(tools), strict=False)
        }
        yield lambda *page: begun[page].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.skipif(not FULL, reason="LABELS_TEST_FULL is not set")
@pytest.mark.parametrize(("kind", "template_id"), CASES)
def test_a_page_as_poppler_and_ghostscript_draw_it(
    kind: SymbolKind, template_id: str, pages: Callable[[SymbolKind, str, int], Printed]
) -> None:
    for dpi in (203, 300, 600):
        _check(kind, template_id, dpi, pages(kind, template_id, dpi))


def test_the_default_template_holds_a_matrix_symbol_of_a_lot() -> None:
    default = "63up_1in_letter"
    assert any(default not in TOO_SMALL[kind] for kind in (SymbolKind.QR_CODE, SymbolKind.GS1_DATAMATRIX))
