"""Objects joined inside the store have the bytes that were asked for, and nothing is left of what failed."""

import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from catalogue.storage.object_stores import open_store
from exports.artefacts import ArtefactStore
from exports.storage import joining
from exports.storage.joining import LEAST_BYTES, Join, Piece, composite_sha256

MB = 1 << 20

#: Case table: sizes of the objects in MB, those below zero are written, and requests for pieces to the store.
JOINS: Sequence[tuple[str, Sequence[float], Sequence[str]]] = (
    ("large ones are copied, the rest is sent", [6, 7, -1], ["copy", "copy", "send"]),
    ("what is written before is filled up", [-1, 12], ["send", "copy"]),
    ("small ones are gathered", [1, 1, 1, 3, 6, -1], ["send", "copy", "send"]),
    ("one that is too short once the gap is filled", [2, 7, 6], ["send", "copy"]),
    ("only small ones", [1, 2, 3], ["send"]),
    ("much is written", [5, -20, -20, 5], ["copy", "send", "send", "copy"]),
    ("nothing comes last", [6, 6], ["copy", "copy"]),
)


def content(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def piece(data: bytes) -> Piece:
    return Piece(len(data), sha256(data).hexdigest())


@pytest.mark.parametrize(("sizes", "requests"), [case[1:] for case in JOINS], ids=[case[0] for case in JOINS])
def test_the_joined_object_has_all_bytes(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch, sizes: Sequence[float], requests: Sequence[str]
) -> None:
    store, asked = ArtefactStore(f"{s3_bucket}/here"), list[str]()
    begin = Join._begin

    def count(self: Join, request: Any, *arguments: Any) -> Any:
        asked.append("copy" if request == self._copied else "send")
        return begin(self, request, *arguments)

    monkeypatch.setattr(Join, "_begin", count)
    parts = [content(int(abs(size) * MB), seed) for seed, size in enumerate(sizes)]
    with store.join("jobs/a/artefact", 10 * MB) as join:
        assert isinstance(join, Join)
        for number, (size, data) in enumerate(zip(sizes, parts, strict=True)):
            if size < 0:
                join.write(data)
                continue
            with store.write(f"jobs/a/part {number}") as stream:
                # What follows the data is not copied.
                stream.write(data + b"directory")
            store.copy_into(join, f"jobs/a/part {number}", piece(data))
        assert not store.exists("jobs/a/artefact")
    with store.open("jobs/a/artefact") as stored:
        assert stored.read() == b"".join(parts)
    assert sorted(asked) == sorted(requests)
    assert join.offset == sum(map(len, parts))
    assert sum(size for size, _ in join.pieces) == join.offset
    at = 0
    for size, digest in join.pieces:
        assert sha256(b"".join(parts)[at : at + size]).hexdigest() == digest
        at += size


def join_one(
    store: ArtefactStore, there: bytes, told: Piece, more: int = 0, error: Exception | None = None
) -> None:
    """Join an object of one part, of which this is told, and claim `more` bytes of the result."""
    with store.write("jobs/a/part") as stream:
        stream.write(there)
    with store.join("jobs/a/artefact", 12 * MB) as join:
        assert isinstance(join, Join)
        store.copy_into(join, "jobs/a/part", told)
        join.offset += more
        if error:
            raise error


@pytest.mark.parametrize(
    ("bytes_there", "more", "error", "words"),
    [
        pytest.param(12 * MB, 0, InterruptedError("killed"), "killed", id="an exception"),
        pytest.param(12 * MB - 1, 0, None, None, id="a part that is cut short"),
        pytest.param(12 * MB, 1, None, "12582912 bytes in the store, not 12582913", id="another size"),
    ],
)
def test_a_failed_join_leaves_no_upload(
    s3_bucket: str, bytes_there: int, more: int, error: Exception | None, words: str | None
) -> None:
    store, data = ArtefactStore(s3_bucket), content(12 * MB, 1)
    with pytest.raises(OSError, match=words):
        join_one(store, data[:bytes_there], piece(data), more, error)
    files: Any = open_store(s3_bucket)[0]
    assert files.call_s3("list_multipart_uploads", Bucket="labels").get("Uploads", []) == []
    # One of another size is there, and will be written anew: nobody publishes it.
    assert store.exists("jobs/a/artefact") == (error is None)


def test_a_range_of_more_than_one_copy_is_cut_evenly(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, data = ArtefactStore(s3_bucket), content(21 * MB, 1)
    monkeypatch.setattr(joining, "_MOST_BYTES", 10 * MB)
    with store.write("jobs/a/part") as stream:
        stream.write(data)
    with store.join("jobs/a/artefact", 21 * MB) as join:
        assert isinstance(join, Join)
        store.copy_into(join, "jobs/a/part", piece(data))
        assert len(join._tags) == 3
    with store.open("jobs/a/artefact") as stored:
        assert stored.read() == data


def test_pieces_are_larger_where_there_would_be_too_many() -> None:
    join = Join(None, {}, None, 500 << 30)
    assert join._least * 9_000 > 500 << 30
    assert Join(None, {}, None, 1 << 30)._least == LEAST_BYTES


def test_little_is_not_worth_it_and_goes_through_here(s3_bucket: str) -> None:
    with ArtefactStore(s3_bucket).join("jobs/a/artefact", 2 * LEAST_BYTES - 1) as out:
        assert not isinstance(out, Join)


def test_the_composite_digest_tells_the_cuts_too() -> None:
    one, two = piece(b"ab"), [piece(b"a"), piece(b"b")]
    written = bytes(7) + b"\x01" + sha256(b"a").digest() + bytes(7) + b"\x01" + sha256(b"b").digest()
    assert composite_sha256(two) == sha256(written).hexdigest()
    assert composite_sha256([one]) != composite_sha256(two)
