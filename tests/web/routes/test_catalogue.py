"""The catalogue's lists: who was printed and when, and the way to labels of what was not, or changed since."""

import re

import pytest

from tests.web.conftest import LOTS_AS_QR


def text_of(page):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


@pytest.fixture(scope="module")
def printed(manager):
    """All lots have been printed, and no product."""
    assert manager.post("/exports/new", LOTS_AS_QR).status_code == 303


def test_a_list_tells_when_each_was_printed_last(manager, printed):
    first = manager.get("/catalogue/lots").text
    assert 'hx-get="?search=&amp;page=1&amp;printed=on"' in first
    assert "Show when each was printed last." in text_of(first)
    told = manager.get("/catalogue/lots?printed=on").text
    assert len(re.findall(r'<td class="when"><time datetime="20', told)) == 2
    assert "hx-get=" not in told
    assert manager.get("/catalogue/products?printed=on").text.count(">never<") == 3


def test_it_leads_to_labels_of_what_changed(manager, viewer):
    assert "/exports/new?scope=lots&amp;printing=changed" in manager.get("/catalogue/lots").text
    assert "/exports/new" not in viewer.get("/catalogue/lots").text.partition("<main")[2]
