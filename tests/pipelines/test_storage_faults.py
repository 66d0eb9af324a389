"""The storage refuses a step's requests: if only for some time, the job completes; if permanently, it fails.

The whole job runs through Dagster in this process, as in a warm worker.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.errors import CommitContention
from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.errors import AlreadyFinished
from exports.jobs import manifest
from exports.jobs.job_id import run_id_for
from exports.jobs.parts import Part
from exports.limits import Limits
from exports.ports import JobStatus, Page
from exports.previews import pictures
from exports.reads import ExportReads
from pipelines import tags
from pipelines.automation.housekeeping import expire
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.export import stages
from pipelines.retries import FEW_RETRIES, RETRIES
from pipelines.storage.totals import stored_bytes
from renderers.archive.records import CorruptArchive
from tests.pipelines.conftest import LOTS
from tests.pipelines.whole_jobs import InFiveSteps, Stage, ThisProcess

FOR_GOOD = float("inf")


@dataclass
class Refusal:
    """A call of the storage that fails `times`, with the errors that a file system gives."""

    times: float
    code: int = errno.ENOSPC
    calls: int = field(default=0, init=False)

    def __call__(self, path: str) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise OSError(self.code, os.strerror(self.code), f"/secret/{path}")


#: By step: what of the store or the catalogue is refused, and a word of what the client is told.
CALLS = {
    "resolve": (ArtefactStore, "write", "manifest.parquet", "list of entities"),
    "render_chunk": (ArtefactStore, "write", ".data", "symbols"),
    "assemble_parts": (ArtefactStore, "write", "artefact", "artefact"),
    "publish": (ArtefactStore, "create", "decision.json", "decision"),
    "record_printed": (Catalogue, "write_file", "", "printed"),
}
STEPS = list(CALLS)


@pytest.fixture(params=[Runs, InFiveSteps])
def stage(
    request: pytest.FixtureRequest,
    dagster: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    exports = DagsterExports(
        instance=dagster,
        runs=request.param(dagster, defs.get_repository_def(), "unused.sock"),
        workers=ThisProcess(dagster),
        catalogue=catalogue,
        artefacts=artefacts,
        sync_threshold=LOTS,
        accounts=accounts,
        limits=Limits(max_items=LOTS),
    )
    return Stage(exports, artefacts, catalogue, accounts, dagster)


class Faults:
    """Makes methods of the stores refuse calls, until it is mended."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def refuse(self, kind: type, method: str, suffix: str, times: float, code: int = errno.ENOSPC) -> Refusal:
        """Refuse calls whose first text ends with the suffix."""
        refusal, original = Refusal(times, code), getattr(kind, method)

        def refusing(store: object, *arguments: Any, **options: Any) -> Any:
            text = next(argument for argument in arguments if isinstance(argument, str))
            if text.endswith(suffix):
                refusal(text)
            return original(store, *arguments, **options)

        self._patch.setattr(kind, method, refusing)
        return refusal

    def mend(self) -> None:
        self._patch.undo()


@pytest.fixture
def faults() -> Iterator[Faults]:
    with pytest.MonkeyPatch.context() as patch:
        yield Faults(patch)


@pytest.mark.parametrize(
    ("code", "retries"),
    [(errno.ENOSPC, FEW_RETRIES), (errno.ECONNREFUSED, RETRIES.max_retries)],
    ids=["full disk", "server away"],
)
@pytest.mark.parametrize("step", STEPS)
def test_what_is_refused_for_a_while_changes_nothing(
    stage: Stage, faults: Faults, step: str, code: int, retries: int
) -> None:
    undisturbed = stage.submit(asset_config={"record_printed": False})
    kind, method, suffix, _ = CALLS[step]
    refusal = faults.refuse(kind, method, suffix, retries, code)
    job = stage.submit()
    assert refusal.calls > retries
    assert (job.status, job.sha256) == (JobStatus.COMPLETED, undisturbed.sha256)
    assert stage.printed() == [job.job_id] * LOTS
    stage.require_free()
    assert stage.kept(job) == stage.kept(undisturbed)


