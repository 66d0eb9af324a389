"""Saved requests over HTTP: their pages, submissions, roles, faults, and those of other organisations."""

import itertools
import json

import pytest

from exports.ports import JobStatus
from tests.api.named import changes_nothing_for_a_viewer, is_unknown_to_others
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/requests/"
SHEET = {
    "scope": "lots",
    "export_type": "sheet_pdf",
    "file_format": "pdf",
    "asset_config": {"printer": "desk", "start_position": 1},
}

_numbers = itertools.count()


@pytest.fixture
def name():
    """A name of its own for each test: the accounts are those of the session."""
    return f"morning-{next(_numbers)}"


def test_a_request_is_saved_shown_changed_and_removed(client, editor, viewer, name):
    made = client.post(f"{URL}{name}/", json=SHEET, headers=editor)
    assert (made.status_code, made.headers["location"]) == (201, f"{URL}{name}/")
    assert (made.json()["name"], made.json()["request"]) == (name, SHEET)
    assert client.get(f"{URL}{name}/", headers=viewer).json() == made.json()
    other = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
    assert client.post(f"{URL}{name}/", json=other, headers=editor).json()["request"] == other
    listed = client.get(URL, params={"page_size": 100}, headers=viewer).json()
    assert listed["data"][-1] | {"name": name, "request": other} == listed["data"][-1]
    assert client.delete(f"{URL}{name}/", headers=editor).status_code == 204
    is_problem(client.get(f"{URL}{name}/", headers=viewer), 404, "not_found")


def test_it_is_submitted_as_its_body_would_be(client, editor, exports, name):
    client.post(f"{URL}{name}/", json=SHEET, headers=editor)
    headers = {**editor, "Idempotency-Key": "order-7"}
    answer = client.post(f"{URL}{name}/submit/", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (202, answer.json()["poll_url"])
    assert client.post(f"{URL}{name}/submit/", headers=headers).json() == answer.json()
    [(organisation, request, _)] = exports.submitted
    assert (organisation.slug, request.normalised()) == ("acme", SHEET)
    client.post(f"{URL}{name}/", json={**SHEET, "scope": "serials"}, headers=editor)
    is_problem(client.post(f"{URL}{name}/submit/", headers=headers), 422, "validation_error")
    is_problem(
        client.post(f"{URL}{name}/submit/", headers={**editor, "Idempotency-Key": ""}),
        422,
        "validation_error",
    )


def test_a_request_that_is_no_longer_accepted_is_shown_and_not_submitted(
    client, editor, viewer, exports, accounts, name
):
    old = {"scope": "pallets", "export_type": "sheet_pdf", "file_format": "pdf"}
    accounts.saved_requests.save("acme", name, json.dumps(old), changed_by="key:1")
    assert client.get(f"{URL}{name}/", headers=viewer).json()["request"] == old
    problem = is_problem(client.post(f"{URL}{name}/submit/", headers=editor), 422, "validation_error")
    assert [fault["loc"] for fault in problem["details"]] == [["body", "scope"]]
    assert exports.submitted == []


@pytest.mark.parametrize(("named", "body", "loc"), [
    ("Bad", SHEET, ["path", "name"]), ("good", {**SHEET, "scope": "pallets"}, ["body", "scope"]),
])  # fmt: skip
def test_faults_are_told_with_their_places(client, editor, named, body, loc):
    problem = is_problem(client.post(f"{URL}{named}/", json=body, headers=editor), 422, "validation_error")
    assert [fault["loc"] for fault in problem["details"]] == [loc]


CHANGES = [("POST", "", SHEET), ("DELETE", "", None), ("POST", "submit/", None)]


@pytest.mark.parametrize(("method", "tail", "body"), CHANGES)
def test_a_viewer_changes_and_submits_nothing(client, viewer, name, method, tail, body):
    changes_nothing_for_a_viewer(client, viewer, method, f"{URL}{name}/{tail}", body)


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("DELETE", ""), ("POST", "submit/")])
def test_a_request_of_another_organisation_is_unknown(client, editor, stranger, exports, name, method, tail):
    exports.status = JobStatus.COMPLETED
    client.post(f"{URL}{name}/", json=SHEET, headers=editor)
    is_unknown_to_others(client, editor, stranger, URL, name, method, tail)
    assert exports.submitted == []
