"""Who is authenticated, when, and when a failure is raised."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from accounts.identity import Organisation, Role
from api.auth.callers import Authentication, known_principal, principal_of
from api.auth.principals import Principal
from api.errors import Unauthorized
from api.routes.resource import resource

PRINCIPAL = Principal(Organisation("acme", "Acme"), Role.VIEWER, "key:1")


@pytest.fixture
def asked():
    """Return the paths of the requests that were authenticated."""
    return []


@pytest.fixture
def client(asked):
    async def authenticate(request):
        asked.append(request.url.path)
        if "x-api-key" not in request.headers:
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
        middleware=[Middleware(Authentication, authenticate=authenticate, skipped=frozenset({"/skipped"}))],
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
