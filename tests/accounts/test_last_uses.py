"""Authentication only reads. The last use of a key is written later, and that write may fail."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from accounts.tables import ApiKeyRow

HOUR = timedelta(hours=1)


@pytest.fixture
def plain(accounts):
    accounts.create_organisation("acme")
    return accounts.create_key("acme", "editor")


@pytest.fixture
def refuse_writes(accounts, plain):
    """Return a function that makes the database take writes or refuse them, as a full disk does."""
    refusing = threading.Event()

    def on_statement(connection, cursor, statement, *rest):
        if refusing.is_set() and not statement.startswith(("SELECT", "PRAGMA")):
            raise OperationalError(statement, None, OSError("database or disk is full"))

    event.listen(accounts._database._engine, "before_cursor_execute", on_statement)
    return refusing


def test_a_use_is_written_later(accounts, plain):
    key = accounts.authenticate(plain)
    assert accounts.last_used(key.id) is None
    accounts.last_uses.write()
    assert datetime.now(UTC) - accounts.last_used(key.id) < timedelta(seconds=30)


def test_a_full_disk_refuses_nobody(accounts, plain, refuse_writes, caplog):
    session = accounts.sessions.begin(accounts.authenticate(plain), HOUR)
    refuse_writes.set()
    key = accounts.authenticate(plain)
    assert key.organisation.slug == "acme"
    assert accounts.sessions.find(session.session_id).key == key
    accounts.last_uses.write()
    assert "cannot be written" in caplog.text
    assert accounts.last_used(key.id) is None
    refuse_writes.clear()
    accounts.last_uses.write()
    assert accounts.last_used(key.id) is not None


def test_the_later_of_two_processes_uses_is_kept(accounts, plain):
    key = accounts.authenticate(plain)
    later = datetime.now(UTC).replace(microsecond=0) + HOUR
    with accounts._database.session() as session:
        session.execute(update(ApiKeyRow).values(last_used_at=later))
    accounts.last_uses.write()
    assert accounts.last_used(key.id) == later


def test_what_is_left_is_written_at_the_end(accounts, plain):
    key = accounts.authenticate(plain)
    writer = threading.Thread(target=accounts.last_uses.keep_writing)
    writer.start()
    accounts.close()
    writer.join()
    assert accounts.last_used(key.id) is not None
