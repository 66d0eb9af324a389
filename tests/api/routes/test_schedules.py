"""Schedules over HTTP: their pages, pauses, last jobs, roles, faults, and those of other organisations."""

import itertools
import json
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from accounts.labels.named import MAX_NAMES
from exports.ports import JobStatus
from exports.schedules import job_id_of
from tests.api.conftest import NEXT_TICK
from tests.api.named import changes_nothing_for_a_viewer, is_unknown_to_others
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/schedules/"
LOTS = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
DAILY = {"cron": "0 6 * * *", "time_zone": "Europe/Berlin", "request": LOTS}

_numbers = itertools.count()


@pytest.fixture
def name():
    """A name of its own for each test: the accounts are those of the session."""
    return f"daily-{next(_numbers)}"


def test_a_schedule_is_saved_shown_replaced_and_removed(client, editor, viewer, name):
    made = client.post(f"{URL}{name}/", json=DAILY, headers=editor)
    assert (made.status_code, made.headers["location"]) == (201, f"{URL}{name}/")
    body = made.json()
    assert (
        body
        | {
            "name": name,
            "cron": "0 6 * * *",
            "time_zone": "Europe/Berlin",
            "request": {**LOTS, "filters": {"never_printed": True}},
            "active": True,
            "next_tick_at": "2026-04-01T04:00:00+00:00",
            "last_tick_at": None,
            "last_job": None,
        }
        == body
    )
    assert client.get(f"{URL}{name}/", headers=viewer).json() == body
    replaced = client.post(
        f"{URL}{name}/", json={"cron": "5 7 * * 1", "request": {**LOTS, "scope": "serials"}}, headers=editor
    ).json()
    assert (replaced["cron"], replaced["time_zone"], replaced["request"]["scope"]) == (
        "5 7 * * 1", "UTC", "serials",
    )  # fmt: skip
    assert client.get(f"{URL}{name}/", headers=viewer).json() == replaced
    assert client.delete(f"{URL}{name}/", headers=editor).status_code == 204
    is_problem(client.get(f"{URL}{name}/", headers=viewer), 404, "not_found")
    is_problem(client.delete(f"{URL}{name}/", headers=editor), 404, "not_found")


def test_the_list_has_pages_and_looks_up_the_jobs_of_one(client, editor, viewer, accounts, exports, name):
    for end in "ab":
        made = client.post(f"{URL}{name}{end}/", json=DAILY, headers=editor).json()
        accounts.schedules.record_tick(
            accounts.schedules.get("acme", f"{name}{end}").id, datetime.fromisoformat(made["changed_at"])
        )
    body = client.get(URL, params={"page_size": 100}, headers=viewer).json()
    assert [each["name"] for each in body["data"]][-2:] == [f"{name}a", f"{name}b"]
    exports.calls.clear()
    last = client.get(URL, params={"page": len(body["data"]), "page_size": 1}, headers=viewer).json()
    assert (last["data"], last["pagination"]["total_count"]) == (body["data"][-1:], len(body["data"]))
    assert exports.calls == ["job"]


def test_it_is_paused_and_resumed_and_stays_paused_when_replaced(client, editor, name):
    client.post(f"{URL}{name}/", json=DAILY, headers=editor)
    for _ in range(2):
        paused = client.post(f"{URL}{name}/pause/", headers=editor)
        assert (paused.status_code, paused.json()["active"]) == (200, False)
        assert paused.json()["next_tick_at"] is None
    replaced = client.post(f"{URL}{name}/", json={**DAILY, "cron": "5 7 * * 1"}, headers=editor).json()
    assert (replaced["cron"], replaced["active"]) == ("5 7 * * 1", False)
    resumed = client.post(f"{URL}{name}/resume/", headers=editor)
    assert (resumed.status_code, resumed.json()["active"]) == (200, True)
    assert datetime.fromisoformat(resumed.json()["next_tick_at"]) == NEXT_TICK
    assert client.get(f"{URL}{name}/", headers=editor).json() == resumed.json()


def test_the_last_tick_is_shown_with_its_job_until_that_is_removed(
    client, editor, viewer, exports, accounts, name
):
    client.post(f"{URL}{name}/", json=DAILY, headers=editor)
    kept = accounts.schedules.get("acme", name)
    tick = kept.created_at + timedelta(days=1)
    accounts.schedules.record_tick(kept.id, tick)
    job = exports.add("acme", JobStatus.PROCESSING, job_id=job_id_of(kept, tick))
    exports.store[job.job_id] = job
    shown = client.get(f"{URL}{name}/", headers=viewer).json()
    assert datetime.fromisoformat(shown["last_tick_at"]) == tick
    assert shown["last_job"] == {
        "job_id": job.job_id,
        "status": "processing",
        "poll_url": f"/products/api/v1/labels/export/{job.job_id}/",
    }
    del exports.store[job.job_id]
    shown = client.get(f"{URL}{name}/", headers=viewer).json()
    assert (datetime.fromisoformat(shown["last_tick_at"]), shown["last_job"]) == (tick, None)


