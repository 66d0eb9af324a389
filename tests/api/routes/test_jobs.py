"""List, cancel, reprint and preview label exports."""

import base64
import re
from datetime import UTC, datetime

import pytest

from api.wire import cursors
from catalogue.queries.selected import PrintCounts
from exports.errors import Unavailable
from exports.ports import JobPosition, JobStatus
from exports.previews.preview import Preview, PreviewFailure, PreviewPicture
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
PNG = b"\x89PNG\r\n\x1a\n"
PLACE = JobPosition(datetime(2026, 3, 31, 12, 0, 0, 123456, tzinfo=UTC), "AbCdEfGhJkLmNoPqRsTuVw")


def test_an_empty_list(client, viewer):
    assert client.get(URL, headers=viewer).json() == {
        "data": [],
        "pagination": {
            "page": 1,
            "page_size": 25,
            "total_count": 0,
            "total_pages": 0,
            "has_next": False,
            "has_previous": False,
            "next_after": None,
        },
    }


def test_pages_of_jobs_newest_first(client, viewer, exports):
    made = [exports.add("acme", JobStatus.PENDING).job_id for _ in range(7)]
    exports.add("other", JobStatus.PENDING)
    seen = []
    for page, (has_next, has_previous) in enumerate([(True, False), (True, True), (False, True)], 1):
        body = client.get(URL, params={"page": page, "page_size": 3}, headers=viewer).json()
        seen += [job["job_id"] for job in body["data"]]
        assert body["pagination"] == {
            "page": page,
            "page_size": 3,
            "total_count": 7,
            "total_pages": 3,
            "has_next": has_next,
            "has_previous": has_previous,
            "next_after": body["pagination"]["next_after"],
        }
    assert seen == made[::-1]
    beyond = client.get(URL, params={"page": 9}, headers=viewer).json()
    assert (beyond["data"], beyond["pagination"]["has_next"]) == ([], False)


def test_pages_after_a_cursor_hold_each_job_once_while_others_are_added(client, viewer, exports):
    made = [exports.add("acme", JobStatus.PENDING).job_id for _ in range(7)]
    seen, query = [], {"page_size": 3}
    while query.get("after", "") is not None:
        body = client.get(URL, params=query, headers=viewer).json()
        seen += [job["job_id"] for job in body["data"]]
        pagination = body["pagination"]
        assert pagination["page"] == 1
        assert pagination["has_previous"] is ("after" in query)
        assert pagination["has_next"] is (pagination["next_after"] is not None)
        assert pagination["total_count"] == len(exports.store)
        query["after"] = pagination["next_after"]
        exports.add("acme", JobStatus.PENDING)
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "field", "kind"),
    [
        ({"page": 401}, "page", "too_deep"),
        ({"page": 101, "page_size": 100}, "page", "too_deep"),
        ({"page": 10_001, "page_size": 1}, "page", "too_deep"),
        ({"page": 2, "after": cursors.of(PLACE)}, "page", "cursor"),
        ({"after": ""}, "after", "cursor"),
        ({"after": "MTIz"}, "after", "cursor"),
        ({"after": "é"}, "after", "cursor"),
        ({"after": cursors.of(PLACE) + "="}, "after", "cursor"),
        ({"after": cursors.of(PLACE)[:-2]}, "after", "cursor"),
        # A time beyond the last year, and a job id that no job can have.
        ({"after": "OTk5OTk5OTk5OTk5OTk5OTk5OTkuMjIyMjIyMjIyMjIyMjIyMjIyMjIyMg"}, "after", "cursor"),
        ({"after": "MS5abGw"}, "after", "cursor"),
    ],
)
def test_a_list_has_a_depth_and_its_own_cursors(client, viewer, exports, query, field, kind):
    body = is_problem(client.get(URL, params=query, headers=viewer), 422, "validation_error")
    assert [(fault["loc"], fault["type"]) for fault in body["details"]] == [(["query", field], kind)]
    assert not exports.calls


@pytest.mark.parametrize(
    "query", [{"page": 400}, {"page": 100, "page_size": 100}, {"page": 10_000, "page_size": 1}]
)
def test_the_deepest_pages(client, viewer, query):
    assert client.get(URL, params=query, headers=viewer).json()["data"] == []


def test_a_cursor_is_the_position_it_was_made_of():
    assert cursors.position(cursors.of(PLACE)) == PLACE
    assert re.fullmatch(cursors.PATTERN, cursors.of(PLACE))


