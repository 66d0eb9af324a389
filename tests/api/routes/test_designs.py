"""Designs over HTTP: their pages, versions, roles, faults, and those of other organisations."""

import itertools
import json
from pathlib import Path

import jsonschema_rs
import pytest

from exports.designs.document import BUILT_IN, schema
from exports.previews.preview import PreviewPicture
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/designs/"
SHELF = {"version": 1, "lines": [{"text": "LOT {lot}"}, {"text": "EXP {expiry:DD MMM YYYY}"}]}
SHEET = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf"}
COMMITTED = Path(__file__).parents[3] / "docs" / "design.schema.json"

_numbers = itertools.count()


@pytest.fixture
def name():
    """A name of its own for each test: the accounts are those of the session."""
    return f"shelf-{next(_numbers)}"


def test_a_design_is_added_shown_and_removed(client, editor, viewer, name):
    made = client.post(f"{URL}{name}/", json=SHELF, headers=editor)
    assert (made.status_code, made.headers["location"]) == (201, f"{URL}{name}/")
    assert (made.json()["version"], made.json()["design"]["lines"][0]["text"]) == (1, "LOT {lot}")
    again = client.post(f"{URL}{name}/", json=SHELF, headers=editor)
    assert again.json() == made.json()
    changed = client.post(f"{URL}{name}/", json={**SHELF, "hri": False}, headers=editor).json()
    assert (changed["version"], changed["created_by"]) == (2, made.json()["created_by"])
    assert client.get(f"{URL}{name}/", headers=viewer).json() == changed
    assert client.get(f"{URL}{name}/", params={"version": 1}, headers=viewer).json() == made.json()
    is_problem(client.get(f"{URL}{name}/", params={"version": 3}, headers=viewer), 404, "not_found")
    assert client.delete(f"{URL}{name}/", headers=editor).status_code == 204
    is_problem(client.get(f"{URL}{name}/", headers=viewer), 404, "not_found")
    is_problem(client.delete(f"{URL}{name}/", headers=editor), 404, "not_found")


def test_the_list_has_pages_and_the_built_in_designs_first(client, editor, viewer, name):
    client.post(f"{URL}{name}/", json=SHELF, headers=editor)
    body = client.get(URL, params={"page_size": 100}, headers=viewer).json()
    assert [each["name"] for each in body["data"]][: len(BUILT_IN)] == list(BUILT_IN)
    assert name in [each["name"] for each in body["data"]]
    second = client.get(URL, params={"page": 2, "page_size": 2}, headers=viewer).json()
    assert second["data"] == body["data"][2:4]
    assert second["pagination"]["total_count"] == len(body["data"])
    shown = client.get(f"{URL}dual/", headers=viewer).json()
    assert (shown["built_in"], shown["design"]["linear"], shown["created_at"]) == (True, "gtin", None)


@pytest.mark.parametrize(("method", "body"), [("POST", SHELF), ("DELETE", None)])
def test_a_viewer_changes_nothing(client, viewer, name, method, body):
    is_problem(client.request(method, f"{URL}{name}/", json=body, headers=viewer), 403, "forbidden")
    assert client.request(method, f"{URL}{name}/", json=body).status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_design_of_another_organisation_is_unknown(client, editor, stranger, name, method):
    client.post(f"{URL}{name}/", json=SHELF, headers=editor)
    theirs = client.request(method, f"{URL}{name}/", headers=stranger)
    unknown = client.request(method, f"{URL}{name}x/", headers=stranger)
    is_problem(theirs, 404, "not_found")
    assert theirs.json()["detail"].replace(name, "") == unknown.json()["detail"].replace(f"{name}x", "")
    assert client.get(f"{URL}{name}/", headers=editor).status_code == 200
    listed = client.get(URL, params={"page_size": 100}, headers=stranger).json()
    assert name not in [each["name"] for each in listed["data"]]
    assert client.post(f"{URL}{name}/", json=SHELF, headers=stranger).json()["version"] == 1


@pytest.mark.parametrize("name", ["Shelf", "a b", "-a", "x" * 65, "default", "dual", "ä"])
def test_names_that_are_refused(client, editor, name):
    problem = is_problem(client.post(f"{URL}{name}/", json=SHELF, headers=editor), 422, "validation_error")
    assert problem["details"][0]["loc"] == ["path", "name"]


def test_faults_are_told_with_their_places(client, editor, name):
    lines = [{"text": "{colour}"}, {"text": "x", "colour": "red"}]
    body = {"version": 2, "lines": lines}
    answer = client.post(f"{URL}{name}/", json=body, headers=editor)
    problem = is_problem(answer, 422, "validation_error")
    assert [(fault["loc"], fault["type"]) for fault in problem["details"]] == [
        (["body", "version"], "literal_error"),
        (["body", "lines", 0, "text"], "invalid_text"),
        (["body", "lines", 1, "colour"], "extra_forbidden"),
    ]
    assert "{best_before}" in problem["details"][1]["msg"]


def test_a_preview_is_that_of_the_request_with_the_design(client, viewer, exports):
    seen = []
    picture = PreviewPicture(b"png", "First page", "", 100, 50)
    exports.found = type(exports.found)(3, 3, 3, [], [picture], exports.found.printed)
    plain = exports.preview
    exports.preview = lambda *given: seen.append(given) or plain(*given)
    body = client.post(f"{URL}preview/", json={"design": SHELF, "request": SHEET}, headers=viewer).json()
    assert body["pictures"][0]["title"] == "First page"
    [(organisation, request, design)] = seen
    assert (organisation.slug, request.scope.value, design.lines[0].text) == ("acme", "lots", "LOT {lot}")
    wrong = {"design": {"version": 1, "lines": [{"text": "{x}"}]}, "request": {**SHEET, "scope": "all"}}
    problem = is_problem(client.post(f"{URL}preview/", json=wrong, headers=viewer), 422, "validation_error")
    assert [fault["loc"] for fault in problem["details"]] == [
        ["body", "design", "lines", 0, "text"],
        ["body", "request", "scope"],
    ]


def test_the_schema_is_served_committed_and_true(client, viewer):
    served = client.get(f"{URL}schema/", headers=viewer)
    assert served.headers["content-type"] == "application/schema+json"
    assert served.json() == schema() == json.loads(COMMITTED.read_text(encoding="utf-8"))
    validator = jsonschema_rs.validator_for(served.json())
    assert validator.is_valid(SHELF)
    for design in BUILT_IN.values():
        assert validator.is_valid(design.model_dump(mode="json", exclude_none=True))
    assert not validator.is_valid({**SHELF, "lines": [{"text": "x"}] * 13})
    assert not validator.is_valid({"lines": []})
