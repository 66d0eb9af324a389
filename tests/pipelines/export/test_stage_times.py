"""When a job's stages ended, as its run and its files tell: of small and large jobs, and of jobs that fail."""

import dagster as dg
import pytest

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.errors import ExportNotFound
from exports.ports import JobStatus, Stage
from gs1.errors import LabelError
from pipelines.execution.runs import Runs
from tests.pipelines.test_small_jobs import made
from tests.pipelines.whole_jobs import InFiveSteps


@pytest.mark.parametrize("kind", [Runs, InFiveSteps])
def test_the_stages_of_a_job_end_one_after_the_other(
    dagster: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    kind: type[Runs],
) -> None:
    stage = made(dagster, catalogue, artefacts, accounts, kind)
    job = stage.submit()
    ended = stage.exports.stages("acme", job.job_id)
    assert list(ended) == list(Stage)
    assert job.started_at is not None
    assert job.finished_at is not None
    times = [job.started_at, *ended.values(), job.finished_at]
    assert times == sorted(times)
    with pytest.raises(ExportNotFound):
        stage.exports.stages("other", job.job_id)


@pytest.mark.parametrize(
    ("module", "name", "reached"),
    [
        (render, "chunk_to_part", [Stage.RESOLVE]),
        (assemble, "assemble", [Stage.RESOLVE, Stage.DRAW]),
    ],
)
@pytest.mark.parametrize("kind", [Runs, InFiveSteps])
def test_a_job_that_fails_tells_how_far_it_came(
    dagster: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Runs],
    module: object,
    name: str,
    reached: list[Stage],
) -> None:
    def fail(*_: object) -> None:
        raise LabelError("not this time")

    monkeypatch.setattr(module, name, fail)
    stage = made(dagster, catalogue, artefacts, accounts, kind)
    job = stage.submit()
    assert job.status is JobStatus.FAILED
    assert list(stage.exports.stages("acme", job.job_id)) == reached
