"""A job's files: signed links, ranges, the object store, reports."""

import hashlib
import time
from dataclasses import replace

import pytest
from itsdangerous import URLSafeSerializer

from api.errors import InvalidToken
from api.routes.downloads import DownloadTokens, Purpose
from exports.errors import TooManyRows
from exports.ports import JobStatus, Report
from tests.api.conftest import ARTEFACT, link
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"


def test_ranges(client, editor, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    url = link(client, editor, job)
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, ARTEFACT[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(ARTEFACT)}"
    etag = part.headers["etag"]
    same = client.get(url, headers={"Range": "bytes=10-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, ARTEFACT[10:])
    changed = client.get(url, headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, ARTEFACT)
    outside = client.get(url, headers={"Range": "bytes=99999-"})
    is_problem(outside, 416, "range_not_satisfiable")
    assert outside.headers["content-range"] == f"bytes */{len(ARTEFACT)}"
    is_problem(client.get(url, headers={"Range": "bytes=a-b"}), 400, "bad_request")
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    head = client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(ARTEFACT)))


def test_an_artefact_that_is_elsewhere_is_streamed(client, editor, exports):
    exports.local = False
    job = exports.add("acme", JobStatus.COMPLETED)
    response = client.get(link(client, editor, job))
    assert (response.status_code, response.content) == (200, ARTEFACT)
    assert response.headers["content-length"] == str(len(ARTEFACT))
    assert job.output_filename in response.headers["content-disposition"]


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("datamatrix-lots-AbCd-42.zip", "application/zip"),
        ("sheet-AbCd-42.pdf", "application/pdf"),
        ("roll-AbCd-42.zpl", "application/vnd.zebra-zpl"),
    ],
)
def test_an_artefact_has_its_media_type_and_its_own_bytes(
    client, editor, exports, local, filename, media_type
):
    exports.local = local
    job = exports.add("acme", JobStatus.COMPLETED, output_filename=filename)
    response = client.get(link(client, editor, job), headers={"Accept-Encoding": "gzip"})
    assert (response.headers["content-type"], response.content) == (media_type, ARTEFACT)
    assert "content-encoding" not in response.headers
    assert response.headers["content-length"] == str(len(ARTEFACT))
    assert filename in response.headers["content-disposition"]


@pytest.mark.parametrize("local", [True, False])
def test_an_artefact_that_is_gone(client, editor, exports, local):
    exports.local = local
    job = exports.add("acme", JobStatus.COMPLETED)
    url = link(client, editor, job)
    (exports.folder / job.job_id).unlink()
    is_problem(client.get(url), 404, "not_found")


def token_for(job, purpose=Purpose.DOWNLOAD, *, secret="a secret of the tests", ttl=60):
    return DownloadTokens([secret], ttl).issue(job, purpose)