def test_a_schedule_with_a_name_for_people_has_every_call_but_the_replacement(client, editor, accounts):
    accounts.schedules.add("acme", "Früh am Tag", cron="0 6 * * *", time_zone="UTC", request=json.dumps(LOTS))
    url = f"{URL}{quote('Früh am Tag')}/"
    assert client.get(url, headers=editor).json()["name"] == "Früh am Tag"
    assert client.post(f"{url}pause/", headers=editor).json()["active"] is False
    is_problem(client.post(url, json=DAILY, headers=editor), 422, "validation_error")
    assert client.delete(url, headers=editor).status_code == 204
    assert "Früh am Tag" not in [each.name for each in accounts.schedules.list("acme")]


def test_a_request_that_is_no_longer_accepted_is_shown(client, viewer, accounts, name):
    old = {**LOTS, "scope": "pallets"}
    accounts.schedules.save("acme", name, cron="0 6 * * *", time_zone="UTC", request=json.dumps(old))
    assert client.get(f"{URL}{name}/", headers=viewer).json()["request"] == old


@pytest.mark.parametrize(
    ("changes", "loc", "kind", "told"),
    [
        ({"cron": "@daily"}, ["cron"], "invalid_cron", "'@daily' is not a cron expression: expected minute,"),
        ({"cron": "0 6 * * * *"}, ["cron"], "invalid_cron", "as in 0 6 * * 1-5"),
        ({"cron": "0 " * 200}, ["cron"], "string_too_long", "at most 255"),
        ({"time_zone": "Mars"}, ["time_zone"], "invalid_account_value", "'Mars' is no time zone: expected an IANA"),
        ({"time_zone": ""}, ["time_zone"], "invalid_account_value", "'' is no time zone"),
        ({"request": {**LOTS, "scope": "pallets"}}, ["request", "scope"], "enum", "'lots'"),
        ({"request": None}, ["request"], "missing", "required"),
        ({"colour": "red"}, ["colour"], "extra_forbidden", "not permitted"),
    ],
)  # fmt: skip
def test_faults_are_told_with_their_places(client, editor, name, changes, loc, kind, told):
    answer = client.post(f"{URL}{name}/", json={**DAILY, **changes}, headers=editor)
    [fault] = is_problem(answer, 422, "validation_error")["details"]
    assert (fault["loc"], fault["type"]) == (["body", *loc], kind)
    assert told in fault["msg"]
    is_problem(client.get(f"{URL}{name}/", headers=editor), 404, "not_found")


def test_all_faults_are_told_at_once(client, editor, name):
    answer = client.post(
        f"{URL}{name}/", json={**DAILY, "cron": "daily", "time_zone": "Mars"}, headers=editor
    )
    problem = is_problem(answer, 422, "validation_error")
    assert [fault["loc"] for fault in problem["details"]] == [["body", "cron"], ["body", "time_zone"]]


@pytest.mark.parametrize("name", ["Daily", "a b", "-a", "x" * 65, "ä", "%00"])
def test_names_that_are_refused(client, editor, name):
    problem = is_problem(client.post(f"{URL}{name}/", json=DAILY, headers=editor), 422, "validation_error")
    assert problem["details"][0]["loc"] == ["path", "name"]
    is_problem(client.get(f"{URL}{name}/", headers=editor), 404, "not_found")


def test_one_too_many_is_a_conflict(client, accounts):
    accounts.create_organisation("busy")
    headers = {"X-API-Key": accounts.create_key("busy", "editor")}
    for number in range(MAX_NAMES):
        accounts.schedules.save("busy", f"s{number}", cron="0 6 * * *", time_zone="UTC", request="{}")
    problem = is_problem(client.post(f"{URL}more/", json=DAILY, headers=headers), 409, "conflict")
    assert "500 schedules" in problem["detail"]
    assert client.post(f"{URL}s7/", json=DAILY, headers=headers).status_code == 201


CHANGES = [("POST", "", DAILY), ("DELETE", "", None), ("POST", "pause/", None), ("POST", "resume/", None)]


@pytest.mark.parametrize(("method", "tail", "body"), CHANGES)
def test_a_viewer_changes_nothing(client, viewer, name, method, tail, body):
    changes_nothing_for_a_viewer(client, viewer, method, f"{URL}{name}/{tail}", body)


@pytest.mark.parametrize(("method", "tail", "body"), [("GET", "", None), *CHANGES[1:]])
def test_a_schedule_of_another_organisation_is_unknown(client, editor, stranger, name, method, tail, body):
    client.post(f"{URL}{name}/", json=DAILY, headers=editor)
    is_unknown_to_others(client, editor, stranger, URL, name, method, tail, body)


@pytest.mark.parametrize(("method", "tail"), [("DELETE", ""), ("POST", "pause/"), ("POST", "resume/")])
def test_a_schedule_that_is_removed_meanwhile_is_not_found(
    client, editor, accounts, monkeypatch, name, method, tail
):
    client.post(f"{URL}{name}/", json=DAILY, headers=editor)
    found = accounts.schedules.get("acme", name)
    accounts.schedules.remove("acme", found.id)
    monkeypatch.setattr(type(accounts.schedules), "get", lambda *_: found)
    is_problem(client.request(method, f"{URL}{name}/{tail}", headers=editor), 404, "not_found")
