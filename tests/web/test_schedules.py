"""Schedules: added from the form of an export or from JSON, paused, resumed, removed, and what became of them."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from exports.ports import JobStatus
from exports.schedules import job_id_of
from tests.web.conftest import LOTS_AS_QR

REQUEST = '{"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}'
GOOD = {"name": "Early", "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin", "request": REQUEST}


@pytest.fixture
def editor(site):
    """An editor of an organisation of the test's own."""
    slug = f"org-{len(site.accounts.organisations())}"
    site.accounts.create_organisation(slug)
    return site.browser(slug, "editor"), slug


def test_a_schedule_from_json_is_listed_with_its_next_tick(site, editor):
    browser, slug = editor
    assert browser.post("/schedules", GOOD).headers["location"] == "/schedules"
    [made] = site.accounts.schedules.list(slug)
    assert (made.name, made.cron, made.time_zone) == ("Early", "0 6 * * 1-5", "Europe/Berlin")
    assert json.loads(made.request)["filters"] == {"never_printed": True}
    text = browser.get("/schedules").text
    next_tick = datetime.fromisoformat(re.search(r'<time datetime="([^"]+)"', text)[1])
    assert next_tick > datetime.now(UTC)
    assert "not yet" in text
    assert "QR Codes as SVG in a ZIP, of all lots, never printed" in text


def test_the_form_of_an_export_fills_a_schedule(editor):
    browser, _ = editor
    text = browser.post("/schedules/new", {**LOTS_AS_QR, "gtins": "9506000134352"}).text
    body = json.loads(re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)[1].replace("&#34;", '"'))
    assert body == {
        "scope": "lots", "export_type": "qr_codes", "file_format": "svg", "filters": {"gtins": ["9506000134352"]},
    }  # fmt: skip
    refused = browser.post("/schedules/new", {**LOTS_AS_QR, "gtins": "9506000134353"})
    assert refused.status_code == 200
    assert "check digit" in refused.text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "name-fault"),
        ({"name": "a" * 65}, "1–64 printable characters"),
        ({"cron": "@daily"}, "as in 0 6 * * 1-5"),
        ({"cron": "61 * * * *"}, "not a cron expression"),
        ({"time_zone": "Berlin"}, "such as Europe/Berlin"),
        ({"request": "{"}, "Nothing was made yet"),
        ({"request": '{"scope": "pallets"}'}, "scope"),
    ],
)
def test_what_is_wrong_is_told_beside_what_was_entered(site, editor, changed, told):
    browser, slug = editor
    answer = browser.post("/schedules", {**GOOD, **changed})
    assert answer.status_code == 422
    assert told in answer.text
    assert "Europe/Berlin" in answer.text
    assert site.accounts.schedules.list(slug) == []


def test_a_name_is_taken_once(editor):
    browser, _ = editor
    browser.post("/schedules", GOOD)
    assert "exists already" in browser.post("/schedules", GOOD).text


def test_pause_resume_and_remove(site, editor):
    browser, slug = editor
    browser.post("/schedules", GOOD)
    [made] = site.accounts.schedules.list(slug)
    browser.post(f"/schedules/{made.id}/pause")
    assert not site.accounts.schedules.list(slug)[0].active
    assert "paused" in browser.get("/schedules").text
    browser.post(f"/schedules/{made.id}/resume")
    assert site.accounts.schedules.list(slug)[0].active
    assert browser.post(f"/schedules/{made.id}/remove").headers["location"] == "/schedules"
    assert site.accounts.schedules.list(slug) == []
    assert "Nothing starts by the clock yet" in browser.get("/schedules").text


def test_the_last_tick_leads_to_its_job(site, editor):
    browser, slug = editor
    browser.post("/schedules", GOOD)
    [made] = site.accounts.schedules.list(slug)
    tick = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    site.accounts.schedules.record_tick(made.id, tick)
    assert "nothing was due" in browser.get("/schedules").text
    job = site.exports.add(slug, JobStatus.FAILED)
    site.exports.store[job_id_of(made, tick)] = job
    assert f'href="/jobs/{job.job_id}"' in browser.get("/schedules").text


def test_long_lists_are_turned_over(site, editor):
    browser, slug = editor
    for number in range(26):
        site.accounts.schedules.add(
            slug, f"No {number:02}", cron="0 6 * * *", time_zone="UTC", request=REQUEST
        )
    first, second = browser.get("/schedules").text, browser.get("/schedules?page=2").text
    assert "No 24" in first
    assert 'href="/schedules?page=2"' in first
    assert "No 25" not in first
    assert "No 25" in second
    assert browser.get("/schedules?page=0").status_code == 404
