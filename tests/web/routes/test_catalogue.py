"""The catalogue's pages and the preview: what is shown at once, what the page asks for then, and the way to labels."""

import re
from urllib.parse import quote

import pytest

from exports.previews import preview
from tests.web.conftest import HOSTILE_SERIAL, LOTS_AS_QR, links_of

#: The beginning of a serial number, and of no name or lot.
BEGINNING = quote(HOSTILE_SERIAL[:5])


def rows_of(text):
    return re.findall(r"<tr[^>]*>\s*<td>(\d{14})", text)


@pytest.mark.parametrize(
    ("path", "gtins"),
    [
        ("/catalogue/products?search=bean", ["00012345678905"]),
        ("/catalogue/lots?search=L2", ["00012345678905"]),
        ("/catalogue/lots?search=no+such+thing", []),
        ("/catalogue/serials?search=S2", ["00012345678905"]),
        ("/catalogue/serials?search=L2", ["00012345678905"]),
        (f"/catalogue/serials?search={BEGINNING}", []),
        (f"/catalogue/serials?search={BEGINNING}&beginning=on", ["09506000134352"]),
        (f"/catalogue/lots?search={BEGINNING}&beginning=on", []),
    ],
)
def test_what_a_search_shows(manager, path, gtins):
    assert rows_of(manager.get(path).text) == gtins


def test_a_search_of_serials_asks_for_those_that_begin_with_it(manager):
    """The page says what was searched, and leads to the rest; with JavaScript it fetches the rest itself."""
    text = manager.get("/catalogue/serials?search=S&page=1").text
    assert "whole serial numbers were searched" in text
    [more] = {href for _, href in links_of(text) if "beginning" in href}
    assert more == "?search=S&beginning=on"
    assert re.search(r'<p [^>]*hx-get="[^"]*beginning=on" hx-trigger="load"[^>]*hx-select="#found"', text)
    after = manager.get(f"/catalogue/serials{more}").text
    assert "were searched" not in after
    assert 'id="found"' in after
    # What is scanned, and what is in other tables, is searched for completely.
    for path in ("serials", "serials?search=9506000134352", "lots?search=S", "products?search=S"):
        assert "beginning=on" not in manager.get(f"/catalogue/{path}").text


def test_a_preview_of_many_shows_the_first_and_asks_for_the_count(manager, monkeypatch):
    monkeypatch.setattr(preview, "AT_ONCE_ROWS", 1)
    by_htmx = {"headers": {"hx-request": "true"}}
    text = manager.post("/exports/new/preview", LOTS_AS_QR, **by_htmx).text
    assert 'hx-post="/exports/new/preview" hx-trigger="load"' in text
    assert "selected</p>" not in text
    assert "<figure>" in text
    whole = manager.post("/exports/new/preview", {**LOTS_AS_QR, "whole": "on"}, **by_htmx).text
    assert "<strong>2</strong> entities are selected</p>" in whole
    assert 'hx-trigger="load"' not in whole
    # Without JavaScript nobody would ask.
    assert (
        "<strong>2</strong> entities are selected</p>"
        in manager.post("/exports/new/preview", LOTS_AS_QR).text
    )


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
