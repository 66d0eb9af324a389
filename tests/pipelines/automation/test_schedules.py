"""A tick of a standing schedule becomes one job at most, also if a process ends in between."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import update

from accounts.schedules import Schedule
from accounts.store import Accounts
from accounts.tables import OrganisationRow
from catalogue import lifecycle
from catalogue.imports import ingest
from catalogue.lifecycle import Printing
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from exports.jobs import plan as export_plans
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.printers import profile
from exports.schedules import export_of, schedule_request
from exports.sheets.templates import templates_in
from pipelines import tags
from pipelines.automation.schedules import SENSOR, launch_due
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from renderers.engine import Engine
from tests.pipelines.conftest import LOTS

BODY = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
SHEET = {
    "scope": "lots",
    "export_type": "sheet_pdf",
    "file_format": "pdf",
    "asset_config": {"sheet_template": "thermal_4x6in"},
}


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Evaluation:
    """The sensor's evaluation on a real instance, with a clock of the test's."""

    dagster: dg.DagsterInstance
    runs: Runs
    catalogue: Catalogue
    artefacts: ArtefactStore
    accounts: Accounts
    parallel_from: int = 100
    limits: Limits = field(default_factory=Limits)

    def at(self, now: datetime) -> list[str]:
        return launch_due(
            self.dagster,
            self.runs,
            self.catalogue,
            self.artefacts,
            self.accounts,
            engine=Engine.BATCH,
            limits=self.limits,
            parallel_from=self.parallel_from,
            now=now,
        )

    @property
    def jobs(self) -> list[dg.DagsterRun]:
        return list(self.dagster.get_runs())


@pytest.fixture
def evaluation(dagster, catalogue, artefacts, accounts) -> Evaluation:
    return Evaluation(
        dagster, Runs(dagster, defs.get_repository_def(), "unused.sock"), catalogue, artefacts, accounts
    )


@pytest.fixture
def hourly(accounts: Accounts) -> Schedule:
    request = schedule_request(json.dumps(BODY).encode())
    return accounts.schedules.add("acme", "Hourly", cron="0 * * * *", time_zone="UTC", request=request)


@pytest.fixture
def tick(hourly: Schedule) -> datetime:
    """The first tick after the schedule was made."""
    return hourly.created_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def test_a_tick_becomes_one_queued_job_like_any_other(evaluation, hourly, tick, artefacts) -> None:
    assert evaluation.at(tick - timedelta(seconds=1)) == []
    (told,) = evaluation.at(tick)
    (run,) = evaluation.jobs
    job_id = job_id_for(run.run_id)
    assert job_id in told
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags[tags.ORGANISATION] == "acme"
    assert (run.tags["dagster/sensor_name"], run.tags[tags.SCHEDULE]) == (SENSOR, str(hourly.id))
    stored = export_plans.load(job_id, artefacts)
    assert (stored.requested_by, stored.submitted_at) == (f"schedule:{hourly.id}", tick)
    assert stored.request.filters.never_printed
    assert evaluation.at(tick + timedelta(minutes=59)) == []
    assert len(evaluation.jobs) == 1


def test_a_large_job_gets_processes_of_its_own(evaluation, tick) -> None:
    evaluation.parallel_from = 5
    evaluation.at(tick)
    (run,) = evaluation.jobs
    assert "forked" in run.run_config["execution"]["config"]


@pytest.mark.parametrize(
    ("body", "limits", "words"),
    [
        (BODY, Limits(max_items=LOTS - 1), f"more than {LOTS - 1} entities"),
        (BODY, Limits(max_labels=LOTS - 1), f"{LOTS - 1} at most"),
        (BODY, Limits(max_storage_bytes=0), "may take 0"),
        (SHEET, Limits(max_pages=LOTS - 1), f"{LOTS - 1} at most"),
        (SHEET | {"asset_config": {"sheet_template": "none_such"}}, Limits(), "no sheet template"),
    ],
)
def test_a_plan_passes_the_checks_of_a_submission(evaluation, accounts, body, limits, words) -> None:
    request = schedule_request(json.dumps(body).encode())
    plan = accounts.schedules.add("acme", "Hourly", cron="0 * * * *", time_zone="UTC", request=request)
    tick = plan.created_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    evaluation.limits = limits
    [told] = evaluation.at(tick)
    assert "refused" in told
    assert words in told
    assert evaluation.jobs == []
    evaluation.limits = Limits()
    if body.get("asset_config", {}).get("sheet_template") != "none_such":
        assert "job" in evaluation.at(tick)[0]


def test_missed_ticks_are_made_up_for_once(evaluation, tick) -> None:
    evaluation.at(tick + timedelta(days=3, minutes=20))
    (run,) = evaluation.jobs
    stored = export_plans.load(job_id_for(run.run_id), evaluation.artefacts)
    assert stored.submitted_at == tick + timedelta(days=3)


def evaluate_and_die(
    evaluation: Evaluation, tick: datetime, monkeypatch: pytest.MonkeyPatch, where: str, *, done: bool
) -> None:
    """Evaluate at the tick, in a process that ends before or after what it does there."""
    owner = {
        "save": export_plans, "create": evaluation.runs, "add_run_tags": evaluation.dagster,
        "queue": evaluation.runs, "record_tick": evaluation.accounts.schedules,
    }[where]  # fmt: skip
    real: Callable = getattr(owner, where)

    def killed(*arguments: object, **named: object) -> None:
        if done:
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, killed)
        with pytest.raises(Killed):
            evaluation.at(tick)


@pytest.mark.parametrize("where", ["save", "create", "add_run_tags", "queue", "record_tick"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_at_any_point_neither_skips_nor_doubles_the_tick(
    evaluation, hourly, tick, monkeypatch, where: str, done: bool
) -> None:
    evaluate_and_die(evaluation, tick, monkeypatch, where, done=done)
    evaluation.at(tick + timedelta(seconds=30))
    evaluation.at(tick + timedelta(seconds=60))
    (run,) = evaluation.jobs
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags[tags.SCHEDULE] == str(hourly.id)
    (schedule,) = evaluation.accounts.schedules.list("acme")
    assert schedule.last_tick_at == tick


def test_a_tick_that_an_earlier_release_began_is_one_job_still(evaluation, hourly, tick) -> None:
    """That release called schedules plans, and was stopped before it queued the run."""
    organisation = evaluation.accounts.organisation("acme")
    begun = replace(export_of(hourly, tick, organisation, Engine.BATCH), requested_by=f"plan:{hourly.id}")
    export_plans.save(begun, evaluation.artefacts)
    evaluation.runs.create(begun)
    old = {"labels/plan": str(hourly.id), "dagster/sensor_name": "standing_plans"}
    evaluation.dagster.add_run_tags(run_id_for(begun.job_id), old)
    evaluation.at(tick)
    (run,) = evaluation.jobs
    assert run.run_id == run_id_for(begun.job_id)
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags["labels/plan"] == run.tags[tags.SCHEDULE]
    assert export_plans.load(begun.job_id, evaluation.artefacts) == begun


def test_where_nothing_is_unprinted_the_tick_passes_without_a_job(evaluation, tick, artefacts) -> None:
    printed = ExportPlan(
        "22222222222222222222Ab", "acme", None, "key:1", tick,
        export_plans.ExportRequest.model_validate(BODY),
    )  # fmt: skip
    frozen = manifest.freeze(printed, evaluation.catalogue, artefacts)
    rows = manifest.read_rows(printed, artefacts, Chunk(0, frozen.rows), 100)
    lifecycle.record_printed(evaluation.catalogue, "acme", Printing(printed.job_id, tick), rows)
    (told,) = evaluation.at(tick)
    assert told.endswith("skipped because nothing matches")
    assert evaluation.jobs == []
    assert evaluation.at(tick + timedelta(minutes=1)) == []


def test_a_paused_plan_rests_and_goes_on_from_when_it_is_resumed(evaluation, hourly, accounts) -> None:
    accounts.schedules.pause("acme", hourly.id)
    assert evaluation.at(datetime.now(UTC) + timedelta(hours=5)) == []
    accounts.schedules.resume("acme", hourly.id)
    resumed = accounts.schedules.list("acme")[0].last_tick_at
    assert resumed is not None
    assert evaluation.at(resumed) == []
    accounts.schedules.resume("acme", hourly.id)
    assert accounts.schedules.list("acme")[0].last_tick_at == resumed
    assert len(evaluation.at(resumed + timedelta(hours=1))) == 1


def test_a_tick_is_skipped_while_too_many_jobs_are_open(evaluation, tick) -> None:
    evaluation.at(tick)
    evaluation.limits = Limits(max_open_jobs=1)
    hour = timedelta(hours=1)
    [told] = evaluation.at(tick + hour)
    assert "skipped. The organisation has 1 open label exports." in told
    assert evaluation.at(tick + hour) == [], "the tick is done"
    evaluation.limits = Limits(max_open_jobs=2)
    evaluation.at(tick + 2 * hour)
    assert len(evaluation.jobs) == 2


def test_a_schedule_that_fails_holds_up_no_other(evaluation, accounts, hourly, tick) -> None:
    rotten = {"cron": "0 * * * *", "time_zone": "UTC"}
    accounts.schedules.add("acme", "Refused", request='{"scope":"pallets"}', **rotten)
    accounts.schedules.add("acme", "Broken", **(rotten | {"cron": "no cron"}), request=hourly.request)
    accounts.schedules.add("acme", "Last", request=hourly.request, **rotten)
    with pytest.raises(ExceptionGroup) as failed:
        evaluation.at(tick)
    assert len(failed.value.exceptions) == 1
    assert {run.tags[tags.SCHEDULE] for run in evaluation.jobs} == {
        str(schedule.id)
        for schedule in accounts.schedules.list("acme")
        if schedule.name in {"Hourly", "Last"}
    }


def test_a_bad_resolver_holds_up_its_organisations_links_alone(
    evaluation, accounts, hourly, tick, catalogue, tmp_path
) -> None:
    accounts.create_organisation("other")
    with accounts._database.session() as session:
        # As a release stored it that knew fewer rules.
        session.execute(update(OrganisationRow).values(resolver="https://example.com/10/shop"))
    accounts.set_resolver("other", "https://id.example.com")
    when = {"cron": hourly.cron, "time_zone": hourly.time_zone}
    other = accounts.schedules.add("other", "Links", request=hourly.request, **when)
    plain = schedule_request(json.dumps(BODY | {"export_type": "datamatrix"}).encode())
    datamatrix = accounts.schedules.add("acme", "No links", request=plain, **when)
    ingest.import_files(
        catalogue,
        "other",
        products=tmp_path / "products.csv",
        lots=tmp_path / "lots.csv",
        rejects_dir=tmp_path,
    )
    [refused] = [line for line in evaluation.at(tick) if "refused" in line]
    assert "schedule 1 of acme" in refused
    assert "labels org resolver acme URL" in refused
    assert {run.tags[tags.SCHEDULE] for run in evaluation.jobs} == {str(other.id), str(datamatrix.id)}
    accounts.set_resolver("acme", "https://id.gs1.org")
    evaluation.at(tick)
    assert str(hourly.id) in {run.tags[tags.SCHEDULE] for run in evaluation.jobs}


def test_a_tick_recorded_later_stays(accounts, hourly, tick) -> None:
    accounts.schedules.record_tick(hourly.id, tick + timedelta(hours=1))
    accounts.schedules.record_tick(hourly.id, tick)
    assert accounts.schedules.active()[0].last_tick_at == tick + timedelta(hours=1)


def with_printer(accounts: Accounts, evaluation: Evaluation) -> datetime:
    """Add a schedule of sheets for the printer `desk`, whose tray is at cell 4. Return its first tick."""
    desk = {"offset_x_mm": 0.5, "sheet_template": "avery_5160", "next_position": 4}
    profile.save(
        accounts.printers,
        templates_in(evaluation.artefacts),
        "acme",
        "desk",
        json.dumps(desk).encode(),
        changed_by="key:1",
    )
    body = SHEET | {"asset_config": {"printer": "desk", "symbology": "datamatrix"}}
    request = schedule_request(json.dumps(body).encode())
    made = accounts.schedules.add("acme", "Sheets", cron="0 * * * *", time_zone="UTC", request=request)
    return made.created_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def test_a_tick_takes_the_tray_of_its_printer_and_waits_while_another_job_has_it(
    evaluation, accounts
) -> None:
    tick = with_printer(accounts, evaluation)
    evaluation.at(tick)
    (run,) = evaluation.jobs
    job_id = job_id_for(run.run_id)
    stored = export_plans.load(job_id, evaluation.artefacts)
    assert (stored.config.start_position, stored.config.offset_x_mm) == (4, 0.5)
    printer = accounts.printers.get("acme", "desk")
    assert (printer.taken_by, printer.reserved_at) == (job_id, None)
    later = tick + timedelta(hours=1)
    [told] = evaluation.at(later)
    assert f"refused, The sheet in the tray of printer 'desk' is taken by label export {job_id}" in told
    assert len(evaluation.jobs) == 1
    evaluation.dagster.report_run_canceled(run)
    [told] = evaluation.at(later + timedelta(seconds=30))
    assert "job" in told
    assert len(evaluation.jobs) == 2


@pytest.mark.parametrize("where", ["save", "create", "queue", "record_tick"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_at_any_point_takes_the_tray_for_one_job(
    evaluation, accounts, monkeypatch, where: str, done: bool
) -> None:
    tick = with_printer(accounts, evaluation)
    evaluate_and_die(evaluation, tick, monkeypatch, where, done=done)
    evaluation.at(tick + timedelta(seconds=30))
    (run,) = evaluation.jobs
    assert run.status is dg.DagsterRunStatus.QUEUED
    printer = accounts.printers.get("acme", "desk")
    assert (printer.taken_by, printer.reserved_at) == (job_id_for(run.run_id), None)
    assert export_plans.load(job_id_for(run.run_id), evaluation.artefacts).config.start_position == 4
