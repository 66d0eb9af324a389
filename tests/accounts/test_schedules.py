"""Schedules belong to one organisation, have unique names, and can be paused."""

import pytest

from accounts.errors import (
    InvalidAccountValue,
    NoSuchName,
    NoSuchOrganisation,
    NoSuchSchedule,
    ScheduleExists,
)

WHAT = {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin", "request": '{"scope":"lots"}'}


@pytest.fixture
def acme(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


def test_a_schedule_can_be_read_again(acme):
    made = acme.schedules.add("acme", "Morning lots", **WHAT)
    assert (made.organisation, made.name, made.active, made.last_tick_at) == (
        "acme", "Morning lots", True, None,
    )  # fmt: skip
    assert {field: getattr(made, field) for field in WHAT} == WHAT
    assert acme.schedules.list("acme") == [made]
    assert acme.schedules.list("other") == []


def test_a_name_is_taken_once_in_an_organisation(acme):
    acme.schedules.add("acme", "Morning", **WHAT)
    with pytest.raises(ScheduleExists):
        acme.schedules.add("acme", "Morning", **WHAT)
    acme.schedules.add("other", "Morning", **WHAT)
    with pytest.raises(NoSuchOrganisation):
        acme.schedules.add("nobody", "Morning", **WHAT)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "UTC\x00"]
)
def test_an_unknown_time_zone_is_refused(acme, zone):
    with pytest.raises(InvalidAccountValue) as refused:
        acme.schedules.add("acme", "Morning", **(WHAT | {"time_zone": zone}))
    assert refused.value.field == "time_zone"


def test_a_schedule_rests_goes_on_and_is_removed(acme):
    schedule_id = acme.schedules.add("acme", "Morning", **WHAT).id
    acme.schedules.pause("acme", schedule_id)
    assert not acme.schedules.list("acme")[0].active
    acme.schedules.resume("acme", schedule_id)
    assert acme.schedules.list("acme")[0].active
    acme.schedules.remove("acme", schedule_id)
    assert acme.schedules.list("acme") == []


def test_a_replaced_schedule_begins_anew_and_stays_paused(acme):
    made = acme.schedules.save("acme", "morning", **WHAT)
    acme.schedules.record_tick(made.id, made.created_at)
    acme.schedules.pause("acme", made.id)
    acme.schedules.save("other", "morning", **WHAT)
    saved = acme.schedules.save("acme", "morning", **(WHAT | {"cron": "5 7 * * *"}))
    assert (saved.id, saved.cron, saved.active, saved.last_tick_at) == (made.id, "5 7 * * *", False, None)
    assert saved.created_at > made.created_at
    assert acme.schedules.get("acme", "morning") == saved
    assert acme.schedules.get("other", "morning").cron == WHAT["cron"]


@pytest.mark.parametrize("name", ["evening", "", "morning\0"])
def test_an_unknown_name_is_told(acme, name):
    acme.schedules.add("acme", "morning", **WHAT)
    acme.schedules.add("other", "evening", **WHAT)
    with pytest.raises(NoSuchName) as unknown:
        acme.schedules.get("acme", name)
    assert unknown.value.value == name


@pytest.mark.parametrize("verb", ["pause", "resume", "remove"])
def test_another_organisations_schedule_is_an_unknown_one(acme, verb):
    theirs = acme.schedules.add("other", "Morning", **WHAT)
    for schedule_id in (theirs.id, theirs.id + 1):
        with pytest.raises(NoSuchSchedule):
            getattr(acme.schedules, verb)("acme", schedule_id)
    assert acme.schedules.list("other") == [theirs]
