"""Concurrent commit and cancellations: one of them decides, and all get the same decision."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Barrier

import pytest

from exports.artefacts import ArtefactStore
from exports.errors import ExportCancelled
from exports.jobs import decision
from exports.jobs.decision import Artefact, Decision
from exports.jobs.job_id import folder_of
from tests.exports.conftest import NOW

ROUNDS = 300
CANCELLERS = 3


def _commit(job_id: str, store: ArtefactStore, together: Barrier) -> Decision | None:
    artefact = Artefact(f"{folder_of(job_id)}/artefact", "labels.zip", 9, "00", 4, 1)
    together.wait(30)
    try:
        return decision.commit(job_id, artefact, store, NOW)
    except ExportCancelled:
        return None


def _cancel(job_id: str, store: ArtefactStore, together: Barrier) -> Decision:
    together.wait(30)
    return decision.cancel(job_id, store, NOW)


def test_one_decides_and_all_learn_the_same(store: ArtefactStore, tmp_path: Path) -> None:
    outcomes: list[bool] = []
    with ThreadPoolExecutor(1 + CANCELLERS) as pool:
        for number in range(ROUNDS):
            job_id, together = f"{number:022d}", Barrier(1 + CANCELLERS)
            committing = pool.submit(_commit, job_id, store, together)
            cancelling = [pool.submit(_cancel, job_id, store, together) for _ in range(CANCELLERS)]
            committed = committing.result(30)
            decided = decision.of(job_id, store)
            assert decided is not None
            assert {each.result(30).cancelled for each in cancelling} == {decided.cancelled}
            assert (committed is None) is decided.cancelled
            assert committed in {None, decided}
            outcomes.append(decided.cancelled)
    assert set(outcomes) == {True, False}, "no race: the same side always won"
    left = {path.name for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert left == {"decision.json"}


def test_a_decision_that_landed_is_no_failure_of_the_attempt_after_it(store: ArtefactStore) -> None:
    artefact = Artefact("exports/one/artefact", "labels.zip", 9, "00", 4, 1)
    first = decision.commit("one", artefact, store, NOW)
    assert decision.commit("one", artefact, store, NOW.replace(hour=1)) == first


def test_nothing_is_decided_while_the_storage_refuses(
    store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("os.link", refuse)
        with pytest.raises(OSError):  # noqa: PT011 - ours, above
            decision.cancel("one", store, NOW)
    assert decision.of("one", store) is None
    assert decision.cancel("one", store, NOW).cancelled


def test_a_decision_of_an_older_release_is_read(store: ArtefactStore) -> None:
    artefact = Artefact(f"{folder_of('one')}/artefact", "a.zip", 3, "00", processed=1, failed=0)
    older = {"decided_at": NOW.isoformat(), "artifact": asdict(artefact)}
    store.write_json(f"{folder_of('one')}/decision.json", older)
    store.write_json(f"{folder_of('two')}/decision.json", {"decided_at": NOW.isoformat(), "artifact": None})
    assert decision.of("one", store) == Decision(NOW, artefact)
    assert decision.of("two", store) == Decision(NOW, None)
