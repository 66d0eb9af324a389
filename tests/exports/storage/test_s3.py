"""The artefact store on S3, as moto serves it: whole objects or none, nothing left of what failed."""

import os
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

from catalogue.storage.object_stores import open_store
from exports.artefacts import ArtefactStore


def uploads(bucket: str) -> int:
    """Return how many uploads were begun in the bucket and are neither completed nor aborted."""
    files: Any = open_store(bucket)[0]
    return len(files.call_s3("list_multipart_uploads", Bucket="labels").get("Uploads", []))


@pytest.mark.parametrize("size", [0, 1, (4 << 20) + 1, 51 << 20], ids=str)
def test_an_object_appears_whole_or_not_at_all(s3_bucket: str, size: int) -> None:
    store, content = ArtefactStore(s3_bucket), b"x" * size

    def fail_half_way() -> None:
        with store.write("jobs/a/key") as stream:
            stream.write(content)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_half_way()
    assert (store.keys("jobs"), uploads(s3_bucket)) == (set(), 0)
    with store.write("jobs/a/key") as stream:
        for start in range(0, size, 1 << 20):
            stream.write(content[start : start + (1 << 20)])
        assert stream.tell() == size
        assert not store.exists("jobs/a/key")
    with store.open("jobs/a/key") as stored:
        assert stored.read() == content
    assert store.keys("jobs") == {"jobs/a/key"}


def test_an_object_is_created_once(s3_bucket: str) -> None:
    store = ArtefactStore(s3_bucket)
    assert [store.create("jobs/a/decision", text) for text in (b"committed", b"cancelled")] == [True, False]
    assert store.read("jobs/a/decision") == b"committed"


def test_a_name_with_brackets_is_no_pattern(s3_bucket: str) -> None:
    store = ArtefactStore(f"{s3_bucket}/[ab]")
    for key in ("jobs/[0]/part", "jobs/0/part", "jobs/[0]/more"):
        store.write_json(key, {})
    store.delete("jobs/[0]/more")
    store.delete("jobs/[0]/more")
    assert store.keys("jobs") == {"jobs/[0]/part", "jobs/0/part"}
    store.delete_folder("jobs/[0]")
    store.delete_folder("jobs/[0]")
    assert store.keys("jobs") == {"jobs/0/part"}


def test_more_objects_are_removed_than_one_request_may_name(s3_bucket: str) -> None:
    store = ArtefactStore(s3_bucket)
    files, _ = open_store(s3_bucket)
    files.pipe({f"labels/jobs/a/{number}": b"" for number in range(1_001)})
    store.delete_folder("jobs/a")
    assert store.keys("jobs") == set()


def test_an_address_is_signed_by_version_4_and_names_the_file(s3_bucket: str) -> None:
    store = ArtefactStore(s3_bucket)
    with store.write("jobs/a/artefact") as stream:
        stream.write(b"whole")
    address = store.presigned_url("jobs/a/artefact", 60, "Käse.zip")
    assert address is not None
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in address
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"whole"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''K%C3%A4se.zip"


def test_what_killed_writers_left_is_given_up(s3_bucket: str) -> None:
    store = ArtefactStore(s3_bucket)
    files: Any = open_store(s3_bucket)[0]
    for key in ("jobs/a/artefact", "jobs/ab/artefact", "jobs/b/artefact"):
        files.call_s3("create_multipart_upload", Bucket="labels", Key=key)
    store.delete_unfinished("jobs/a")
    assert uploads(s3_bucket) == 2
    # moto says of all uploads that they began in 2010.
    assert store.abort_uploads(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert store.abort_uploads(datetime.now(UTC)) == 2
    assert uploads(s3_bucket) == 0


def test_what_another_process_has_written_is_seen(s3_bucket: str) -> None:
    ours, theirs = ArtefactStore(s3_bucket), ArtefactStore(s3_bucket, patient=False)
    ours.write_json("jobs/a/one", {})
    assert ours.keys("jobs") == {"jobs/a/one"}
    theirs.write_json("jobs/a/two", {})
    assert ours.exists("jobs/a/two")
    assert ours.keys("jobs") == {"jobs/a/one", "jobs/a/two"}


def test_clients_are_sent_to_the_endpoint_that_they_reach(s3_bucket: str) -> None:
    # The same server has two names here.
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    public = endpoint.replace("127.0.0.1", "localhost")
    assert public != endpoint
    store = ArtefactStore(s3_bucket, public_endpoint=public)
    store.write_json("jobs/a/labels.zip", {"whole": True})
    address = store.presigned_url("jobs/a/labels.zip", 60, "labels.zip")
    assert address is not None
    assert address.startswith(f"{public}/")
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b'{"whole":true}'
