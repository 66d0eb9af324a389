"""Removal of expired jobs and of partly removed ones."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exports.artefacts import ArtefactStore
from exports.jobs import housekeeping
from exports.jobs.plan import load, save
from tests.exports.conftest import plan_for

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = LONG_AGO + timedelta(days=30)


def age(folder: Path, moment: datetime = LONG_AGO) -> None:
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (moment.timestamp(), moment.timestamp()))


def test_a_removed_job_leaves_nothing_and_a_download_in_flight_ends_well(store: ArtefactStore) -> None:
    plan = plan_for()
    save(plan, store)
    with store.write(f"{plan.folder}/artefact") as stream:
        stream.write(b"labels" * 100_000)
    with store.open(f"{plan.folder}/artefact") as download:
        first = download.read(6)
        housekeeping.remove(plan.job_id, store)
        assert first + download.read() == b"labels" * 100_000
    with pytest.raises(FileNotFoundError):
        load(plan.job_id, store)
    housekeeping.remove(plan.job_id, store)


def test_only_old_folders_without_a_job_are_left_over(store: ArtefactStore) -> None:
    folders = {}
    for name in ("known", "old", "young", "half", "empty"):
        plan = plan_for(name.ljust(22, "x"))
        save(plan, store)
        folders[name] = Path(store.root_url) / plan.folder
    (folders["empty"] / "request.json").unlink()
    for name in ("known", "old", "half", "empty"):
        age(folders[name])
    # Something in it is young: somebody is at work there.
    (folders["half"] / "parts").mkdir()
    (folders["half"] / "parts" / "0.data").write_bytes(b"")
    left = set(housekeeping.left_over(store, {"known".ljust(22, "x")}, BEFORE))
    assert left == {"old".ljust(22, "x"), "empty".ljust(22, "x")}


def test_a_store_without_any_job_has_nothing_left_over(store: ArtefactStore) -> None:
    assert list(housekeeping.left_over(store, set(), BEFORE)) == []
