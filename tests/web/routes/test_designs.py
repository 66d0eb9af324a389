"""Designs: pictures, documents with their faults by field, versions, and who may change them."""

import html
import io
import json
import re

import pytest
from PIL import Image

from accounts.identity import Role

SHELF = {"version": 1, "lines": [{"text": "SHELF {name}", "place": "above"}]}
PNG = b"\x89PNG"


@pytest.fixture
def editor(site):
    """An editor of an organisation of the test's own, which shares nothing with other tests."""
    slug = f"designs-{len(site.accounts.organisations())}"
    site.accounts.create_organisation(slug)
    return site.browser(slug, Role.EDITOR)


def added(browser, name="shelf", document=SHELF):
    return browser.post("/new-design", {"name": name, "document": json.dumps(document)})


def test_the_list_shows_a_picture_of_each(manager, things):
    text = manager.get("/designs").text
    for name in ("default", "dual", things.design):
        [address] = re.findall(rf'src="(/designs/{name}/picture\?version=\d+)"', text)
        answer = manager.get(html.unescape(address))
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "private, max-age=60"
        with Image.open(io.BytesIO(answer.content)) as picture:
            # The label alone, not its sheet.
            assert picture.width == pytest.approx(2 * picture.height, rel=0.01)


def test_a_page_of_the_list_has_few(editor, monkeypatch):
    monkeypatch.setattr("web.routes.designs._DESIGNS_PER_PAGE", 2)
    added(editor)
    assert "shelf" not in editor.get("/designs").text
    second = editor.get("/designs?page=2").text
    assert "shelf" in second
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second


def test_a_document_becomes_a_version_and_another_one_the_next(editor):
    assert added(editor).headers["location"] == "/designs/shelf"
    added(editor, document={**SHELF, "hri": False})
    text = editor.get("/designs/shelf").text
    assert "Version 2." in text
    assert "/designs/shelf?version=1" in text
    first = editor.get("/designs/shelf?version=1").text
    assert "Version 1, an older one" in first
    assert editor.get("/designs/shelf/document?version=1").json()["lines"][0]["text"] == "SHELF {name}"
    again = editor.get("/new-design?of=shelf").text
    assert 'value="shelf"' in again
    assert "&#34;hri&#34;: false" in again


def test_a_document_may_come_as_a_file(editor):
    file = {"file": ("shelf.json", json.dumps(SHELF).encode())}
    assert editor.post("/new-design", {"name": "shelf", "document": "{}"}, files=file).status_code == 303
    assert editor.get("/designs/shelf/document").json()["lines"][0]["text"] == "SHELF {name}"


@pytest.mark.parametrize(
    ("name", "document", "told"),
    [
        ("shelf", '{"version": 1, "lines": [{"text": "{nme}"}]}', "lines, entry 1, text: "),
        ("shelf", '{"version": 2}', "version: Input should be 1"),
        ("shelf", '{"version": 1, "colour": "red"}', "colour: Extra inputs are not permitted"),
        ("shelf", '{"version": 1', "Invalid JSON: "),
        ("Shelf!", '{"version": 1}', 'id="name-fault"'),
        ("default", '{"version": 1}', 'id="name-fault"'),
        ("", '{"version": 1}', 'id="name-fault"'),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_lost(editor, name, document, told):
    answer = editor.post("/new-design", {"name": name, "document": document})
    assert answer.status_code == 422
    assert told in answer.text
    assert html.escape(document).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in answer.text
    assert f'value="{name}"' in answer.text
    assert "shelf" not in editor.get("/designs").text


def test_it_is_looked_at_on_a_template_chosen(manager, things):
    text = manager.get(f"/designs/{things.design}?sheet_template=avery_5160&scope=products").text
    assert 'src="data:image/png;base64,' in text
    assert '<option value="avery_5160" selected>' in text
    assert "66.7 × 25.4 mm" in text
    unknown = manager.get(f"/designs/{things.design}?sheet_template=avery_516").text
    assert "There is no picture of it" in unknown
    assert "avery_5160" in unknown
    assert manager.get(f"/designs/{things.design}/picture?sheet_template=avery_516").status_code == 404


def test_it_is_looked_at_before_it_is_stored(manager):
    fields = {"document": json.dumps(SHELF)}
    part = manager.post("/new-design/preview", fields, headers={"hx-request": "true"}).text
    assert 'src="data:image/png;base64,' in part
    assert "<html" not in part
    whole = manager.post("/new-design/preview", fields).text
    assert 'src="data:image/png;base64,' in whole
    assert "SHELF {name}" in whole
    wrong = manager.post("/new-design/preview", {"document": "{}"}, headers={"hx-request": "true"}).text
    assert "version: Field required" in wrong


def test_an_empty_catalogue_says_so(editor):
    added(editor)
    assert "The catalogue has nothing of this kind" in editor.get("/designs/shelf").text
    assert editor.get("/designs/shelf/picture").status_code == 404


def test_a_document_with_a_large_logo_makes_no_large_page(editor):
    logo = {"svg": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>%s</svg>", "height_mm": 5}
    logo["svg"] %= '<path d="M0 0h9v9z"/>' * 2500
    added(editor, document={**SHELF, "logo": logo})
    for path in ("/designs/shelf", "/new-design?of=shelf"):
        text = editor.get(path).text
        assert "too large to be shown" in text
        assert len(text) < 20_000
    assert editor.get("/designs/shelf/document").json()["logo"]["svg"] == logo["svg"]


def test_built_in_ones_cannot_be_changed_but_begun_from(editor):
    text = editor.get("/designs/dual").text
    assert "/designs/dual/remove" not in text
    assert editor.post("/designs/dual/remove").status_code == 404
    assert 'name="name" value=""' in editor.get("/new-design?of=dual").text


def test_it_is_removed_with_its_versions(editor):
    added(editor)
    assert editor.post("/designs/shelf/remove").headers["location"] == "/designs"
    assert editor.get("/designs/shelf").status_code == 404
    assert editor.get("/designs/shelf?version=1").status_code == 404


def test_a_viewer_looks(viewer, things):
    assert "New design" not in viewer.get("/designs").text
    text = viewer.get(f"/designs/{things.design}").text
    assert "Remove" not in text
    assert "/new-design" not in text
    assert viewer.get("/new-design").status_code == 403


@pytest.mark.parametrize("version", ["0", "99", "x", "-1", "99999999999"])
def test_a_version_that_is_not_there_is_no_page(manager, things, version):
    assert manager.get(f"/designs/{things.design}?version={version}").status_code == 404
