"""Calibration must not move any part of a label off the page."""

import pytest

from renderers.sheets.document import Calibration, require_on_page
from renderers.sheets.errors import LeavesPage
from renderers.sheets.model import DIE_TOLERANCE_MM
from renderers.sheets.templates import TEMPLATES

LETTER = TEMPLATES["avery_5160"]
ROLL = TEMPLATES["thermal_2x1in"]
_X, _Y, _SCALE = "offset_x_mm", "offset_y_mm", "scale_percent"

# The labels of avery_5160 begin 4.76 mm from the left edge and 12.7 mm from the top, and end as far from the others.
LEFT_MM = LETTER.left_mm + DIE_TOLERANCE_MM
TOP_MM = LETTER.top_mm + DIE_TOLERANCE_MM


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_every_template_fits_its_page_as_it_is(template):
    require_on_page(template, Calibration())


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(LEFT_MM - 0.1, TOP_MM - 0.1),
        Calibration(-LEFT_MM, -TOP_MM),
        Calibration(0, 0, 102),
        Calibration(0, 0, 90),
        Calibration(-2, -2, 103),
    ],
)
def test_labels_that_stay_on_the_page(calibration):
    require_on_page(LETTER, calibration)


@pytest.mark.parametrize(
    ("template", "calibration", "field", "reason"),
    [
        (LETTER, Calibration(-LEFT_MM - 0.1), _X, "beyond the left edge"),
        (LETTER, Calibration(LEFT_MM + 0.2), _X, "beyond the right edge"),
        (LETTER, Calibration(0, -TOP_MM - 0.1), _Y, "beyond the upper edge"),
        (LETTER, Calibration(0, TOP_MM + 0.2), _Y, "beyond the lower edge"),
        (LETTER, Calibration(0, 0, 110), _SCALE, "too large by itself"),
        (LETTER, Calibration(-1, 0, 110), _SCALE, "too large with that offset, and by itself"),
        (LETTER, Calibration(3, 0, 102), _X, "scale and offset are too much together"),
        (ROLL, Calibration(DIE_TOLERANCE_MM + 0.1), _X, "a roll's label is its page"),
        (ROLL, Calibration(0, 0, 104), _SCALE, "a roll's label is its page"),
    ],
)
def test_labels_that_leave_the_page(template, calibration, field, reason):
    with pytest.raises(LeavesPage, match=r"need -?[0-9.]+ to [0-9.]+ mm of a page that has 0 to") as error:
        require_on_page(template, calibration)
    assert error.value.field == field, reason


def test_a_label_of_a_roll_may_move_within_the_tolerance_of_its_die():
    require_on_page(ROLL, Calibration(DIE_TOLERANCE_MM, -DIE_TOLERANCE_MM))
