"""Jobs that print on the sheet in a printer's tray: no cell is printed on twice, whoever is killed when."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from accounts.labels.printers import Printers
from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import InvalidRequest, KeyReused, TrayChanged, TrayTaken
from exports.jobs import plan
from exports.jobs.job_id import job_id_for
from exports.limits import Limits
from exports.ports import ExportJob, JobStatus
from exports.printers import profile, trays
from exports.printers.profile import Tray
from exports.requests.request import parse_request
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from tests.pipelines.conftest import LOTS
from tests.pipelines.whole_jobs import ACME, ThisProcess

#: A sheet of 30 labels.
TEMPLATE, CELLS = "avery_5160", 30

PROFILE = {
    "offset_x_mm": 0.5,
    "scale_percent": 99.5,
    "dpi": 300,
    "sheet_template": TEMPLATE,
    "next_position": 4,
}


class Killed(BaseException):
    """The process ends here."""


class Workers(ThisProcess):
    """Executes runs here, or leaves them in the queue while `busy`."""

    busy = False

    def execute(
        self, run_id: str, organisation: str, wait_seconds: float, *, instead: Callable[[], None]
    ) -> None:
        if self.busy:
            instead()
        else:
            super().execute(run_id, organisation, wait_seconds, instead=instead)


class Stage:
    """A façade whose organisation has the printer `desk`."""

    def __init__(
        self, dagster: dg.DagsterInstance, catalogue: Catalogue, store: ArtefactStore, accounts: Accounts
    ) -> None:
        self.store, self.accounts, self.dagster = store, accounts, dagster
        self.workers = Workers(dagster)
        self.exports = DagsterExports(
            instance=dagster,
            runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
            workers=self.workers,
            catalogue=catalogue,
            artefacts=store,
            sync_threshold=1_000,
            accounts=accounts,
            limits=Limits(),
        )
        self.trays = self.exports._submissions.trays
        self.save(**PROFILE)

    def save(self, name: str = "desk", **members: object) -> None:
        body = json.dumps(members).encode()
        profile.save(self.accounts.printers, self.trays.templates, "acme", name, body, changed_by="key:1")

    def load(self, position: int) -> None:
        profile.load_tray(
            self.accounts.printers, self.trays.templates, "acme", "desk", Tray(next_position=position)
        )

    def submit(self, key: str | None = None, **config: object) -> ExportJob:
        asked = {"printer": "desk", "sheet_template": TEMPLATE, "symbology": "datamatrix", **config}
        body = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf", "asset_config": asked}
        request = parse_request(json.dumps(body).encode())
        return self.exports.submit(ACME, request, requested_by="key:1", idempotency_key=key)

    def config(self, job: ExportJob) -> Any:
        return plan.load(job.job_id, self.store).config

    @property
    def tray(self) -> tuple[int, str | None]:
        printer = self.trays.get("acme", "desk")
        return printer.next_position, printer.taken_by

    @contextmanager
    def later(self, seconds: float, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Let so many seconds have passed by the clock that reservations are compared with."""

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + timedelta(seconds=seconds)

        with patch.context() as changed:
            changed.setattr(trays, "datetime", Clock)
            yield


@pytest.fixture
def stage(
    dagster: dg.DagsterInstance, catalogue: Catalogue, artefacts: ArtefactStore, accounts: Accounts
) -> Stage:
    return Stage(dagster, catalogue, artefacts, accounts)


def test_jobs_follow_each_other_on_the_sheet(stage: Stage) -> None:
    first, second = stage.submit(), stage.submit()
    assert [job.status for job in (first, second)] == [JobStatus.COMPLETED] * 2
    assert [stage.config(job).start_position for job in (first, second)] == [4, 4 + LOTS]
    assert (first.next_position, second.next_position) == (4 + LOTS, 4 + 2 * LOTS)
    assert stage.tray == (4 + 2 * LOTS, None)
    assert stage.config(first).offset_x_mm == 0.5
    assert "printer desk" in str(first.request_in_words)
    assert "start position 4" in str(first.request_in_words)


@pytest.mark.parametrize(
    ("position", "copies", "following"),
    [(CELLS - LOTS + 1, 1, 1), (1, CELLS, 1), (4, 13, (3 + 13 * LOTS) % CELLS + 1)],
    ids=["to the last cell", "five full pages", "copies over several pages"],
)
def test_the_free_cell_is_that_of_the_last_page(
    stage: Stage, position: int, copies: int, following: int
) -> None:
    stage.load(position)
    stage.submit(copies=copies)
    assert stage.tray == (following, None)


