"""The index of jobs follows every write of runs and tags, and can be rebuilt from them."""

import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.jobs.job_id import job_id_for
from exports.ports import JobPosition, JobStatus
from pipelines import tags
from pipelines.storage import instance, job_index
from pipelines.storage.databases import postgres, sqlite
from pipelines.storage.job_index import IndexedRuns
from pipelines.storage.job_status import derived_status

ORGANISATIONS = ("acme", "other", None)
CREATED = datetime(2026, 3, 31, 12, tzinfo=UTC)

#: Writes of a run, by name: events of its life, and the tags that decide the job status.
EVENTS = (
    dg.DagsterEventType.PIPELINE_STARTING,
    dg.DagsterEventType.PIPELINE_START,
    dg.DagsterEventType.PIPELINE_SUCCESS,
    dg.DagsterEventType.PIPELINE_FAILURE,
    dg.DagsterEventType.PIPELINE_CANCELED,
)
TAGS: tuple[Mapping[str, str], ...] = (
    {tags.TOTAL_ITEMS: "7"},
    {tags.CANCELLED: tags.TRUE},
    {tags.ARTEFACT: "{}"},
    {tags.RECORDED: tags.TRUE},
    {tags.RECORDED: tags.FALSE},
)

_WRITES = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(EVENTS)),
    st.tuples(st.just("tags"), st.sampled_from(TAGS)),
    st.tuples(st.just("delete"), st.none()),
)


@pytest.fixture
def runs(dagster: dg.DagsterInstance) -> IndexedRuns:
    return job_index.of(dagster)


def add(runs: IndexedRuns, number: int, organisation: str | None = "acme") -> dg.DagsterRun:
    owner = {} if organisation is None else {tags.ORGANISATION: organisation}
    run = dg.DagsterRun("label_export", run_id=str(uuid.UUID(int=number)), tags=owner)
    return runs.add_historical_run(run, (CREATED + timedelta(seconds=number)).replace(tzinfo=None))


def happen(runs: IndexedRuns, run: dg.DagsterRun, event: dg.DagsterEventType) -> None:
    runs.handle_run_event(run.run_id, dg.DagsterEvent(event.value, run.job_name))


def listed(runs: IndexedRuns, organisation: str, status: JobStatus | None = None) -> list[str]:
    with runs.snapshot() as connection:
        return job_index.page(connection, organisation, status, after=None, offset=0, limit=100)


def require_truth(runs: IndexedRuns) -> None:
    """Compare lists, counts and totals with the runs themselves."""
    kept = runs.get_runs()
    truth = [
        (run.run_id, run.tags.get(tags.ORGANISATION), derived_status(run.status, run.tags)) for run in kept
    ]
    for organisation in ("acme", "other"):
        of_it = [(run_id, status) for run_id, owner, status in truth if owner == organisation]
        for wanted in (None, *JobStatus):
            expected = sorted((run_id for run_id, status in of_it if wanted in {None, status}), reverse=True)
            assert listed(runs, organisation, wanted) == expected
            with runs.snapshot() as connection:
                assert job_index.count(connection, organisation, wanted) == len(expected)
                unsettled = job_index.unsettled(connection, organisation)
        assert sorted(unsettled) == sorted(run_id for run_id, status in of_it if status is None)
    exports = [run for run in kept if tags.ORGANISATION in run.tags]
    with runs.snapshot() as connection:
        totals = job_index.totals(connection)
    statuses = Counter(derived_status(run.status, run.tags) for run in exports)
    assert totals.jobs == {status: statuses[status] for status in JobStatus}
    assert totals.entities == sum(
        int(run.tags.get(tags.TOTAL_ITEMS, 0))
        for run in exports
        if derived_status(run.status, run.tags) is JobStatus.COMPLETED
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(ORGANISATIONS), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), _WRITES), max_size=20),
)
def test_the_index_follows_every_history(runs: IndexedRuns, owners, writes) -> None:
    runs.wipe()
    made = [add(runs, number, owner) for number, owner in enumerate(owners)]
    for number, (kind, what) in writes:
        run = made[number % len(made)]
        if not runs.has_run(run.run_id):
            continue
        if kind == "event":
            happen(runs, run, what)
        elif kind == "tags":
            runs.add_run_tags(run.run_id, what)
        else:
            runs.delete_run(run.run_id)
    require_truth(runs)
    assert runs.repair_index() == 0


def test_a_write_that_dies_leaves_the_index_as_it_was(
    runs: IndexedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add(runs, 1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job_index, "_add", die)
        with pytest.raises(KeyboardInterrupt):
            happen(runs, run, dg.DagsterEventType.PIPELINE_START)
    assert runs.get_runs()[0].status is dg.DagsterRunStatus.NOT_STARTED
    require_truth(runs)
    happen(runs, run, dg.DagsterEventType.PIPELINE_START)
    require_truth(runs)


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("DELETE FROM export_jobs WHERE status = 'pending'", 2),
        ("UPDATE export_jobs SET status = 'failed', organisation = 'other'", 3),
        ("DELETE FROM runs WHERE status = 'SUCCESS'", 1),
        ("UPDATE export_job_counts SET jobs = jobs + 5", 0),
        ("DELETE FROM export_job_counts", 0),
    ],
)
def test_a_damaged_index_is_repaired(
    runs: IndexedRuns, monkeypatch: pytest.MonkeyPatch, damage: str, wrong: int
) -> None:
    monkeypatch.setattr(job_index, "_RUNS_AT_ONCE", 2)
    for number in range(3):
        add(runs, number)
    happen(runs, runs.get_runs()[0], dg.DagsterEventType.PIPELINE_SUCCESS)
    with runs.transaction() as connection:
        connection.exec_driver_sql(damage)
    assert runs.repair_index() == wrong
    require_truth(runs)


def test_a_database_of_an_earlier_release_gets_an_index(runs: IndexedRuns, tmp_path: Path) -> None:
    add(runs, 1)
    with runs.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE export_jobs")
        connection.exec_driver_sql("DROP TABLE export_job_counts")
    # Another release is another process.
    sqlite._checked.clear()
    postgres._checked.clear()
    with instance.load(tmp_path / "home") as later:
        require_truth(job_index.of(later))


def test_a_cursor_holds_its_place_while_jobs_come_and_go(runs: IndexedRuns) -> None:
    made = {add(runs, number).run_id: number for number in range(10)}
    seen: list[str] = []
    after: JobPosition | None = None
    for step in range(20):
        with runs.snapshot() as connection:
            found = job_index.page(connection, "acme", None, after=after, offset=0, limit=3)
        seen += found
        if not found:
            break
        after = JobPosition(CREATED + timedelta(seconds=made[found[-1]]), job_id_for(found[-1]))
        add(runs, 100 + step)
        runs.delete_run(found[-1])
    assert seen == sorted(made, reverse=True)


def test_a_snapshot_sees_one_state(runs: IndexedRuns, tmp_path: Path) -> None:
    add(runs, 1)
    with instance.load(tmp_path / "home") as other:
        with runs.snapshot():
            before = listed(runs, "acme")
            add(job_index.of(other), 2)
            assert listed(runs, "acme") == before
        assert len(listed(runs, "acme")) == 2


def test_writers_of_one_run_lose_nothing(runs: IndexedRuns) -> None:
    """Dagster reads a run, and writes what it has read with the new tags."""
    run = add(runs, 1)
    wanted = {f"labels/{number}": str(number) for number in range(40)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda tag: runs.add_run_tags(run.run_id, dict([tag])), wanted.items()))
    assert wanted.items() <= runs.get_runs()[0].tags.items()
