"""The storages on SQLite, and on a new database of the server in LABELS_TEST_POSTGRES_URL for each test."""

import os
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url, text

SERVER = os.environ.get("LABELS_TEST_POSTGRES_URL")
#: Not UTC, as the server of some user.
ZONE = "Asia/Kathmandu"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of a new database, whose times are not in UTC."""
    if SERVER is None:
        pytest.skip("LABELS_TEST_POSTGRES_URL names no server")
    from pipelines.storage.databases import postgres

    name = f"labels_test_{uuid.uuid4().hex}"
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = '{ZONE}'"))
        url = make_url(SERVER).set(drivername="postgresql+psycopg2", database=name)
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            postgres.engine_of(url.render_as_string(hide_password=False)).dispose()
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def dagster_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