def test_while_a_job_is_open_no_other_takes_the_tray(stage: Stage) -> None:
    stage.workers.busy = True
    first = stage.submit()
    assert stage.tray == (4, first.job_id)
    with pytest.raises(
        TrayTaken, match=f"{first.job_id}. Wait until it ends, cancel it, or give start_pos"
    ) as caught:
        stage.submit()
    assert caught.value.job_id == first.job_id
    beside = stage.submit(start_position=20)
    assert stage.config(beside).start_position == 20
    elsewhere = stage.submit(sheet_template="avery_5163")
    assert stage.config(elsewhere).start_position is None
    assert stage.tray == (4, first.job_id)
    stage.exports.cancel("acme", first.job_id)
    assert stage.tray == (4, None)
    assert stage.config(stage.submit()).start_position == 4


def test_a_failed_job_leaves_the_cell_free(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("drawn wrongly")

    with monkeypatch.context() as patch:
        patch.setattr("exports.jobs.decision.commit", failing)
        failed = stage.submit()
    assert stage.exports.job("acme", failed.job_id).status is JobStatus.FAILED
    assert stage.tray == (4, None)


def test_a_first_cell_that_is_asked_for_is_no_cell_of_the_tray(stage: Stage) -> None:
    job = stage.submit(start_position=1)
    assert (stage.config(job).start_position, job.next_position) == (1, 1 + LOTS)
    assert stage.tray == (4, None)


def test_a_replay_is_a_replay_after_the_printer_changed(stage: Stage) -> None:
    first = stage.submit("order-7")
    stage.save(offset_x_mm=2.0, sheet_template="avery_5163")
    assert stage.submit("order-7").job_id == first.job_id
    stage.accounts.printers.remove("acme", "desk")
    assert stage.submit("order-7").job_id == first.job_id
    assert stage.config(first).offset_x_mm == 0.5
    with pytest.raises(KeyReused):
        stage.submit("order-7", start_position=4)
    with pytest.raises(InvalidRequest, match="not a valid") as caught:
        stage.submit("order-8")
    assert caught.value.details[0]["type"] == "unknown_printer"


def test_a_reprint_begins_at_the_cell_that_is_free_now(stage: Stage) -> None:
    first = stage.submit()
    stage.save(offset_x_mm=2.0)

    def reprint() -> Any:
        job = stage.exports.reprint(ACME, first.job_id, requested_by="key:1", reason="torn")
        return stage.config(job)

    again = reprint()
    assert (again.start_position, again.offset_x_mm) == (4 + LOTS, 0.5)
    assert stage.tray == (4 + 2 * LOTS, None)
    stage.save(sheet_template="avery_5163", next_position=2)
    assert reprint().start_position is None
    assert stage.tray == (2, None)
    stage.accounts.printers.remove("acme", "desk")
    assert reprint().start_position is None
    stage.save(**PROFILE)
    stage.workers.busy = True
    reprint()
    with pytest.raises(TrayTaken):
        reprint()


def test_a_reprint_of_a_cell_that_was_asked_for_has_the_same(stage: Stage) -> None:
    first = stage.submit(start_position=20)
    job = stage.exports.reprint(ACME, first.job_id, requested_by="key:1", reason="torn")
    assert stage.config(job).start_position == 20


@pytest.mark.parametrize("where", ["save", "create", "hold"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("key", [None, "order-7"])
def test_a_facade_killed_during_a_submission_keeps_no_tray(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, where: str, done: bool, key: str | None
) -> None:
    """The tray is free after a minute if no job came of it; else the job has it, as long as it is open."""
    owner: Any = {"save": plan, "create": stage.exports._runs, "hold": Printers}[where]
    real = getattr(owner, where)

    def killed(*arguments: Any, **named: Any) -> None:
        if done:
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, killed)
        # A process that is killed cleans up nothing.
        patch.setattr(stage.exports, "_abandon", lambda _: None)
        with pytest.raises(Killed):
            stage.submit(key)
    position, holder = stage.tray
    assert (position, holder is not None) == (4, True)
    runs = [job_id_for(run.run_id) for run in stage.dagster.get_runs()]
    assert (runs == [holder]) is ((where, done) not in {("save", False), ("save", True), ("create", False)})
    with pytest.raises(TrayTaken):
        stage.submit()
    if key is not None:
        assert stage.config(stage.submit(key)).start_position == 4
        assert stage.tray == (4 + LOTS, None)
        return
    with stage.later(61, monkeypatch):
        assert stage.tray == ((4, holder) if runs else (4, None))
    if runs:
        stage.exports.cancel("acme", runs[0])
        assert stage.tray == (4, None)


def test_a_plan_whose_cell_others_printed_on_meanwhile_prints_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its façade was killed, somebody else printed, and then the client sent the request again."""
    with monkeypatch.context() as patch:
        patch.setattr(stage.exports._runs, "create", killing)
        patch.setattr(stage.exports, "_abandon", lambda _: None)
        with pytest.raises(Killed):
            stage.submit("order-7")
    with stage.later(61, monkeypatch):
        stage.submit()
    with pytest.raises(TrayChanged, match="another Idempotency-Key"):
        stage.submit("order-7")
    assert stage.tray == (4 + LOTS, None)
    assert stage.submit("order-8").next_position == 4 + 2 * LOTS


def killing(*_: object, **__: object) -> None:
    raise Killed


def test_a_facade_that_pauses_for_long_loses_the_tray_and_prints_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reservation ran out, and another job took the same cell, before its own was made."""
    create, others = stage.exports._runs.create, list[ExportJob]()

    def paused(*arguments: Any, **named: Any) -> bool:
        monkeypatch.setattr(stage.exports._runs, "create", create)
        with stage.later(61, monkeypatch):
            others.append(stage.submit())
        return create(*arguments, **named)

    monkeypatch.setattr(stage.exports._runs, "create", paused)
    with pytest.raises(TrayChanged):
        stage.submit()
    [other] = others
    assert stage.tray == (4 + LOTS, None)
    statuses = {job_id_for(run.run_id): run.status for run in stage.dagster.get_runs()}
    assert statuses.pop(other.job_id) is dg.DagsterRunStatus.SUCCESS
    assert list(statuses.values()) == [dg.DagsterRunStatus.CANCELED]


def test_of_many_submissions_at_once_each_has_cells_of_its_own(stage: Stage) -> None:
    """Whatever they read: no two of those that are made begin at the same cell, and the others are refused."""
    stage.workers.busy = True
    together = threading.Barrier(6)

    def submit() -> ExportJob | None:
        together.wait()
        try:
            return stage.submit()
        except (TrayTaken, TrayChanged):
            return None

    with ThreadPoolExecutor(6) as threads:
        made = [job for job in threads.map(lambda _: submit(), range(6)) if job is not None]
    [job] = made
    assert stage.tray == (4, job.job_id)


def test_two_readers_settle_a_tray_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both see the same ended job. Before the second settles, the first has, and another job has printed."""
    first = stage.submit()
    free = Printers.free
    seen = list[str | None]()

    def late(self: Printers, slug: str, printer: Any, position: int) -> bool:
        seen.append(printer.taken_by)
        monkeypatch.setattr(Printers, "free", free)
        stage.submit()
        assert self.get("acme", "desk").taken_by != printer.taken_by
        return free(self, slug, printer, position)

    monkeypatch.setattr(Printers, "free", late)
    assert stage.trays.get("acme", "desk").next_position >= 4 + LOTS
    assert seen == [first.job_id]
    assert stage.tray == (4 + 2 * LOTS, None)


def test_a_job_that_is_no_longer_kept_leaves_its_cell_unknown(stage: Stage) -> None:
    job = stage.submit()
    stage.dagster.delete_run(run_of(stage, job))
    assert stage.tray == (4, job.job_id)
    with pytest.raises(TrayTaken, match="no longer kept: tell which cell"):
        stage.submit()
    stage.load(12)
    assert stage.config(stage.submit()).start_position == 12


def run_of(stage: Stage, job: ExportJob) -> str:
    return next(run.run_id for run in stage.dagster.get_runs() if job_id_for(run.run_id) == job.job_id)


def test_a_new_sheet_counts_though_a_job_is_open(stage: Stage) -> None:
    stage.workers.busy = True
    stage.submit()
    stage.load(1)
    second = stage.submit()
    assert stage.config(second).start_position == 1
    assert stage.tray == (1, second.job_id)


def test_an_unknown_job_is_waited_for_a_minute(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = job_id_for(uuid.uuid4())
    assert stage.accounts.printers.take("acme", "desk", unknown, TEMPLATE, 4)
    with stage.later(59, monkeypatch), pytest.raises(TrayTaken, match="being submitted: try again"):
        stage.submit()
    with stage.later(61, monkeypatch):
        assert stage.config(stage.submit()).start_position == 4
