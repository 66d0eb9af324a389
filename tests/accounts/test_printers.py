"""Printers and saved requests belong to one organisation, and a tray changes once for each reader."""

from dataclasses import replace

import pytest

from accounts.errors import NoSuchName, NoSuchOrganisation, TooManyNames
from accounts.labels import named

JOB, OTHER_JOB = "A" * 22, "B" * 22


@pytest.fixture
def stores(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


@pytest.fixture
def printers(stores):
    stores.printers.save("acme", "desk", "{}", changed_by="key:1")
    stores.printers.load("acme", "desk", "avery_5160", 7)
    return stores.printers


@pytest.fixture(params=["printers", "saved_requests"])
def either(stores, request):
    return getattr(stores, request.param)


def test_what_is_saved_again_replaces_what_was_there(either):
    either.save("acme", "b", "{}", changed_by="key:1")
    either.save("acme", "a", "{}", changed_by="key:1")
    again = either.save("acme", "b", '{"dpi": 300}', changed_by="key:2")
    assert (again.document, again.changed_by) == ('{"dpi": 300}', "key:2")
    assert either.get("acme", "b") == again
    assert [each.name for each in either.list("acme")] == ["a", "b"]
    either.remove("acme", "b")
    assert [each.name for each in either.list("acme")] == ["a"]


@pytest.mark.parametrize("name", ["desk", "Desk", "a\0b", "ä", ""])
def test_what_another_organisation_has_is_unknown(either, name):
    either.save("other", "desk", "{}", changed_by="key:1")
    assert either.list("acme") == []
    for act in (either.get, either.remove):
        with pytest.raises(NoSuchName):
            act("acme", name)
        with pytest.raises(NoSuchOrganisation):
            act("nobody", name)
    assert either.get("other", "desk").document == "{}"


def test_an_organisation_has_so_many_names(either, monkeypatch):
    monkeypatch.setattr(named, "MAX_NAMES", 2)
    for name in ("a", "b", "b"):
        either.save("acme", name, "{}", changed_by="key:1")
    with pytest.raises(TooManyNames):
        either.save("acme", "c", "{}", changed_by="key:1")
    either.save("other", "c", "{}", changed_by="key:1")


def test_saved_settings_leave_the_tray(printers):
    printers.take("acme", "desk", JOB, "avery_5160", 7)
    saved = printers.save("acme", "desk", '{"dpi": 300}', changed_by="key:1")
    assert (saved.sheet_template, saved.next_position, saved.taken_by) == ("avery_5160", 7, JOB)


def test_a_tray_is_taken_as_it_was_read_and_by_one(printers):
    assert not printers.take("acme", "desk", JOB, "avery_5160", 8)
    assert not printers.take("acme", "desk", JOB, "avery_5163", 7)
    assert not printers.take("other", "desk", JOB, "avery_5160", 7)
    assert printers.take("acme", "desk", JOB, "avery_5160", 7)
    assert printers.take("acme", "desk", JOB, "avery_5160", 7)
    assert not printers.take("acme", "desk", OTHER_JOB, "avery_5160", 7)
    assert not printers.hold("acme", "desk", OTHER_JOB)


def test_either_the_hold_or_the_end_of_the_reservation_takes_effect(printers):
    printers.take("acme", "desk", JOB, "avery_5160", 7)
    reserved = printers.get("acme", "desk")
    assert printers.hold("acme", "desk", JOB)
    assert not printers.free("acme", reserved, 7)
    held = printers.get("acme", "desk")
    assert printers.free("acme", held, 9)
    assert not printers.free("acme", replace(held, next_position=9), 11)
    assert printers.get("acme", "desk").next_position == 9
    printers.take("acme", "desk", JOB, "avery_5160", 9)
    assert printers.free("acme", printers.get("acme", "desk"), 9)
    assert not printers.hold("acme", "desk", JOB)
