"""Authentication of callers: when it happens, and when its failure is raised."""

from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from accounts.identity import Organisation, Role
from api.auth.callers import Authentication, known_principal, principal_of
from api.auth.principals import Principal
from api.auth.recent import RecentCredentials
from api.errors import Unauthorized
from api.routes.resource import resource

PRINCIPAL = Principal(Organisation("acme", "Acme"), Role.VIEWER, "key:1")


@pytest.fixture
def asked():
    """Return the paths of the requests that were authenticated."""
    return []


@pytest.fixture
def attempts():
    """Return an attempt to authenticate that counts how often it was begun, as `attempts.begun`."""

    @asynccontextmanager
    async def attempt():
        attempt.begun += 1
        yield

    attempt.begun = 0
    return attempt


@pytest.fixture
def client(asked, attempts):
    async def authenticate(request):
        asked.append(request.url.path)
        if request.headers.get("x-api-key") != "k":
            raise Unauthorized
        return PRINCIPAL

    async def anyone(request):
        principal = known_principal(request)
        return JSONResponse(principal and principal.id)

    async def someone(request):
        return JSONResponse(principal_of(request).id)

    async def unauthorized(request, error):
        return JSONResponse(None, 401)

    app = Starlette(
        routes=[
            resource("/open", get=anyone),
            resource("/skipped", get=anyone),
            resource("/closed", get=someone),
        ],
        middleware=[
            Middleware(
                Authentication,
                authenticate=authenticate,
                attempt=lambda request: attempts(),
                skipped=frozenset({"/skipped"}),
            )
        ],
        exception_handlers={Unauthorized: unauthorized},
    )
    with TestClient(app) as http:
        yield http


@pytest.mark.parametrize(
    ("path", "key", "status", "answer"),
    [
        ("/closed", True, 200, "key:1"),
        ("/closed", False, 401, None),
        ("/open", True, 200, "key:1"),
        ("/open", False, 200, None),
        ("/skipped", True, 200, None),
    ],
)
def test_a_failure_is_raised_where_a_principal_is_needed(client, path, key, status, answer):
    response = client.get(path, headers={"X-API-Key": "k"} if key else {})
    assert (response.status_code, response.json()) == (status, answer)


def test_each_request_is_authenticated_once_unless_skipped(client, asked):
    for path in ("/open", "/skipped", "/closed"):
        client.get(path, headers={"X-API-Key": "k"})
    assert asked == ["/open", "/closed"]


@pytest.mark.parametrize(
    ("sent", "begun"),
    [
        (["k", "k", "k"], 1),  # known from its first success on
        (["bad", "bad", "k", "bad"], 4),
        ([None, None], 0),  # without a credential nothing is looked up
    ],
)
def test_an_attempt_is_needed_for_unknown_credentials(client, attempts, sent, begun):
    for key in sent:
        client.get("/open", headers={} if key is None else {"X-API-Key": key})
    assert attempts.begun == begun


def test_the_newest_credentials_are_known():
    recent = RecentCredentials(most=2)
    for digest in (b"1", b"2", b"1", b"3"):
        recent.add(digest)
    assert [digest in recent for digest in (b"1", b"2", b"3")] == [True, False, True]
    recent.discard(b"1")
    assert b"1" not in recent
