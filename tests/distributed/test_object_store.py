"""SeaweedFS has the properties of S3 that the artefact store needs."""

import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import s3fs

from catalogue.storage.object_stores import open_store
from exports.artefacts import ArtefactStore
from exports.probe import fault
from exports.storage.joining import Join, Piece
from tests.distributed.stores import ObjectStore

MB = 1 << 20


@pytest.fixture
def store(
    object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[ArtefactStore]:
    for name, value in object_store.environment().items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    yield ArtefactStore(object_store.url(request.node.name))
    s3fs.S3FileSystem.clear_instance_cache()


def test_one_of_many_creators_wins(store: ArtefactStore) -> None:
    assert fault(store) is None
    assert [store.create("jobs/decision", text) for text in (b"committed", b"cancelled")] == [True, False]


def test_a_write_that_fails_leaves_nothing(store: ArtefactStore) -> None:
    def fail() -> None:
        with store.write("jobs/half") as stream:
            stream.write(bytes(60 * MB))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert store.keys("jobs") == set()
    assert store.abort_uploads(datetime.now(UTC) + timedelta(days=1)) == 0


def test_an_address_names_the_file(store: ArtefactStore) -> None:
    with store.write("jobs/artefact") as stream:
        stream.write(b"whole")
    address = store.presigned_url("jobs/artefact", 60, "Käse.zip")
    assert address is not None
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"whole"
        assert "K%C3%A4se.zip" in answer.headers["Content-Disposition"]


def test_objects_are_joined_in_the_store(store: ArtefactStore) -> None:
    parts = [bytes([number]) * (number * 3 * MB + number) for number in range(1, 5)]
    with store.join("jobs/artefact", 30 * MB) as join:
        assert isinstance(join, Join)
        for number, data in enumerate(parts):
            with store.write(f"jobs/{number}") as stream:
                stream.write(data + b"directory")
            store.copy_into(join, f"jobs/{number}", Piece(len(data), sha256(data).hexdigest()))
        join.write(b"end")
    with store.open("jobs/artefact") as stream:
        assert stream.read() == b"".join(parts) + b"end"


def test_an_upload_of_a_killed_process_is_given_up_when_it_is_old(store: ArtefactStore) -> None:
    files: Any = open_store(store.root_url)[0]
    bucket, key, _ = files.split_path(f"{store.root_url}/jobs/artefact")
    files.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
    now = datetime.now(UTC)
    assert store.abort_uploads(now - timedelta(days=1)) == 0
    assert store.abort_uploads(now + timedelta(hours=1)) == 1
