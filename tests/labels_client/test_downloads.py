"""Downloads over connections that break."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator

import httpx
import pytest

from labels_client.client import LabelsClient
from labels_client.errors import DigestMismatch, IncompleteDownload, LabelsApiError
from labels_client.models import LabelExportJob
from labels_client.retries import Retries

JOB_ID = "AbCdEfGhJkLmNoPqRsTuVw"
CONTENT = bytes(range(256)) * 4096
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


class Broken(httpx.SyncByteStream):
    """So many bytes, then the connection is gone."""

    def __init__(self, content: bytes, stop: int) -> None:
        self._content = content[:stop]

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.ReadError("reset")


class Files:
    """A host of files that hangs up `breaks` times, each time after so many bytes."""

    def __init__(self, *, breaks=(), etag=TAG, content=CONTENT, ranges=True):
        self.breaks = list(breaks)
        self.etag = etag
        self.content = content
        self.ranges = ranges
        self.token = "t1"
        self.asked: list[str | None] = []
        self.formats: list[str | None] = []
        self.polls = 0
        self.refusals: list[int] = []
        self.slept: list[float] = []

    def __call__(self, request):
        if "token" not in request.url.params:
            self.polls += 1
            return httpx.Response(200, json=self.document())
        assert "x-api-key" not in request.headers
        assert request.headers["accept-encoding"] == "identity"
        if request.url.params["token"] != self.token:
            return httpx.Response(403, json={"error_code": "forbidden", "detail": "expired", "title": "No"})
        if self.refusals:
            return httpx.Response(self.refusals.pop(), json={"error_code": "x", "retry_after": 3})
        asked = request.headers.get("range")
        self.asked.append(asked)
        self.formats.append(request.url.params.get("format"))
        headers = {"ETag": self.etag} if self.etag else {}
        start, status = 0, 200
        if asked and self.ranges and request.headers["if-range"] == self.etag:
            start, status = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        rest = self.content[start:]
        if self.breaks:
            return httpx.Response(status, headers=headers, stream=Broken(rest, self.breaks.pop(0)))
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(rest))

    def document(self):
        return {
            "job_id": JOB_ID,
            "status": "completed",
            "total_items": 1,
            "processed_items": 1,
            "progress_percent": 100,
            "download_url": f"https://x.example/download/?token={self.token}",
            "manifest_url": f"https://x.example/manifest/?token={self.token}",
            "output_filename": "qr.zip",
            "file_size_bytes": len(CONTENT),
        }

    def fetch(self, folder, method="download", *arguments, **changes):
        job = LabelExportJob.from_document(self.document() | changes)
        retries = Retries(attempts=3, sleep=self.slept.append)
        with LabelsClient(
            "https://x.example", "k", retries=retries, transport=httpx.MockTransport(self)
        ) as client:
            return getattr(client, method)(job, folder, *arguments).read_bytes()


def test_a_broken_download_goes_on_where_it_broke(tmp_path):
    files = Files(breaks=[1000, 5, 300_000, 1, 70_000])
    assert files.fetch(tmp_path) == CONTENT
    starts = [0, 1000, 1005, 301_005, 301_006, 371_006]
    assert files.asked == [None, *[f"bytes={start}-" for start in starts[1:]]], "more breaks than attempts"
    assert [path.name for path in tmp_path.iterdir()] == ["qr.zip"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_the_file_has_the_permissions_the_umask_gives(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        Files().fetch(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "qr.zip").stat().st_mode) == mode


def test_a_break_after_the_last_byte_is_none(tmp_path):
    files = Files(breaks=[len(CONTENT)])
    assert files.fetch(tmp_path) == CONTENT
    assert files.asked == [None]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"ranges": False}, id="no ranges, or another file by now"),
        pytest.param({"etag": None}, id="no entity tag"),
        pytest.param({"etag": 'W/"weak"'}, id="a weak entity tag"),
    ],
)
def test_without_a_sure_rest_it_begins_again(tmp_path, options):
    assert Files(breaks=[1000], **options).fetch(tmp_path) == CONTENT


def test_a_connection_that_never_brings_a_byte_is_given_up(tmp_path):
    files = Files(breaks=[0] * 10)
    with pytest.raises(httpx.ReadError):
        files.fetch(tmp_path)
    assert len(files.asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_of_the_same_number(tmp_path):
    with pytest.raises(DigestMismatch) as caught:
        Files(content=bytes(len(CONTENT))).fetch(tmp_path)
    assert caught.value.expected_sha256 == TAG.strip('"')
    assert list(tmp_path.iterdir()) == []


def of_pieces(*sizes: int) -> dict[str, object]:
    """Return the digest of the content in pieces of these sizes, as the service tells it."""
    told, at = hashlib.sha256(), 0
    for size in sizes:
        told.update(size.to_bytes(8, "big") + hashlib.sha256(CONTENT[at : at + size]).digest())
        at += size
    assert at == len(CONTENT)
    return {"algorithm": "sha-256-of-pieces", "value": told.hexdigest(), "piece_bytes": list(sizes)}


WHOLE = {"algorithm": "sha-256", "value": TAG.strip('"'), "piece_bytes": []}


@pytest.mark.parametrize(
    "digest", [WHOLE, of_pieces(len(CONTENT)), of_pieces(1, 999, 1, len(CONTENT) - 1_001)]
)
def test_the_poll_tells_the_digest_where_an_object_store_answers(tmp_path, digest):
    # It goes on in the middle of a piece.
    files = Files(etag='"9e107d9d372bb6826bd81d3542a419d6-3"', breaks=[1_000, 70_000])
    assert files.fetch(tmp_path, digest=digest) == CONTENT
    again = Files(etag='"9e107d9d372bb6826bd81d3542a419d6-3"', ranges=False, breaks=[1_000])
    assert again.fetch(tmp_path, digest=digest) == CONTENT
    changed = CONTENT[:-1] + b"x"
    with pytest.raises(DigestMismatch) as caught:
        Files(etag=None, content=changed).fetch(tmp_path, digest=digest)
    assert caught.value.expected_sha256 == digest["value"]


def test_a_digest_of_a_later_release_is_not_compared(tmp_path):
    later = {"algorithm": "sha-512", "value": "00"}
    assert Files(etag=None).fetch(tmp_path, digest=later) == CONTENT


def test_an_object_stores_own_tag_is_no_digest_of_ours(tmp_path):
    assert Files(etag='"9e107d9d372bb6826bd81d3542a419d6-3"').fetch(tmp_path) == CONTENT


def test_fewer_bytes_than_promised(tmp_path):
    with pytest.raises(IncompleteDownload):
        Files(content=CONTENT[:-1], etag=None).fetch(tmp_path)


def test_an_expired_link_is_renewed_once(tmp_path):
    files = Files()
    old = files.document()["download_url"]
    files.token = "t2"
    assert files.fetch(tmp_path, download_url=old) == CONTENT
    assert files.polls == 1


def test_a_link_that_stays_refused(tmp_path):
    files = Files()
    files.token = None  # which no address holds
    with pytest.raises(LabelsApiError, match="expired"):
        files.fetch(tmp_path, download_url="https://x.example/?token=old", manifest_url=None)
    assert files.polls == 1


@pytest.mark.parametrize("status", [429, 503])
def test_refused_for_now(tmp_path, status):
    files = Files()
    files.refusals = [status]
    assert files.fetch(tmp_path) == CONTENT
    assert files.slept == [3]


def test_the_object_store_is_followed_to(tmp_path):
    files = Files()

    def answer(request):
        if request.url.path == "/download/":
            return httpx.Response(307, headers={"Location": "https://store.example/o?token=t1"})
        assert request.url.host == "store.example"
        return files(request)

    job = LabelExportJob.from_document(files.document())
    with LabelsClient("https://x.example", "k", transport=httpx.MockTransport(answer)) as client:
        assert client.download(job, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("report_format", ["csv", "parquet", "xlsx"])
def test_reports(tmp_path, report_format):
    files = Files(etag=None)
    assert files.fetch(tmp_path, "download_manifest", report_format) == CONTENT
    assert files.formats == [report_format]
    assert (tmp_path / f"{JOB_ID}-manifest.{report_format}").exists()
    with pytest.raises(ValueError, match=r"no errors\.csv"):
        files.fetch(tmp_path, "download_errors", report_format)


def test_a_report_keeps_its_format_when_the_link_is_renewed(tmp_path):
    files = Files(etag=None)
    old = files.document()["manifest_url"]
    files.token = "t2"
    assert files.fetch(tmp_path, "download_manifest", "xlsx", manifest_url=old) == CONTENT
    assert files.formats == ["xlsx"]
