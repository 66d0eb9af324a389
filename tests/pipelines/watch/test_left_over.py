"""Exports that were created and never started: one sweeper cancels them, unless the request may be repeated."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.jobs import decision, leases, plan
from exports.jobs.decision import Artefact
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.watch.left_over import sweep
from pipelines.watch.sightings import Sightings

REQUEST = parse_request(
    b'{"scope":"lots","export_type":"qr_codes","file_format":"svg","filters":{"never_printed":true}}'
)

ARTEFACT = Artefact("key", "labels.zip", 1, "0" * 64, 1, 0)


@dataclass
class Sweeper:
    """A sweeper whose monotonic clock is the test's."""

    dagster: dg.DagsterInstance
    artefacts: ArtefactStore
    accounts: Accounts
    now: float = 0.0

    def __post_init__(self) -> None:
        self.seen = Sightings[str]()

    def sweep(self, now: datetime | None = None) -> list[str]:
        return list(sweep(self.dagster, self.artefacts, self.accounts, self.seen, now or datetime.now(UTC)))

    def made(self, run_id: uuid.UUID) -> ExportPlan:
        export = ExportPlan(job_id_for(run_id), "acme", None, "key:1", datetime.now(UTC), REQUEST)
        plan.save(export, self.artefacts)
        Runs(self.dagster, defs.get_repository_def(), "unused.sock").create(export)
        return export

    def status_of(self, export: ExportPlan) -> dg.DagsterRunStatus:
        run = self.dagster.get_run_by_id(run_id_for(export.job_id))
        assert run is not None
        return run.status


@pytest.fixture
def sweeper(
    dagster: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
) -> Sweeper:
    made = Sweeper(dagster, artefacts, accounts)
    monkeypatch.setattr("pipelines.watch.sightings.time.monotonic", lambda: made.now)
    return made


def test_what_never_got_a_receipt_is_cancelled_for_good(sweeper: Sweeper) -> None:
    export = sweeper.made(uuid.uuid4())
    assert leases.try_acquire(export, sweeper.accounts, sweeper.artefacts)
    assert sweeper.sweep() == []
    sweeper.now = 59
    assert sweeper.sweep(datetime.now(UTC) + timedelta(days=400)) == [], "the clock was set"
    sweeper.now = 60
    assert sweeper.sweep() == [run_id_for(export.job_id)]
    assert sweeper.status_of(export) is dg.DagsterRunStatus.CANCELED
    decided = decision.of(export.job_id, sweeper.artefacts)
    assert decided is not None
    assert decided.cancelled
    assert sweeper.accounts.acquire_lease("never-printed:acme", "another job", 60)
    assert sweeper.sweep() == []


@pytest.mark.parametrize("ended", [True, False])
def test_an_expired_stock_lease_of_an_ended_run_is_freed(
    sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    monkeypatch.setattr(leases, "TTL_SECONDS", 0)
    export = sweeper.made(uuid.uuid4())
    assert leases.try_acquire(export, sweeper.accounts, sweeper.artefacts)
    decision.commit(export.job_id, ARTEFACT, sweeper.artefacts, datetime.now(UTC))
    run = sweeper.dagster.get_run_by_id(run_id_for(export.job_id))
    assert run is not None
    if ended:  # as somebody may mark it in Dagster's UI
        sweeper.dagster.report_run_failed(run)
    sweeper.sweep()
    assert sweeper.accounts.expired_leases("never-printed:") == (
        {} if ended else {"never-printed:acme": export.job_id}
    )


def test_what_a_key_or_a_tick_names_waits_a_day_to_be_asked_for(sweeper: Sweeper) -> None:
    export = sweeper.made(uuid.uuid5(uuid.NAMESPACE_DNS, "order-7"))
    sweeper.sweep()
    sweeper.now = 3600
    assert sweeper.sweep() == []
    assert sweeper.status_of(export) is dg.DagsterRunStatus.NOT_STARTED
    assert sweeper.sweep(datetime.now(UTC) + timedelta(days=1)) == [run_id_for(export.job_id)]


def test_another_sweepers_claim_holds(sweeper: Sweeper) -> None:
    export = sweeper.made(uuid.uuid4())
    sweeper.sweep()
    sweeper.now = 60
    assert sweeper.accounts.acquire_lease("left-over-runs", "another sweeper", 60)
    assert sweeper.sweep() == []
    assert sweeper.status_of(export) is dg.DagsterRunStatus.NOT_STARTED
    sweeper.accounts.release_lease("left-over-runs", "another sweeper")
    assert sweeper.sweep() == [run_id_for(export.job_id)]


def test_a_run_that_the_ui_made_and_never_submitted_is_cancelled(sweeper: Sweeper) -> None:
    run = sweeper.dagster.create_run_for_job(defs.get_repository_def().get_job("__ASSET_JOB"))
    other = sweeper.dagster.create_run_for_job(defs.get_repository_def().get_job("housekeeping"))
    sweeper.sweep()
    sweeper.now += 61
    assert sweeper.sweep() == [run.run_id]
    statuses = {run.run_id: run.status for run in sweeper.dagster.get_runs()}
    assert statuses == {
        run.run_id: dg.DagsterRunStatus.CANCELED,
        other.run_id: dg.DagsterRunStatus.NOT_STARTED,
    }
