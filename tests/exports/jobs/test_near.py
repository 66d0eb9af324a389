"""The store of a small job's one process, on an object store that is not of this machine."""

import fsspec
import pytest

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs.near import near
from exports.jobs.plan import key, save
from tests.exports.conftest import NOW, plan_for

PLAN = plan_for()
ARTEFACT, PART, TABLE = f"{PLAN.folder}/artefact", f"{PLAN.folder}/parts/a/b.data", f"{PLAN.folder}/first.png"


@pytest.fixture
def far() -> ArtefactStore:
    fsspec.filesystem("memory").store.clear()
    store = ArtefactStore("memory://here")
    save(PLAN, store)
    return store


def put(store: ArtefactStore, name: str, data: bytes) -> None:
    with store.write(name) as stream:
        stream.write(data)


def test_parts_stay_near_and_all_else_is_stored_too(far: ArtefactStore) -> None:
    with near(far, PLAN.job_id) as store:
        for name in (ARTEFACT, PART, TABLE):
            put(store, name, name.encode())
            assert store.read(name) == name.encode()
            assert store.exists(name)
        assert far.keys(PLAN.folder) == {key(PLAN.job_id), ARTEFACT, TABLE}
        store.delete(TABLE)
        store.delete_folder(f"{PLAN.folder}/parts")
        assert not store.exists(TABLE)
        assert not store.exists(PART)
    assert far.keys(PLAN.folder) == {key(PLAN.job_id), ARTEFACT}


def test_the_artefact_is_read_where_it_lies(far: ArtefactStore) -> None:
    with near(far, PLAN.job_id) as store:
        put(store, ARTEFACT, b"drawn")
        put(far, ARTEFACT, b"spoilt")
        with store.on_disk(ARTEFACT) as path:
            assert path.read_bytes() == b"spoilt"


def test_what_was_stored_before_is_found(far: ArtefactStore) -> None:
    put(far, TABLE, b"of the killed one")
    put(far, PART, b"of the killed one")
    with near(far, PLAN.job_id) as store:
        assert store.read(TABLE) == b"of the killed one"
        store.delete_folder(f"{PLAN.folder}/parts")
    assert far.keys(PLAN.folder) == {key(PLAN.job_id), TABLE}


def test_a_cancellation_of_others_is_seen(far: ArtefactStore) -> None:
    with near(far, PLAN.job_id) as store:
        assert decision.of(PLAN.job_id, store) is None
        assert decision.cancel(PLAN.job_id, far, NOW).cancelled
        found = decision.of(PLAN.job_id, store)
        assert found is not None
        assert found.cancelled


def test_on_a_local_disk_it_is_the_store_itself(store: ArtefactStore) -> None:
    with near(store, PLAN.job_id) as here:
        assert here is store
