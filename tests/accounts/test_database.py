"""The database is created and migrated on first use, also by many processes at once, and matches its models."""

import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from accounts import database, keys
from accounts.errors import DatabaseTooNew, ScheduleExists, UnsupportedDatabase
from accounts.identity import Role
from accounts.store import Accounts
from accounts.tables import Base

#: What the first release made, which kept no revision.
BEFORE_ALEMBIC = """
CREATE TABLE organisations (
    id INTEGER NOT NULL, slug VARCHAR(63) NOT NULL, name VARCHAR(255) NOT NULL, resolver VARCHAR(2048),
    created_at DATETIME NOT NULL, PRIMARY KEY (id), UNIQUE (slug));
CREATE TABLE leases (
    name VARCHAR(255) NOT NULL, holder VARCHAR(255) NOT NULL, expires_at FLOAT NOT NULL, PRIMARY KEY (name));
CREATE TABLE api_keys (
    id INTEGER NOT NULL, organisation_id INTEGER NOT NULL, sha256 VARCHAR(64) NOT NULL,
    role VARCHAR(16) NOT NULL, active BOOLEAN NOT NULL, created_at DATETIME NOT NULL, expires_at DATETIME,
    last_used_at DATETIME, PRIMARY KEY (id), FOREIGN KEY(organisation_id) REFERENCES organisations (id),
    UNIQUE (sha256));
CREATE INDEX ix_api_keys_organisation_id ON api_keys (organisation_id);
INSERT INTO organisations VALUES (1, 'acme', 'Acme', NULL, '2026-01-01 00:00:00.000000');
"""

#: What the release before the second migration stored of an organisation's schedule.
PLANS = [
    "INSERT INTO organisations VALUES (1, 'acme', 'Acme', NULL, '2026-01-01')",
    "INSERT INTO plans VALUES (7, 1, 'Morning', '0 6 * * *', 'UTC', '{}', true, '2026-01-01', '2026-01-02 06:00')",
]

#: What releases before the third migration stored of a webhook and a delivery.
WEBHOOKS = [
    "INSERT INTO organisations VALUES (1, 'acme', 'Acme', NULL, '2026-01-01')",
    "INSERT INTO webhooks VALUES (3, 1, 'https://hooks.example/', 'whsec_cGxhaW4=', true, '2026-01-01')",
    "INSERT INTO deliveries VALUES (5, 3, 'msg_1', '{}', 0, '2026-01-02', NULL, NULL)",
]


def differences(url):
    """Return what Alembic would change to make the database fit the models."""
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return found


def test_models_and_migrations_agree(accounts, database_url):
    accounts.create_organisation("acme")
    assert differences(database_url) == []


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [database.HEAD]


def test_a_database_of_the_first_release_is_taken_over(tmp_path):
    plain = keys.new_key()
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(BEFORE_ALEMBIC)
    connection.execute(
        "INSERT INTO api_keys VALUES (7, 1, ?, 'editor', 1, '2026-01-01 00:00:00.000000', NULL, NULL)",
        (keys.digest(plain),),
    )
    connection.commit()
    connection.close()
    url = f"sqlite:///{tmp_path}/old.db"
    store = Accounts(url)
    key = store.authenticate(plain)
    assert (key.id, key.organisation.name, key.role, key.per_minute) == (7, "Acme", Role.EDITOR, None)
    store.close()
    assert differences(url) == []


def test_schedules_of_the_time_when_they_were_called_plans_are_taken_over(database_url, sqlite_file):
    sqlite_file.parent.mkdir()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        database.upgrade(connection, "0001")
        for statement in PLANS:
            connection.execute(text(statement))
    engine.dispose()
    store = Accounts(database_url)
    (kept,) = store.schedules.list("acme")
    assert (kept.id, kept.name, kept.cron, kept.active) == (7, "Morning", "0 6 * * *", True)
    assert kept.last_tick_at == datetime(2026, 1, 2, 6, tzinfo=UTC)
    with pytest.raises(ScheduleExists):
        store.schedules.add("acme", "Morning", cron="0 7 * * *", time_zone="UTC", request="{}")
    store.close()
    assert differences(database_url) == []


def test_webhooks_and_deliveries_of_the_release_before_are_taken_over(database_url, sqlite_file):
    sqlite_file.parent.mkdir()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        database.upgrade(connection, "0002")
        for statement in WEBHOOKS:
            connection.execute(text(statement))
    engine.dispose()
    store = Accounts(database_url)
    (webhook,) = store.webhooks.list("acme")
    assert (webhook.secret, store.organisation("acme").suspended) == ("whsec_cGxhaW4=", False)
    now = datetime.now(UTC)
    assert [delivery.message_id for delivery in store.deliveries.due(now, 9)] == ["msg_1"]
    assert store.deliveries.forget(now - timedelta(days=1)) == 0
    assert store.deliveries.forget(now + timedelta(days=1)) == 1
    store.deliveries.enqueue("acme", "msg_2", "{}")
    store.webhooks.remove("acme", webhook.id)
    assert store.deliveries.forget(now + timedelta(days=1)) == 0, "a webhook takes its deliveries with it"
    store.close()
    assert differences(database_url) == []


