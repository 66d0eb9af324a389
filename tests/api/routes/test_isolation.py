"""Another organisation's jobs: each endpoint answers as for an unknown id."""

import pytest

from api.routes.downloads import DownloadTokens, Purpose
from exports.ports import JobStatus, Report
from tests.api.problem import is_problem, same_answer

URL = "/products/api/v1/labels/export/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"

BY_ID = [
    ("GET", "", None),
    ("HEAD", "", None),
    ("DELETE", "", None),
    ("POST", "reprint/", {"reason": "again"}),
]


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize(("method", "tail", "body"), [row for row in BY_ID if row[0] != "HEAD"])
def test_a_job_of_another_organisation_is_unknown(client, stranger, exports, method, tail, body, status):
    job = exports.add("acme", status)
    theirs = client.request(method, f"{URL}{job.job_id}/{tail}", json=body, headers=stranger)
    unknown = client.request(method, f"{URL}{UNKNOWN}/{tail}", json=body, headers=stranger)
    is_problem(theirs, 404, "not_found")
    assert same_answer(theirs, unknown)
    first, second = exports.calls
    assert first == second  # the same look-up, so the same path and time
    assert exports.store[job.job_id] == job


def test_lists_hold_only_ones_own(client, editor, stranger, exports):
    own = exports.add("other", JobStatus.PENDING)
    exports.add("acme", JobStatus.PENDING)
    body = client.get(URL, headers=stranger).json()
    assert [job["job_id"] for job in body["data"]] == [own.job_id]
    assert body["pagination"]["total_count"] == 1


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_opens_no_job_of_another_organisation(client, exports, purpose):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    own = exports.add("other", JobStatus.COMPLETED, reports=frozenset(Report))
    tokens = DownloadTokens(["a secret of the tests"], 60)
    # Of our own making: the right id under the wrong organisation. No API call issues such a one.
    forged = tokens.issue(type(job)(**{**as_fields(job), "organisation": "other"}), purpose)
    is_problem(client.get(f"{URL}{job.job_id}/{purpose}/", params={"token": forged}), 404, "not_found")
    good = tokens.issue(own, purpose)
    is_problem(client.get(f"{URL}{job.job_id}/{purpose}/", params={"token": good}), 403, "forbidden")


def as_fields(job):
    return {name: getattr(job, name) for name in type(job).__dataclass_fields__}