@pytest.mark.parametrize("step", STEPS[:-1])
def test_what_is_refused_for_good_fails_the_job_and_gives_all_back(
    stage: Stage, faults: Faults, step: str
) -> None:
    kind, method, suffix, word = CALLS[step]
    refusal = faults.refuse(kind, method, suffix, FOR_GOOD)
    failed = stage.submit()
    assert refusal.calls == FEW_RETRIES + 1
    assert failed.error_code == "storage_failed"
    assert failed.error is not None
    assert word in failed.error
    assert "No space left on device" in failed.error
    assert "secret" not in failed.error
    stage.require_nothing_of(failed)
    faults.mend()
    assert stage.submit().status is JobStatus.COMPLETED


def test_a_record_refused_for_good_publishes_nothing(stage: Stage, faults: Faults) -> None:
    faults.refuse(Catalogue, "write_file", "", FOR_GOOD, errno.EROFS)
    failed = stage.submit()
    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "storage_failed")
    assert (failed.output_filename, failed.sha256, stage.printed()) == (None, None, [])
    stage.require_free()
    faults.mend()
    completed = stage.submit()
    assert completed.status is JobStatus.COMPLETED
    assert stage.printed() == [completed.job_id] * LOTS


@pytest.mark.parametrize("attempts", [RETRIES.max_retries, RETRIES.max_retries + 1])
def test_a_record_that_others_keep_winning_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    record, lost = lifecycle.record_printed, iter(range(attempts))

    def lose(*arguments: Any) -> int | None:
        if next(lost, None) is not None:
            raise CommitContention("other writers won")
        return record(*arguments)

    monkeypatch.setattr(lifecycle, "record_printed", lose)
    job = stage.submit()
    if attempts > RETRIES.max_retries:
        assert (job.status, job.error_code) == (JobStatus.FAILED, "commit_contention")
        assert stage.printed() == []
    else:
        assert job.status is JobStatus.COMPLETED
        assert stage.printed() == [job.job_id] * LOTS
    stage.require_free()


def test_a_storage_that_refuses_to_discard_hides_nothing(stage: Stage, faults: Faults) -> None:
    faults.refuse(ArtefactStore, "write", ".data", FOR_GOOD, errno.EROFS)
    kept = faults.refuse(ArtefactStore, "delete_folder", "", FOR_GOOD, errno.EBUSY)
    failed = stage.submit()
    assert kept.calls == 1
    assert failed.error_code == "storage_failed"
    assert "Read-only file system" in (failed.error or "")
    stage.require_free()


def test_a_fault_of_ours_gives_all_back_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(assemble, "_join_members", fail)
    failed = stage.submit()
    assert failed.error_code == "internal_error"
    assert "hunter2" not in (failed.error or "")
    stage.require_nothing_of(failed)


def test_what_cannot_be_tidied_up_is_published_all_the_same(stage: Stage, faults: Faults) -> None:
    kept = faults.refuse(ArtefactStore, "delete_folder", "", FOR_GOOD)
    job = stage.submit()
    assert kept.calls == 1
    assert job.status is JobStatus.COMPLETED
    assert stage.printed() == [job.job_id] * LOTS


def test_what_is_recorded_is_published_though_the_run_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(pictures, "first", fail)
    job = stage.submit()
    run = stage.dagster.get_run_by_id(run_id_for(job.job_id))
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert (job.status, job.error_code, job.processed_items) == (JobStatus.COMPLETED, None, LOTS)
    with ExportReads(stage.catalogue, stage.store).open_artefact(job) as stream:
        assert len(stream.read()) == job.file_size_bytes
    assert stage.printed() == [job.job_id] * LOTS
    assert [each.status for each in stage.exports.jobs("acme", Page(1, 10)).jobs] == [JobStatus.COMPLETED]
    with pytest.raises(AlreadyFinished):
        stage.exports.cancel("acme", job.job_id)