def test_a_new_key_signs_and_the_one_before_is_still_accepted(exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    old, new = token_for(job, secret="the old secret key"), token_for(job, secret="the new secret key")
    rotated = DownloadTokens(["the new secret key", "the old secret key"], 60)
    assert [rotated.check(token, job.job_id).job_id for token in (old, new)] == [job.job_id] * 2
    after = DownloadTokens(["the new secret key"], 60)
    assert after.check(rotated.issue(job), job.job_id).organisation == "acme"
    with pytest.raises(InvalidToken):
        after.check(old, job.job_id)
    with pytest.raises(InvalidToken):
        rotated.check(old + "=", job.job_id)


def test_a_token_of_an_earlier_release_is_accepted(exports):
    """Those tried to compress each token, and none of a usual length got shorter."""
    job = exports.add("acme", JobStatus.COMPLETED)
    earlier = URLSafeSerializer(
        "a secret of the tests", salt="label-export-download", signer_kwargs={"digest_method": hashlib.sha256}
    )
    token = earlier.dumps(["download", "acme", job.job_id, int(time.time()) + 60])
    assert DownloadTokens(["a secret of the tests"], 60).check(token, job.job_id).organisation == "acme"


@pytest.mark.parametrize("purpose", Purpose)
def test_wrong_tokens(client, editor, exports, purpose):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    another = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    good = token_for(job, purpose)
    url = f"{URL}{job.job_id}/{purpose}/"
    assert client.get(url, params={"token": good}).status_code == 200
    exports.calls.clear()
    for token, reason in [
        ("", "empty"),
        ("nonsense", "no token"),
        (good[:-1], "cut"),
        ("x" + good, "altered"),
        (good.split(".")[0], "unsigned"),
        (good + "=", "padded"),
        (good[:-1] + chr(ord(good[-1]) ^ 1), "another last character"),
        (token_for(another, purpose), "another job's"),
        (token_for(job, purpose, secret="another secret key"), "another key's"),
        (token_for(job, purpose, ttl=-1), "expired"),
        *((token_for(job, other), f"for its {other}") for other in Purpose if other is not purpose),
    ]:
        assert client.get(url, params={"token": token}).status_code == 403, reason
    is_problem(client.get(url), 403, "forbidden")
    is_problem(client.get(url, headers=editor), 403, "forbidden")
    is_problem(client.get(url, params=[("token", "a"), ("token", "b")]), 403, "forbidden")
    assert not exports.calls


@pytest.mark.parametrize("purpose", Purpose)
def test_the_links_of_a_suspended_organisation(client, exports, accounts, purpose):
    accounts.create_organisation(f"suspended-{purpose}")
    urls = []
    for slug in (f"suspended-{purpose}", "acme"):
        job = exports.add(slug, JobStatus.COMPLETED, reports=frozenset(Report))
        urls.append(f"{URL}{job.job_id}/{purpose}/?token={token_for(job, purpose)}")
    accounts.suspend(f"suspended-{purpose}")
    is_problem(client.get(urls[0]), 403, "forbidden")
    assert client.get(urls[1]).status_code == 200
    accounts.resume(f"suspended-{purpose}")
    assert client.get(urls[0]).status_code == 200


def test_a_link_of_a_job_that_was_since_cancelled(client, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    exports.store[job.job_id] = replace(job, status=JobStatus.FAILED, error_code="cancelled")
    response = client.get(f"{URL}{job.job_id}/download/", params={"token": token_for(job)})
    assert not is_problem(response, 409, "conflict")["retryable"]


def test_the_reports_of_a_sheet(client, editor, exports):
    job = exports.add(
        "acme", JobStatus.COMPLETED, reports=frozenset(Report), next_position=7, notes={"expired": 3}
    )
    body = client.get(f"{URL}{job.job_id}/", headers=editor).json()
    assert body["next_position"] == 7
    assert body["notes"] == [{"code": "expired", "count": 3}]
    for report in Report:
        url = body[f"{report}_url"]
        assert url.startswith(f"http://testserver{URL}{job.job_id}/{report}/?token=")
        response = client.get(url)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert f"{job.job_id}-{report}.csv" in response.headers["content-disposition"]
        assert response.content.decode("utf-8-sig") == f"{report},csv,{job.job_id}\r\n"


@pytest.mark.parametrize("report", Report)
@pytest.mark.parametrize(
    ("wanted", "media_type"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("parquet", "application/vnd.apache.parquet"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_a_report_in_the_format_wanted(client, editor, exports, report, wanted, media_type):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    url = client.get(f"{URL}{job.job_id}/", headers=editor).json()[f"{report}_url"]
    response = client.get(f"{url}&format={wanted}")
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["content-disposition"].endswith(f"{job.job_id}-{report}.{wanted}")
    assert response.content.decode("utf-8-sig") == f"{report},{wanted},{job.job_id}\r\n"


@pytest.mark.parametrize(
    ("query", "name", "kind"),
    [
        ("format=ods", "format", "enum"),
        ("format=", "format", "enum"),
        ("format=CSV", "format", "enum"),
        ("format=csv&format=xlsx", "format", "repeated"),
        ("fromat=xlsx", "fromat", "extra_forbidden"),
    ],
)
def test_a_report_in_no_format_there_is(client, editor, exports, query, name, kind):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    url = client.get(f"{URL}{job.job_id}/", headers=editor).json()["manifest_url"]
    [fault] = is_problem(client.get(f"{url}&{query}"), 422, "validation_error")["details"]
    assert (fault["loc"], fault["type"]) == (["query", name], kind)
    assert "open_report" not in exports.calls


def test_a_report_with_more_rows_than_a_sheet_names_parquet(client, exports):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    token = token_for(job, Purpose.MANIFEST)

    def refuse(*_):
        raise TooManyRows(1_048_576, 1_048_575)

    exports.open_report = refuse
    url = f"{URL}{job.job_id}/manifest/"
    problem = is_problem(client.get(url, params={"token": token, "format": "xlsx"}), 422, "validation_error")
    [fault] = problem["details"]
    assert (fault["loc"], fault["type"]) == (["query", "format"], "too_many_rows")
    assert "1,048,576 rows" in fault["msg"]
    assert "parquet" in fault["msg"]


def test_a_failed_job_can_have_an_error_report(client, editor, exports):
    job = exports.add("acme", JobStatus.FAILED, reports=frozenset({Report.ERRORS}))
    body = client.get(f"{URL}{job.job_id}/", headers=editor).json()
    assert (body["download_url"], body["manifest_url"], body["expires_at"]) == (None, None, None)
    assert client.get(body["errors_url"]).status_code == 200
    missing = client.get(f"{URL}{job.job_id}/manifest/", params={"token": token_for(job, Purpose.MANIFEST)})
    is_problem(missing, 404, "not_found")


def test_an_artefact_in_an_object_store_is_fetched_there(client, editor, exports):
    exports.local, exports.url = False, "https://bucket.example/"
    job = exports.add("acme", JobStatus.COMPLETED)
    url = link(client, editor, job)
    response = client.get(url, follow_redirects=False)
    assert response.status_code == 307
    assert response.headers["cache-control"] == "no-store"
    where, _, ttl = response.headers["location"].partition("?ttl=")
    assert where == f"https://bucket.example/{job.job_id}"
    assert 0 < int(ttl) <= 900
    head = client.head(url, follow_redirects=False)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(ARTEFACT)))


def test_a_download_before_completion(client, exports):
    job = exports.add("acme", JobStatus.PROCESSING)
    response = client.get(f"{URL}{job.job_id}/download/", params={"token": token_for(job)})
    assert is_problem(response, 409, "conflict")["retryable"]
