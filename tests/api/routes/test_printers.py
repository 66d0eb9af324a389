"""Printers over HTTP: their pages, trays, roles, faults, and those of other organisations."""

import itertools

import pytest

from exports.errors import TrayTaken
from exports.ports import JobStatus
from tests.api.named import changes_nothing_for_a_viewer, is_unknown_to_others
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/printers/"
DESK = {"offset_x_mm": 0.5, "dpi": 300, "rotate": 90, "sheet_template": "avery_5160", "next_position": 7}

_numbers = itertools.count()


@pytest.fixture
def name():
    """A name of its own for each test: the accounts are those of the session."""
    return f"desk-{next(_numbers)}"


def test_a_printer_is_saved_shown_changed_and_removed(client, editor, viewer, name):
    made = client.post(f"{URL}{name}/", json=DESK, headers=editor)
    assert (made.status_code, made.headers["location"]) == (201, f"{URL}{name}/")
    assert made.json() | DESK | {"name": name, "taken_by": None, "scale_percent": None} == made.json()
    assert client.get(f"{URL}{name}/", headers=viewer).json() == made.json()
    changed = client.post(f"{URL}{name}/", json={"scale_percent": 99.0}, headers=editor).json()
    assert (changed["scale_percent"], changed["offset_x_mm"], changed["dpi"]) == (99.0, None, None)
    assert (changed["sheet_template"], changed["next_position"]) == ("avery_5160", 7), "the tray stays"
    assert client.delete(f"{URL}{name}/", headers=editor).status_code == 204
    is_problem(client.get(f"{URL}{name}/", headers=viewer), 404, "not_found")
    is_problem(client.delete(f"{URL}{name}/", headers=editor), 404, "not_found")


def test_the_list_has_pages(client, editor, viewer, name):
    for end in "ab":
        client.post(f"{URL}{name}{end}/", json=DESK, headers=editor)
    body = client.get(URL, params={"page_size": 100}, headers=viewer).json()
    assert [each["name"] for each in body["data"]][-2:] == [f"{name}a", f"{name}b"]
    last = client.get(URL, params={"page": len(body["data"]), "page_size": 1}, headers=viewer).json()
    assert (last["data"], last["pagination"]["total_count"]) == (body["data"][-1:], len(body["data"]))


def test_a_sheet_is_put_into_the_tray(client, editor, name):
    tray = f"{URL}{name}/tray/"
    is_problem(client.post(tray, json={"next_position": 2}, headers=editor), 404, "not_found")
    client.post(f"{URL}{name}/", json={"dpi": 300}, headers=editor)
    problem = is_problem(
        client.post(tray, json={"next_position": 2}, headers=editor), 422, "validation_error"
    )
    assert [fault["loc"] for fault in problem["details"]] == [["body", "sheet_template"]]
    loaded = client.post(tray, json={"sheet_template": "avery_5163", "next_position": 3}, headers=editor)
    assert (loaded.status_code, loaded.json()["next_position"], loaded.json()["dpi"]) == (200, 3, 300)
    new = client.post(tray, json={"next_position": None}, headers=editor).json()
    assert (new["sheet_template"], new["next_position"]) == ("avery_5163", 1)


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ({"sheet_template": "none_such"}, "sheet_template", "unknown_template"),
        ({"sheet_template": "avery_5160", "next_position": 31}, "next_position", "invalid_start_position"),
        ({"next_position": 2}, "sheet_template", "unknown_template"),
        ({"offset_x_mm": 51}, "offset_x_mm", "less_than_equal"),
        ({"scale_percent": 80}, "scale_percent", "greater_than_equal"),
        ({"rotate": 45}, "rotate", "literal_error"),
        ({"rotate": False}, "rotate", "int_type"),
        ({"sheet_template": ""}, "sheet_template", "unknown_template"),
        ({"colour": "red"}, "colour", "extra_forbidden"),
    ],
)
def test_faults_are_told_with_their_places(client, editor, name, body, loc, kind):
    problem = is_problem(client.post(f"{URL}{name}/", json=body, headers=editor), 422, "validation_error")
    assert [(fault["loc"], fault["type"]) for fault in problem["details"]] == [(["body", loc], kind)]
    is_problem(client.get(f"{URL}{name}/", headers=editor), 404, "not_found")


@pytest.mark.parametrize("name", ["Desk", "a b", "-a", "x" * 65, "ä"])
def test_names_that_are_refused(client, editor, name):
    problem = is_problem(client.post(f"{URL}{name}/", json=DESK, headers=editor), 422, "validation_error")
    assert problem["details"][0]["loc"] == ["path", "name"]
    is_problem(client.get(f"{URL}{name}/", headers=editor), 404, "not_found")


CHANGES = [("POST", "", DESK), ("DELETE", "", None), ("POST", "tray/", {"next_position": 1})]


@pytest.mark.parametrize(("method", "tail", "body"), CHANGES)
def test_a_viewer_changes_nothing(client, viewer, name, method, tail, body):
    changes_nothing_for_a_viewer(client, viewer, method, f"{URL}{name}/{tail}", body)


@pytest.mark.parametrize(("method", "tail", "body"), [("GET", "", None), *CHANGES[1:]])
def test_a_printer_of_another_organisation_is_unknown(client, editor, stranger, name, method, tail, body):
    client.post(f"{URL}{name}/", json=DESK, headers=editor)
    is_unknown_to_others(client, editor, stranger, URL, name, method, tail, body)


def test_whoever_looks_settles_the_tray(client, editor, viewer, exports, accounts, name):
    client.post(f"{URL}{name}/", json=DESK, headers=editor)
    job = exports.add("acme", JobStatus.PROCESSING)
    assert accounts.printers.take("acme", name, job.job_id, "avery_5160", 7)
    assert accounts.printers.hold("acme", name, job.job_id)
    assert client.get(f"{URL}{name}/", headers=viewer).json()["taken_by"] == job.job_id
    done = exports.add("acme", JobStatus.COMPLETED, next_position=11)
    exports.store[job.job_id] = done
    shown = client.get(f"{URL}{name}/", headers=viewer).json()
    assert (shown["next_position"], shown["taken_by"]) == (11, None)
    assert accounts.printers.get("acme", name).next_position == 11


def test_a_taken_tray_is_a_conflict_that_names_the_job(client, editor, exports):
    exports.error = TrayTaken("desk", "AbCdEfGhJkLmNoPqRsTuVw", "Wait until it ends.")
    body = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf"}
    for path in ("/products/api/v1/labels/export/", "/products/api/v1/labels/export/preview/"):
        problem = is_problem(client.post(path, json=body, headers=editor), 409, "conflict")
        assert "AbCdEfGhJkLmNoPqRsTuVw. Wait until it ends." in problem["detail"]
        assert problem["retryable"]
