"""An archive that an object store has joined of parts is the one that is joined on a disk."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.storage import joining
from exports.storage.joining import Join
from renderers.archive.records import CorruptArchive
from tests.exports.conftest import Import, plan_for, run

LOTS = 10_500


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    rows = "".join(f"9506000134352,{number:07d},2027-05-01\n" for number in range(LOTS))
    return imported(
        products="gtin,name\n9506000134352,Tea\n", lots=f"gtin,lot_number,expiration_date\n{rows}"
    )


@pytest.fixture
def far(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> ArtefactStore:
    """A store whose parts have 6, 6 and 0.6 MB: two are copied, one goes through here."""
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 5_000)
    return ArtefactStore(f"{s3_bucket}/here")


def digest(store: ArtefactStore, key: str) -> str:
    with store.open(key) as stream:
        return sha256(stream.read()).hexdigest()


def test_it_has_the_same_bytes(
    catalogue: Catalogue, store: ArtefactStore, far: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = Join.copy
    monkeypatch.setattr(
        Join, "copy", lambda join, path, piece: copied.append(path) or copy(join, path, piece)
    )
    here, there = run(plan_for(), catalogue, store), run(plan_for(), catalogue, far)
    assert len(copied) == 3
    assert here.sha256 == digest(far, there.key)
    assert (there.size_bytes, there.processed) == (here.size_bytes, here.processed)
    assert (here.composite_sha256, here.piece_bytes) == ("", ())
    assert there.sha256 is None
    with far.open(there.key) as stream:
        pieces = [joining.Piece(size, sha256(stream.read(size)).hexdigest()) for size in there.piece_bytes]
        assert stream.read() == b""
    assert there.composite_sha256 == joining.composite_sha256(pieces)
    decided = decision.of(plan_for().job_id, far)
    assert decided is not None
    assert decided.artefact == there


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: b"x" + data[1:], id="its first member"),
        pytest.param(lambda data: data[:-1] + b"x", id="its directory"),
        pytest.param(lambda data: data[1:] + b"x", id="all of it, by one byte"),
    ],
)
def test_a_part_that_the_store_has_spoilt_is_not_published(
    catalogue: Catalogue, far: ArtefactStore, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes]
) -> None:
    join = ArtefactStore.join

    def spoilt(store: ArtefactStore, key: str, copied_bytes: int) -> object:
        part = min(each for each in store.keys("exports") if each.endswith(".data"))
        with store.open(part) as stream:
            data = stream.read()
        with store.write(part) as stream:
            stream.write(spoil(data))
        return join(store, key, copied_bytes)

    monkeypatch.setattr(ArtefactStore, "join", spoilt)
    with pytest.raises(CorruptArchive):
        run(plan_for(), catalogue, far)
    assert decision.of(plan_for().job_id, far) is None
