"""A database for each test: a SQLite file, or a new database of the server in LABELS_TEST_POSTGRES_URL."""

import os
import uuid

import pytest
from sqlalchemy import create_engine, make_url, text

from accounts.store import Accounts
from accounts.vault import Vault, derived_keys


@pytest.fixture
def sqlite_file(tmp_path):
    return tmp_path / "home" / "accounts.db"


@pytest.fixture
def sqlite_url(sqlite_file):
    return f"sqlite:///{sqlite_file}"


@pytest.fixture
def database_url(sqlite_url):
    server = os.environ.get("LABELS_TEST_POSTGRES_URL")
    if server is None:
        yield sqlite_url
        return
    name = f"labels_test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def accounts(database_url):
    store = Accounts(database_url, Vault(derived_keys(["a secret of the tests"])))
    yield store
    store.close()
