"""Accounts, and a service that accepts the issuer's tokens."""

import json

import pytest
from starlette.testclient import TestClient

from accounts.identity import Role
from accounts.store import Accounts
from api.auth.settings import AuthSettings
from tests.api.auth.issuer import JWKS, SETTINGS, service


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    store = Accounts(f"sqlite:///{tmp_path_factory.mktemp('auth')}/accounts.db")
    store.create_organisation("acme")
    yield store
    store.close()


@pytest.fixture
def client(accounts):
    app = service(accounts, AuthSettings(**SETTINGS), fetch=lambda url: json.dumps(JWKS).encode())
    with TestClient(app) as http:
        yield http


@pytest.fixture
def plain(accounts):
    return accounts.create_key("acme", Role.EDITOR, per_minute=5, per_day=50)
