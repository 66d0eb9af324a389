"""The calibration page shows every label in its place, and moves by the given offsets."""

from pathlib import Path

import numpy as np
import pytest

from renderers.sheets.calibration import calibration_page
from renderers.sheets.document import Calibration
from renderers.sheets.templates import template
from tests.renderers.sheets.pdf_samples import rasterised


@pytest.mark.parametrize("template_id", ["63up_1in_letter", "avery_l7160", "thermal_2x1in"])
def test_the_calibration_page_shows_every_label(template_id: str, tmp_path: Path) -> None:
    chosen = template(template_id)
    content = calibration_page(chosen)
    assert content == calibration_page(chosen)
    dark = rasterised(content, "pdfium", 300, tmp_path) < 160
    rows, columns = np.nonzero(dark)
    last_x, last_y = chosen.label_origin_mm(chosen.labels_per_page - 1)
    edges = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]) * 25.4 / 300
    at = [chosen.left_mm, last_x + chosen.label_width_mm, chosen.top_mm, last_y + chosen.label_height_mm]
    assert edges == pytest.approx(np.array(at), abs=0.2)
    moved = rasterised(calibration_page(chosen, Calibration(1, 0.5)), "pdfium", 300, tmp_path) < 160
    assert np.nonzero(moved)[1].min() * 25.4 / 300 == pytest.approx(edges[0] + 1, abs=0.1)
