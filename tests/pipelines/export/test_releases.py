"""A job that another release resumes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports import render
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from pipelines.export import stages
from pipelines.export.stages import Stores
from tests.exports.conftest import plan_for


@contextmanager
def release(name: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "RELEASE", name)
        yield


def test_no_artefact_is_drawn_by_two(
    catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> None:
    export = plan_for()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "CHUNK_ROWS", 2)
        frozen = manifest.freeze(export, catalogue, artefacts)
        chunks = frozen.chunks()
    with release("1.0"):
        drawn = [render.chunk_to_part(export, frozen, chunk, artefacts) for chunk in chunks[:2]]
    with release("2.0"):
        drawn += [render.chunk_to_part(export, frozen, chunk, artefacts) for chunk in chunks[2:]]
        assert stages.assembled(export, frozen, drawn[:1], artefacts) == drawn[:1]
        assembled = stages.of_this_release(export, frozen, drawn, Stores(catalogue, artefacts, accounts))
        assert [(part.start, part.stop) for part in assembled] == [(part.start, part.stop) for part in drawn]
        assert len({part.key.split("/")[-2] for part in drawn}) == 2
        assert {part.key.split("/")[-2] for part in assembled} == {drawn[-1].key.split("/")[-2]}
        # What is recorded is what the artefact holds.
        assert stages.assembled(export, frozen, drawn, artefacts) == assembled
