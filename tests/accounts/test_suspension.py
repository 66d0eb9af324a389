"""A suspended organisation has no access, and nothing runs for it. Other organisations are not affected."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import NoSuchOrganisation
from accounts.identity import Organisation, Role

WHAT = {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin", "request": '{"scope":"lots"}'}
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def two(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


def test_keys_and_sessions_work_again_afterwards(two):
    plain = {slug: two.create_key(slug, Role.EDITOR) for slug in ("acme", "other")}
    begun = {
        slug: two.sessions.begin(two.authenticate(key), timedelta(hours=1)).session_id
        for slug, key in plain.items()
    }

    def let_in():
        keys = [slug for slug, key in plain.items() if two.authenticate(key)]
        return keys, [slug for slug, session in begun.items() if two.sessions.find(session)]

    two.suspend("acme")
    two.suspend("acme")
    assert let_in() == (["other"], ["other"])
    assert [key.active for key in two.keys_of("acme")] == [True], "the key itself is not revoked"
    assert two.organisation("acme") == Organisation("acme", "acme", suspended=True)
    two.resume("acme")
    assert let_in() == (["acme", "other"], ["acme", "other"])


def test_only_an_organisation_that_exists_is_active_or_suspended(two):
    two.suspend("acme")
    assert [two.is_active(slug) for slug in ("acme", "other", "nobody")] == [False, True, False]
    for change in (two.suspend, two.resume):
        with pytest.raises(NoSuchOrganisation):
            change("nobody")


def test_schedules_skip_what_falls_into_the_suspension(two):
    for slug in ("acme", "other"):
        two.schedules.add(slug, "Morning", **WHAT)
    two.suspend("acme")
    assert [schedule.organisation for schedule in two.schedules.active()] == ["other"]
    before = datetime.now(UTC)
    two.resume("acme")
    resumed, theirs = two.schedules.active()
    assert (resumed.organisation, theirs.last_tick_at) == ("acme", None)
    assert resumed.last_tick_at >= before
    two.resume("acme")
    assert two.schedules.active()[0] == resumed, "to resume what is not suspended changes nothing"


def test_webhooks_wait(two):
    for slug in ("acme", "other"):
        two.webhooks.add(slug, "https://hooks.example/")
    two.suspend("acme")
    for slug in ("acme", "other"):
        assert two.deliveries.enqueue(slug, "msg_1", "{}", at=NOW) == 1
    assert [delivery.webhook.organisation for delivery in two.deliveries.due(NOW, 10)] == ["other"]
    two.resume("acme")
    assert len(two.deliveries.due(NOW, 10)) == 2
