"""Objects appear either complete or not at all, and are created once."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exports.artefacts import ArtefactStore


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))

    def fail() -> None:
        with store.write("a/b") as stream:
            stream.write(b"half")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert list((tmp_path / "a").iterdir()) == []


def test_one_of_many_creators_wins(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: store.create("decision", b"%d" % i), range(32)))
    assert sum(won) == 1
    assert (tmp_path / "decision").read_bytes() == b"%d" % won.index(True)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_goes_whole(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    store.write_json("job/parts/one", {"a": 1})
    store.delete_folder("job/parts")
    store.delete_folder("job/parts")
    assert not store.exists("job/parts/one")


def test_a_storage_that_refuses_is_told_and_nothing_of_its_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtefactStore(str(tmp_path))

    def half(self: Path, data: bytes) -> None:
        with self.open("wb") as stream:
            stream.write(data[:1])
        raise OSError(errno.ENOSPC, "first")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(OSError, match="first"):
            store.create("a", b"whole")
    assert list(tmp_path.iterdir()) == []
    assert store.create("a", b"whole")


def test_the_first_error_is_told_where_nothing_can_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtefactStore(str(tmp_path))

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "second")

    monkeypatch.setattr(os, "remove", refuse)
    with pytest.raises(OSError, match="first"), store.write("a"):
        raise OSError(errno.EIO, "first")


def test_what_was_left_unfinished_goes_alone(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    store.delete_unfinished("job")
    store.write_json("job/artefact", {})
    store.write_json("job/parts/one", {})
    (tmp_path / "job" / "artefact.0123.tmp").write_bytes(b"half")
    store.delete_unfinished("job")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"artefact", "one"}