def test_a_listed_job_is_told_as_its_poll_tells_it(client, viewer, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    [listed] = client.get(URL, headers=viewer).json()["data"]
    polled = client.get(f"{URL}{job.job_id}/", headers=viewer).json()
    links = {"download_url", "expires_at"}
    assert {k: v for k, v in listed.items() if k not in links} == {
        k: v for k, v in polled.items() if k not in links
    }
    assert client.get(listed["download_url"]).status_code == 200


@pytest.mark.parametrize("status", JobStatus)
def test_jobs_of_one_status(client, viewer, exports, status):
    made = {each: exports.add("acme", each).job_id for each in JobStatus}
    body = client.get(URL, params={"status": status.value}, headers=viewer).json()
    assert [job["job_id"] for job in body["data"]] == [made[status]]


def test_cancelling(client, editor, exports):
    job = exports.add("acme", JobStatus.PROCESSING)
    for _ in range(2):
        response = client.delete(f"{URL}{job.job_id}/", headers=editor)
        assert response.status_code == 202
        body = response.json()
        assert (body["status"], body["error"], body["cancelled"]) == ("failed", "cancelled", True)
    assert client.get(f"{URL}{job.job_id}/", headers=editor).json() == body


def test_a_finished_job_is_not_cancelled(client, editor, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    assert not is_problem(client.delete(f"{URL}{job.job_id}/", headers=editor), 409, "conflict")["retryable"]


def test_a_reprint(client, editor, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    response = client.post(f"{URL}{job.job_id}/reprint/", json={"reason": "A röll — torn"}, headers=editor)
    receipt = response.json()
    assert response.status_code == 202
    assert set(receipt) == {"job_id", "status", "poll_url"}
    assert receipt["job_id"] != job.job_id
    assert response.headers["location"] == receipt["poll_url"]
    [(organisation, reason, requested_by, rows)] = exports.submitted
    assert (organisation.slug, reason, rows) == ("acme", "A röll — torn", None)
    assert requested_by.startswith("key:")


def test_a_reprint_of_some_rows(client, editor, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    body = {"reason": "jam", "rows": "121-180,200"}
    assert client.post(f"{URL}{job.job_id}/reprint/", json=body, headers=editor).status_code == 202
    assert exports.submitted[0][-1] == ((121, 180), (200, 200))


def test_a_repeated_reprint_is_one_job(client, editor, exports):
    path = f"{URL}{exports.add('acme', JobStatus.COMPLETED).job_id}/reprint/"
    headers = {**editor, "Idempotency-Key": "again-7"}
    first, again = (client.post(path, json={"reason": "torn"}, headers=headers).json() for _ in range(2))
    assert again["job_id"] == first["job_id"]
    other = client.post(path, json={"reason": "wet"}, headers=headers)
    assert is_problem(other, 422, "validation_error")["details"][0]["type"] == "idempotency_key_reused"


def test_a_job_that_cannot_be_printed_again(client, editor, exports):
    job = exports.add("acme", JobStatus.FAILED)
    response = client.post(f"{URL}{job.job_id}/reprint/", json={"reason": "again"}, headers=editor)
    is_problem(response, 409, "conflict")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "", BASE), ("DELETE", "{job}/", None), ("POST", "{job}/reprint/", {"reason": "again"})],
)
def test_a_viewer_changes_nothing(client, viewer, exports, method, path, body):
    job = exports.add("acme", JobStatus.COMPLETED)
    response = client.request(method, URL + path.format(job=job.job_id), json=body, headers=viewer)
    is_problem(response, 403, "forbidden")
    assert not exports.calls


def test_a_preview(client, viewer, exports):
    exports.found = Preview(
        total_items=1200,
        total_labels=3600,
        tried_items=20,
        failures=[PreviewFailure("e1", "00012345678905", "L1", None, "symbol_too_wide", "too wide")],
        pictures=[PreviewPicture(PNG, "L2", "QR code of lot L2", 12.5, 12.5)],
        printed=PrintCounts(never_printed=900, changed=7, unknown=3),
    )
    response = client.post(URL + "preview/", json=BASE, headers=viewer)
    body = response.json()
    assert (response.status_code, body["total_items"], body["tried_items"]) == (200, 1200, 20)
    assert body["total_labels"] == 3600
    assert [body[key] for key in ("never_printed_items", "changed_items", "unknown_items")] == [900, 7, 3]
    assert body["failures"] == [
        {
            "entity_id": "e1",
            "gtin": "00012345678905",
            "lot": "L1",
            "serial": None,
            "code": "symbol_too_wide",
            "reason": "too wide",
        }
    ]
    [picture] = body["pictures"]
    kind, _, data = picture.pop("url").partition(",")
    assert (kind, base64.b64decode(data)) == ("data:image/png;base64", PNG)
    assert picture == {"title": "L2", "description": "QR code of lot L2", "width_mm": 12.5, "height_mm": 12.5}
    assert exports.calls == ["preview"]


def test_a_preview_there_is_no_room_for(client, viewer, exports):
    exports.error = Unavailable()
    is_problem(client.post(URL + "preview/", json=BASE, headers=viewer), 503, "unavailable")
