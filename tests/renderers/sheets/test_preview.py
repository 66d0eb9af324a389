"""The preview shows the first page as it is printed, in a small file."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gs1.symbol_size import SymbolKind
from renderers.errors import RenderError
from renderers.sheets.document import Calibration
from renderers.sheets.preview import preview
from renderers.sheets.templates import template
from tests.renderers.sheets.pdf_samples import CASES, expected, part, pdf_of, rasterised, readings, sample


@pytest.mark.parametrize("kind", [SymbolKind.QR_CODE, SymbolKind.EAN_13, SymbolKind.ITF_14])
def test_the_preview_decodes(kind: SymbolKind) -> None:
    made = sample(kind, template(CASES[kind][0]).labels_per_page + 2)
    labels = part(made.labels, 0, made.document.template.labels_per_page)
    content = preview(made.document, [labels])
    assert content == preview(made.document, [labels])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.info["dpi"][0] >= 149.9
        assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(
            made.document.template.page_width_mm, abs=0.1
        )
        found = readings(np.array(picture))
    assert expected(kind, made.payloads[:-2]) <= set(found)


def test_the_preview_is_the_first_page_of_the_pdf(tmp_path: Path) -> None:
    made = sample(count=70, calibration=Calibration(5, 2, 99), cut_marks=True)
    content, _ = pdf_of(made.document, made.labels)
    with Image.open(io.BytesIO(preview(made.document, [part(made.labels, 0, 63)]))) as picture:
        dpi = round(picture.info["dpi"][0])
        printed = rasterised(content, "pdfium", dpi, tmp_path)
        assert printed.shape == np.array(picture).shape
        # Only the edges of letters differ: they are smoothed in the one and not in the other.
        assert ((np.array(picture) < 128) != (printed < 128)).mean() < 0.01


def test_the_preview_of_a_large_page_is_small() -> None:
    made = sample(count=1)
    poster = replace(made.document.template, page_width_mm=3000, page_height_mm=2000)
    content = preview(replace(made.document, template=poster), [made.labels])
    with Image.open(io.BytesIO(content)) as picture:
        assert 9_900_000 < picture.width * picture.height < 10_100_000
        assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(3000, abs=1)


def test_labels_of_other_pages_are_refused() -> None:
    made = sample(count=64)
    with pytest.raises(RenderError, match="not on the pages"):
        preview(made.document, [made.labels])
