"""Every test of a storage is done on SQLite, and on PostgreSQL if LABELS_TEST_POSTGRES_URL names a server."""

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def dagster_url(request: pytest.FixtureRequest) -> str | None:
    """The address of Dagster's database. None for SQLite files in the home."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None
