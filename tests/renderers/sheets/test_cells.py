"""Labels fill cell after cell, page after page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.sheets.cells import first_free_position, page_count
from renderers.sheets.errors import InvalidStartPosition
from renderers.sheets.templates import TEMPLATES


@given(st.sampled_from(sorted(TEMPLATES)), st.data(), st.integers(0, 500))
def test_labels_fill_cell_after_cell(name, data, labels):
    template = TEMPLATES[name]
    start = data.draw(st.integers(1, template.labels_per_page))
    places = [divmod(start - 1 + index, template.labels_per_page) for index in range(labels)]
    assert page_count(template, start, labels) == (places[-1][0] + 1 if places else 0)
    free = first_free_position(template, start, labels)
    if places:
        assert free == (places[-1][1] + 1) % template.labels_per_page + 1
    else:
        assert free == start


@pytest.mark.parametrize("start", [0, 64, -1])
def test_a_cell_the_sheet_does_not_have(start):
    for ask in (page_count, first_free_position):
        with pytest.raises(InvalidStartPosition) as raised:
            ask(TEMPLATES["63up_1in_letter"], start, 1)
        assert raised.value.expected == "1 to 63"
