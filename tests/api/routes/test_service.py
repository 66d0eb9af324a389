"""Health of the service."""

from tests.api.problem import is_problem


def test_health(client, exports):
    assert client.get("/healthz").status_code == 200
    exports.is_ready = False
    is_problem(client.get("/healthz"), 503, "unavailable")
