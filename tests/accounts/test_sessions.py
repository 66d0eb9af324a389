"""A session is valid until it expires or is ended, or its key expires or is revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from accounts import keys
from accounts.tables import SessionRow

HOUR = timedelta(hours=1)


@pytest.fixture
def key(accounts):
    accounts.create_organisation("acme")
    return accounts.authenticate(accounts.create_key("acme", "editor", per_minute=7))


def test_a_session_is_found_by_its_id(accounts, key):
    made = accounts.sessions.begin(key, HOUR)
    assert timedelta(minutes=59) < made.expires_at - datetime.now(UTC) <= HOUR
    found = accounts.sessions.find(made.session_id)
    assert found.key == key
    assert found.csrf_sha256 == keys.digest(made.csrf_token)
    for other in ("", made.csrf_token, made.session_id[:-1], made.session_id + "A", "é\x00"):
        assert accounts.sessions.find(other) is None


def test_secrets_are_neither_stored_nor_shown(accounts, key):
    made = accounts.sessions.begin(key, HOUR)
    with accounts._database.session() as session:
        [row] = session.execute(select(SessionRow.__table__)).all()
    for secret in (made.session_id, made.csrf_token):
        assert secret not in repr(made)
        assert secret not in repr(row)


def test_an_ended_session_is_gone(accounts, key):
    one, two = accounts.sessions.begin(key, HOUR), accounts.sessions.begin(key, HOUR)
    accounts.sessions.end(one.session_id)
    accounts.sessions.end(one.session_id)
    assert accounts.sessions.find(one.session_id) is None
    assert accounts.sessions.find(two.session_id) is not None


def test_an_expired_session_is_refused_and_in_time_forgotten(accounts, key):
    expired = accounts.sessions.begin(key, -HOUR)
    assert accounts.sessions.find(expired.session_id) is None
    accounts.sessions.begin(key, HOUR)
    with accounts._database.session() as session:
        assert session.scalar(select(func.count()).select_from(SessionRow)) == 1


def test_a_session_ends_with_its_key(accounts, key):
    made = accounts.sessions.begin(key, HOUR)
    accounts.revoke_key("acme", key.id)
    assert accounts.sessions.find(made.session_id) is None


def test_a_session_ends_when_its_key_expires(accounts, key):
    accounts.rotate_key("acme", key.id, grace=timedelta(microseconds=1))
    made = accounts.sessions.begin(key, HOUR)
    assert accounts.sessions.find(made.session_id) is None
