"""A small job is one step: what it costs, and that a killed one goes on to the same bytes and one record."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.engine import Engine

from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.tables import Catalogue, catalogue_url
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.jobs.job_id import run_id_for
from exports.limits import Limits
from exports.ports import JobStatus, Page
from gs1.check_digit import check_digit
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.dagster_workers import core_execute_run, recon_job_from_origin
from pipelines.execution.runs import Runs
from pipelines.export import mirror
from pipelines.export.assets import LABEL_EXPORT_JOB, LABEL_EXPORT_SMALL_JOB
from pipelines.export.checks import LABEL_EXPORT
from pipelines.storage.dagster_storage import SqlEventLogStorageMetadata
from pipelines.storage.databases.sqlite import PooledSqliteEventLogStorage, PooledSqliteRunStorage
from tests.object_store import BUCKET, counting_server
from tests.pipelines.conftest import LOTS, stocked
from tests.pipelines.whole_jobs import InFiveSteps, Stage, ThisProcess


def made(
    dagster: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    kind: type[Runs] = Runs,
) -> Stage:
    exports = DagsterExports(
        instance=dagster,
        runs=kind(dagster, defs.get_repository_def(), "unused.sock"),
        workers=ThisProcess(dagster),
        catalogue=catalogue,
        artefacts=artefacts,
        sync_threshold=LOTS,
        accounts=accounts,
        limits=Limits(max_open_jobs=100),
    )
    return Stage(exports, artefacts, catalogue, accounts, dagster)


@pytest.fixture
def stage(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> Stage:
    return made(dagster, catalogue, artefacts, accounts)


def stored_events(dagster: dg.DagsterInstance, run_id: str) -> list[tuple[str | None, int]]:
    """Return the kind and the size in bytes of each event of the run."""
    storage = dagster.event_log_storage
    assert isinstance(storage, PooledSqliteEventLogStorage)
    rows = SqlEventLogStorageMetadata.tables["event_logs"].c
    query = select(rows.dagster_event_type, rows.event).where(rows.run_id == run_id)
    with storage.run_connection(run_id) as connection:
        return [(kind, len(text.encode())) for kind, text in connection.execute(query)]


@contextmanager
def transactions() -> Iterator[list[str]]:
    """Yield a list that gets the database of each transaction of the block."""
    ended: list[str] = []

    def committed(connection: Connection) -> None:
        ended.append(str(connection.engine.url.database))

    event.listen(Engine, "commit", committed)
    yield ended
    event.remove(Engine, "commit", committed)


#: Kind of run, events, their bytes (1 kB = 1,024), and database transactions with those of the submission, at most.
COSTS = [(Runs, 12, 16, 42), (InFiveSteps, 24, 30, 58)]


@pytest.mark.parametrize(("kind", "most_events", "most_kilobytes", "most_transactions"), COSTS)
def test_a_small_job_costs_little(
    dagster: dg.DagsterInstance,
    catalogue: Catalogue,
    artefacts: ArtefactStore,
    accounts: Accounts,
    kind: type[Runs],
    most_events: int,
    most_kilobytes: int,
    most_transactions: int,
) -> None:
    stage = made(dagster, catalogue, artefacts, accounts, kind)
    body = {"filters": {"gtins": ["9506000134352"]}}
    stage.submit(**body)
    with transactions() as ended:
        job = stage.submit(**body)
    assert job.status is JobStatus.COMPLETED
    events = stored_events(dagster, run_id_for(job.job_id))
    assert len(events) <= most_events, events
    assert sum(size for _, size in events) <= most_kilobytes * 1_024, events
    assert len(ended) <= most_transactions, ended


#: The log of printings gets a file with each job, and is summed up after 20: until then each one is read.
MOST_REQUESTS = 50


def test_a_small_job_asks_an_object_store_little(
    dagster: dg.DagsterInstance, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    pytest.importorskip("moto", reason="moto[server] is not installed")
    with counting_server(tmp_path / "requests.log") as (environment, requests):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir(BUCKET)
        root = f"s3://{BUCKET}/here"
        monkeypatch.setenv("LABELS_STORAGE_URL", root)
        catalogue = stocked(Catalogue(catalogue_url(root)), tmp_path)
        stage = made(dagster, catalogue, ArtefactStore(root), accounts)
        stage.submit(asset_config={"record_printed": False})
        before = requests()
        job = stage.submit()
        assert job.status is JobStatus.COMPLETED
        assert requests() - before <= MOST_REQUESTS
        assert stage.printed() == [job.job_id] * LOTS
        s3fs.S3FileSystem.clear_instance_cache()


def test_no_event_repeats_the_request(stage: Stage) -> None:
    known, keys = "9506000134352", (f"0950600{number:06d}" for number in range(1_000))
    listed = [known, *(f"{key}{check_digit(key)}" for key in keys)]
    jobs = [stage.submit(filters={"gtins": gtins}) for gtins in ([known], listed)]
    short, long = (
        sum(size for _, size in stored_events(stage.dagster, run_id_for(job.job_id))) for job in jobs
    )
    assert jobs[1].unmatched == 1_000
    assert long - short < 100


def test_both_jobs_make_the_same_asset(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> None:
    told: list[dict[str, Any]] = []
    checks: list[set[tuple[str, bool]]] = []
    for kind, name in ((Runs, LABEL_EXPORT_SMALL_JOB), (InFiveSteps, LABEL_EXPORT_JOB)):
        job = made(dagster, catalogue, artefacts, accounts, kind).submit(
            asset_config={"record_printed": False}
        )
        run_id = run_id_for(job.job_id)
        run = dagster.get_run_by_id(run_id)
        assert run is not None
        assert (run.job_name, run.status) == (name, dg.DagsterRunStatus.SUCCESS)
        newest = dagster.get_latest_materialization_event(LABEL_EXPORT)
        assert newest is not None
        assert newest.run_id == run_id
        materialization = newest.asset_materialization
        assert materialization is not None
        assert materialization.partition == "acme"
        told.append({"metadata": set(materialization.metadata), "tags": set(materialization.tags or {})})
        evaluations = dagster.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
        found = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in evaluations]
        checks.append({(each.check_name, each.passed) for each in found})
    assert told[0] == told[1]
    assert "dagster/input_data_version/catalogue/products" in told[0]["tags"]
    assert checks[0] == checks[1]
    assert len(checks[0]) == 4


class Killed(BaseException):
    """The process ends here: nothing after it is stored."""


#: Behind these functions a process is killed: module or class, and name.
MARKS = [
    (manifest, "freeze"),
    (render, "chunk_to_part"),
    (assemble, "assemble"),
    (decision, "commit"),
    (mirror, "committed"),
    (lifecycle, "record_printed"),
    (assemble, "discard_parts"),
]


@contextmanager
def killed_behind(where: Any, name: str) -> Iterator[None]:
    """Raise Killed when the function has returned, and store nothing of the run from then on."""
    original, dead = getattr(where, name), False

    def then_die(*arguments: Any, **options: Any) -> Any:
        nonlocal dead
        original(*arguments, **options)
        dead = True
        raise Killed

    def while_alive(stores: Any) -> Any:
        return lambda *arguments, **options: None if dead else stores(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, then_die)
        for kind, method in (
            (PooledSqliteEventLogStorage, "store_event"),
            (PooledSqliteRunStorage, "handle_run_event"),
            (PooledSqliteRunStorage, "add_run_tags"),
        ):
            patch.setattr(kind, method, while_alive(getattr(kind, method)))
        yield
    assert dead


@pytest.mark.parametrize("release", [None, "9.9"], ids=["same release", "next release"])
@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark[1])
def test_a_killed_small_job_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, mark: tuple[Any, str], release: str | None
) -> None:
    undisturbed = stage.submit(asset_config={"record_printed": False})
    execute = ThisProcess.execute
    with monkeypatch.context() as patch:
        runs: list[str] = []

        def until_killed(worker: ThisProcess, run_id: str, *arguments: Any, **options: Any) -> None:
            runs.append(run_id)
            with killed_behind(*mark):
                execute(worker, run_id, *arguments, **options)

        patch.setattr(ThisProcess, "execute", until_killed)
        stage.submit()
    if release is not None:
        monkeypatch.setattr(manifest, "RELEASE", release)
    run = stage.dagster.get_run_by_id(runs[0])
    assert run is not None
    assert run.status is dg.DagsterRunStatus.STARTED
    assert run.job_code_origin is not None
    job = recon_job_from_origin(run.job_code_origin)
    for _ in core_execute_run(job, run, stage.dagster, inject_env_vars=False, resume_from_failure=True):
        pass
    ended = stage.exports.job("acme", stage.exports.jobs("acme", Page(1, 1)).jobs[0].job_id)
    assert (ended.status, ended.sha256) == (JobStatus.COMPLETED, undisturbed.sha256)
    assert stage.printed() == [ended.job_id] * LOTS
    assert stage.kept(ended) == stage.kept(undisturbed)
    stage.require_free()
