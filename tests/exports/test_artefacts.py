"""Objects appear whole or not at all, and are created once."""

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
