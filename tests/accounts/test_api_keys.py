"""Keys are listed, revoked and rotated, each by its own organisation only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import InactiveKey, InvalidAccountValue, NoSuchKey, NoSuchOrganisation
from accounts.identity import Role

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
def acme(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


def test_a_key_is_listed_with_all_but_itself(acme):
    plain = acme.create_key(
        "acme", "editor", name="Line 3 printer", expires_at=SOON, per_minute=10, per_day=100
    )
    acme.create_key("other", "viewer")
    [record] = acme.keys_of("acme")
    assert (record.name, record.role, record.expires_at) == ("Line 3 printer", Role.EDITOR, SOON)
    assert (record.per_minute, record.per_day) == (10, 100)
    assert record.active
    assert record.last_used_at is None
    assert plain not in repr(record)
    key = acme.authenticate(plain)
    assert (key.id, key.per_minute, key.per_day) == (record.id, 10, 100)
    acme.last_uses.write()
    assert acme.keys_of("acme")[0].last_used_at is not None


def test_a_key_ends_when_it_expires(acme):
    acme.create_key("acme", "editor", expires_at=SOON - timedelta(days=2))
    [record] = acme.keys_of("acme")
    assert not record.active


@pytest.mark.parametrize("name", ["", " a", "a ", "a" * 65, "a\nb", "a\x1b[31mb", "a\x00", "a\u202eb"])
def test_a_bad_name_is_refused(acme, name):
    with pytest.raises(InvalidAccountValue):
        acme.create_key("acme", "editor", name=name)


@pytest.mark.parametrize("limit", [0, -1, 10**10])
@pytest.mark.parametrize("field", ["per_minute", "per_day"])
def test_a_bad_limit_is_refused(acme, field, limit):
    with pytest.raises(InvalidAccountValue) as refused:
        acme.create_key("acme", "editor", **{field: limit})
    assert refused.value.field == field


@pytest.mark.parametrize("verb", ["revoke_key", "rotate_key"])
def test_another_organisations_key_is_an_unknown_key(acme, verb):
    plain = acme.create_key("other", "editor")
    theirs = acme.authenticate(plain).id
    with pytest.raises(NoSuchKey) as hidden:
        getattr(acme, verb)("acme", theirs)
    with pytest.raises(NoSuchKey) as unknown:
        getattr(acme, verb)("acme", theirs + 1)
    assert str(hidden.value).replace(str(theirs), "N") == str(unknown.value).replace(str(theirs + 1), "N")
    with pytest.raises(NoSuchOrganisation):
        getattr(acme, verb)("nobody", theirs)
    assert acme.authenticate(plain) is not None


def test_rotation_passes_everything_on_and_ends_the_old_key(acme):
    old = acme.create_key("acme", "viewer", name="web", expires_at=SOON, per_minute=5, per_day=50)
    new = acme.rotate_key("acme", acme.authenticate(old).id)
    assert acme.authenticate(old) is None
    assert acme.authenticate(new).role is Role.VIEWER
    first, second = acme.keys_of("acme")
    assert (first.active, second.active) == (False, True)
    passed_on = ("name", "role", "expires_at", "per_minute", "per_day")
    assert [getattr(first, f) for f in passed_on] == [getattr(second, f) for f in passed_on]
    with pytest.raises(InactiveKey):
        acme.rotate_key("acme", first.id)


def test_rotation_may_leave_the_old_key_some_time(acme):
    old = acme.create_key("acme", "viewer")
    key_id = acme.authenticate(old).id
    new = acme.rotate_key("acme", key_id, grace=timedelta(hours=1))
    assert acme.authenticate(old) is not None
    assert acme.authenticate(new) is not None
    first, second = acme.keys_of("acme")
    assert timedelta(minutes=59) < first.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert second.expires_at is None


def test_grace_does_not_prolong_a_key(acme):
    old = acme.create_key("acme", "viewer", expires_at=SOON)
    acme.rotate_key("acme", acme.authenticate(old).id, grace=timedelta(days=30))
    assert [record.expires_at for record in acme.keys_of("acme")] == [SOON, SOON]


def test_a_key_is_rotated_once_by_however_many(acme):
    key_id = acme.authenticate(acme.create_key("acme", "viewer")).id

    def rotate(_):
        try:
            return acme.rotate_key("acme", key_id)
        except InactiveKey:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [plain for plain in pool.map(rotate, range(8)) if plain]
    assert len(made) == 1
    assert [record.active for record in acme.keys_of("acme")] == [False, True]
