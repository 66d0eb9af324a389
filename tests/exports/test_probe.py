"""A store in which several create one object is found out, and refused with an explanation."""

from pathlib import Path

import pytest

from exports.artefacts import ArtefactStore
from exports.probe import UnfitStorage, fault, require_fit


class TakesAll(ArtefactStore):
    """A server that ignores the condition."""

    def create(self, key: str, data: bytes) -> bool:
        with self.write(key) as stream:
            stream.write(data)
        return True


class TakesTheFirstOnes(TakesAll):
    """A server that looks first and creates then."""

    def create(self, key: str, data: bytes) -> bool:
        return data != b"4" and super().create(key, data)


class Gone(ArtefactStore):
    def create(self, key: str, data: bytes) -> bool:
        raise ConnectionRefusedError(key)


def test_a_store_with_one_winner_is_fit_and_keeps_nothing_of_the_look(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    assert fault(store) is None
    require_fit(store)
    assert store.keys("health") == set()


@pytest.mark.parametrize(("kind", "winners"), [(TakesAll, 5), (TakesTheFirstOnes, 4)])
def test_a_store_with_more_winners_is_refused(
    tmp_path: Path, kind: type[ArtefactStore], winners: int
) -> None:
    with pytest.raises(UnfitStorage, match=f"let {winners} of 5 writers.*LABELS_STORAGE_URL.*If-None-Match"):
        require_fit(kind(str(tmp_path)))


def test_one_that_does_not_answer_may_come_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    require_fit(Gone(str(tmp_path)))
    assert "does not answer" in caplog.text
    with pytest.raises(ConnectionRefusedError):
        fault(Gone(str(tmp_path)))