def test_nothing_is_recorded_by_a_job_that_lost_its_lease(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was committed, its worker died, and before another went on the lease expired and someone took it."""
    record = lifecycle.is_recorded

    def lose(*arguments: Any) -> bool:
        stage.accounts.release_lease("never-printed:acme", arguments[2])
        return record(*arguments)

    monkeypatch.setattr(lifecycle, "is_recorded", lose)
    failed = stage.submit()
    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "stock_is_busy")
    assert stage.printed() == []


def test_a_part_handed_on_twice_counts_once() -> None:
    """As Dagster does where `resolve` is killed between telling of two chunks, and then tells of all."""
    first, second = Part("a", 0, 2, 0, None), Part("b", 2, 3, 0, None)
    assert stages._distinct([first, first, second]) == [first, second]
    assert stages._distinct([second, first, second]) == [first, second]


def test_the_chunks_after_one_that_failed_are_not_drawn(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 2)
    tried: list[manifest.Chunk] = []

    def fail(_plan: object, _frozen: object, chunk: manifest.Chunk, *_: object) -> None:
        tried.append(chunk)
        raise CorruptArchive("a byte is not what was written")

    monkeypatch.setattr(render, "chunk_to_part", fail)
    failed = stage.submit()
    assert tried == [manifest.Chunk(0, 2)]
    assert failed.error_code == "corrupt_archive"
    stage.require_nothing_of(failed)


def test_a_chunk_drawn_while_another_fails_is_discarded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = render.chunk_to_part

    def draw_late(plan, *arguments):
        part = draw(plan, *arguments)
        stage.dagster.add_run_tags(run_id_for(plan.job_id), {tags.ERROR_CODE: "of_another"})
        return part

    monkeypatch.setattr(render, "chunk_to_part", draw_late)
    failed = stage.submit()
    assert failed.error_code == "of_another"
    stage.require_nothing_of(failed)
    begun = stage.dagster.get_records_for_run(
        run_id_for(failed.job_id), of_type=dg.DagsterEventType.STEP_START
    )
    assert "assemble_parts" not in str([record.event_log_entry.step_key for record in begun.records])


# Where in a part's data, as a share of it: the first bytes, among the symbols, the last one.
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999999])
@pytest.mark.parametrize(
    ("export_type", "file_format"), [("qr_codes", "svg"), ("datamatrix", "png"), ("sheet_pdf", "pdf")]
)
def test_a_corrupt_part_is_never_published(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, export_type: str, file_format: str, place: float
) -> None:
    sheet = {"asset_config": {"sheet_template": "avery_5160"}} if file_format == "pdf" else {}
    kinds = {"export_type": export_type, "file_format": file_format, **sheet}
    join = assemble.assemble

    def corrupt(plan, frozen, parts, store):
        (data,) = (Path(store.root_url) / plan.folder / "parts").rglob("*.data")
        content = bytearray(data.read_bytes())
        content[int(len(content) * place)] ^= 1
        data.write_bytes(content)
        return join(plan, frozen, parts, store)

    with monkeypatch.context() as patch:
        patch.setattr(assemble, "assemble", corrupt)
        failed = stage.submit(**kinds)
    assert failed.error_code in {"corrupt_archive", "corrupt_fragment"}
    assert failed.error
    assert stage.store.root_url not in failed.error
    stage.require_nothing_of(failed)
    completed = stage.submit(**kinds)
    assert completed.status is JobStatus.COMPLETED
    assert stage.printed() == [completed.job_id] * LOTS


def test_a_submission_that_cannot_be_stored_makes_nothing(stage: Stage, faults: Faults) -> None:
    faults.refuse(ArtefactStore, "create", "request.json", FOR_GOOD)
    with pytest.raises(OSError, match="No space left"):
        stage.submit()
    assert stage.dagster.get_runs_count() == 0
    assert list((Path(stage.store.root_url) / "exports").rglob("*")) == []
    faults.mend()
    assert stage.submit().status is JobStatus.COMPLETED


def test_a_published_job_counts_as_stored_until_it_is_removed(stage: Stage) -> None:
    job = stage.submit()
    assert job.file_size_bytes
    assert stored_bytes(stage.dagster, "acme") == job.file_size_bytes
    assert stored_bytes(stage.dagster, "other") == 0
    expire(stage.dagster, stage.store, datetime.now(UTC) + timedelta(days=1))
    assert stored_bytes(stage.dagster, "acme") == 0