def test_a_database_of_a_newer_release_is_refused(sqlite_file, sqlite_url):
    store = Accounts(sqlite_url)
    store.create_organisation("acme")
    store.close()
    connection = sqlite3.connect(sqlite_file)
    connection.execute("UPDATE alembic_version SET version_num = 'later'")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseTooNew) as refused:
        Accounts(sqlite_url).organisation("acme")
    assert refused.value.value == "later"


def test_a_database_that_is_up_to_date_needs_no_alembic(accounts, database_url):
    accounts.create_organisation("acme")
    code = (
        "import sys; from accounts.store import Accounts; Accounts(sys.argv[1]).organisation('acme'); "
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, database_url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def make_organisation(url, slug):
    store = Accounts(url)
    made = store.create_organisation(slug)
    store.close()
    return made.slug


def test_many_processes_may_make_the_tables_at_once(database_url):
    slugs = [f"org-{index}" for index in range(4)]
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(make_organisation, [database_url] * 4, slugs)) == slugs
    assert differences(database_url) == []


def test_tables_made_between_two_looks_are_there(database_url, monkeypatch):
    slow, quick = Accounts(database_url), Accounts(database_url)

    def meanwhile(connection):
        monkeypatch.undo()
        quick.create_organisation("first")
        return inspect(connection)

    inspect = database.inspect
    monkeypatch.setattr(database, "inspect", meanwhile)
    assert slow.create_organisation("second").slug == "second"
    assert [made.slug for made in slow.organisations()] == ["first", "second"]
    slow.close()
    quick.close()


def test_many_threads_may_make_the_tables_at_once(database_url):
    stores = [Accounts(database_url) for _ in range(8)]
    gate = threading.Barrier(len(stores))

    def make(index):
        gate.wait()
        return stores[index].create_organisation(f"org-{index}").slug

    with ThreadPoolExecutor(len(stores)) as pool:
        slugs = set(pool.map(make, range(len(stores))))
    for store in stores:
        store.close()
    assert len(slugs) == len(stores)


def test_a_migration_that_fails_leaves_nothing(sqlite_file, sqlite_url, monkeypatch):
    def fail(connection):
        upgrade(connection)
        raise RuntimeError("cut short")

    upgrade = database.upgrade
    monkeypatch.setattr(database, "upgrade", fail)
    with pytest.raises(RuntimeError):
        Accounts(sqlite_url).create_organisation("acme")
    monkeypatch.undo()
    connection = sqlite3.connect(sqlite_file)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    assert Accounts(sqlite_url).create_organisation("acme").slug == "acme"


def test_an_unsupported_database():
    with pytest.raises(UnsupportedDatabase):
        Accounts("mysql://somewhere/labels")


def test_sqlite_is_in_wal_mode(sqlite_file, sqlite_url):
    Accounts(sqlite_url).create_organisation("acme")
    connection = sqlite3.connect(sqlite_file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_plain_key_is_not_in_the_database(sqlite_file, sqlite_url):
    accounts = Accounts(sqlite_url)
    accounts.create_organisation("acme")
    plain = accounts.create_key("acme", Role.EDITOR)
    accounts.close()
    stored = b"".join(path.read_bytes() for path in sqlite_file.parent.iterdir())
    assert plain.encode() not in stored
    assert keys.digest(plain).encode() in stored


def test_a_malformed_key_makes_no_look_up(tmp_path):
    # A directory cannot be opened as a database: any look-up would raise.
    store = Accounts(f"sqlite:///{tmp_path}")
    assert store.authenticate("csb_nonsense") is None


def test_a_database_that_a_uri_names_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Accounts(f"sqlite:///file:{tmp_path / 'accounts.sqlite'}?uri=true")
    made.create_organisation("acme")
    made.close()
    assert made.sqlite_file is None
    assert {path.name for path in tmp_path.iterdir()} == {"accounts.sqlite"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db/a", "postgresql+psycopg"),
        ("postgres://db/a", "postgresql+psycopg"),
        ("postgresql+psycopg2://db/a", "postgresql+psycopg2"),
        ("sqlite:///a", "sqlite"),
    ],
)
def test_a_plain_address_gets_the_driver(url, expected):
    assert database.with_driver(url, "psycopg").drivername == expected


def test_a_process_keeps_as_many_connections_as_the_setting_says(monkeypatch):
    monkeypatch.setenv("LABELS_DATABASE_POOL_SIZE", "7")
    assert database.Database("postgresql://nowhere/accounts")._engine.pool.size() == 7
