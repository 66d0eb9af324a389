"""Assertions on the format that all error responses share."""

from datetime import datetime


def is_problem(response, status, code):
    """Assert that the response is the problem document of this status and code, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["error_code"] == code
    assert problem["type"] == f"https://closient.com/docs/errors/{code}"
    assert problem["title"]
    assert problem["detail"]
    assert isinstance(problem["retryable"], bool)
    assert datetime.fromisoformat(problem["timestamp"]).tzinfo is not None
    return problem


def same_answer(one, other):
    """Return whether two problems differ in nothing but when they were told."""
    told, again = one.json(), other.json()
    told.pop("timestamp")
    again.pop("timestamp")
    return (one.status_code, told) == (other.status_code, again)
