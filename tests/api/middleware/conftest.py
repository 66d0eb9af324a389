"""Façades with special settings."""

import pytest
from starlette.testclient import TestClient

from api.settings import ApiSettings
from tests.api.conftest import facade

RATE_HEADERS = [
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]


@pytest.fixture
def limited(exports, accounts):
    def client(**changes):
        settings = ApiSettings(secret_key="a secret of the tests", **changes)
        return TestClient(facade(exports, accounts, settings))

    return client
