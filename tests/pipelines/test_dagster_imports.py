"""Uploads become queued runs, once; the run imports them and leaves the outcome; they expire together."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from accounts.store import Accounts
from catalogue.imports.options import ImportOptions
from catalogue.queries.selected import count
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import ImportNotFound, KeyReused, StillInFlight, StorageIsFull, TooManyOpenJobs
from exports.imports.ports import ImportJob, ImportRequest, Kind, Rows
from exports.imports.upload import folder_of
from exports.jobs.job_id import run_id_for
from exports.limits import Limits
from exports.ports import JobStatus
from pipelines import tags
from pipelines.automation.housekeeping import expire
from pipelines.automation.imports import import_job
from pipelines.dagster_imports import MOST_OPEN, DagsterImports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs

LOTS = b"gtin,lot_number,expiration_date\n9506000134352,NEW,2027-03-31\n9506000134352,2-Mar,\n9506000134353,L2,\n"


class _Imports:
    """The port, and the daemon's part: `execute` does what a queued run does."""

    def __init__(
        self, dagster: dg.DagsterInstance, accounts: Accounts, catalogue: Catalogue, artefacts: ArtefactStore
    ) -> None:
        self.dagster, self.accounts, self.catalogue, self.artefacts = dagster, accounts, catalogue, artefacts
        self.runs = Runs(dagster, defs.get_repository_def(), "unused.sock")
        self.port = self.limited(Limits())

    def limited(self, limits: Limits) -> DagsterImports:
        return DagsterImports(
            instance=self.dagster,
            runs=self.runs,
            artefacts=self.artefacts,
            accounts=self.accounts,
            limits=limits,
        )

    def submit(
        self,
        content: bytes,
        request: ImportRequest | None = None,
        key: str | None = None,
        organisation: str = "acme",
    ) -> ImportJob:
        with self.port.receive(organisation, idempotency_key=key) as upload:
            upload.write(content)
        return self.port.submit(
            organisation, upload, request or ImportRequest(), requested_by="key:1", idempotency_key=key
        )

    def execute(self, job: ImportJob) -> dg.ExecuteInProcessResult:
        run = self.dagster.get_run_by_id(run_id_for(job.job_id))
        assert run is not None
        done = import_job.execute_in_process(
            run_config=run.run_config,
            resources={"catalogue": self.catalogue, "artefacts": self.artefacts},
            raise_on_error=False,
        )
        name = "PIPELINE_SUCCESS" if done.success else "PIPELINE_FAILURE"
        self.dagster.report_dagster_event(dg.DagsterEvent(name, run.job_name), run.run_id)
        return done

    def stored(self) -> set[str]:
        return self.artefacts.keys("imports") if self.artefacts.exists("imports") else set()


@pytest.fixture
def imports(
    dagster: dg.DagsterInstance, accounts: Accounts, catalogue: Catalogue, artefacts: ArtefactStore
) -> _Imports:
    return _Imports(dagster, accounts, catalogue, artefacts)


def test_an_upload_is_imported_by_a_queued_run(imports: _Imports) -> None:
    job = imports.submit(LOTS, ImportRequest(name="stock.csv"))
    assert (job.status, job.size_bytes, job.tables) == (JobStatus.PENDING, len(LOTS), ())
    run = imports.dagster.get_run_by_id(run_id_for(job.job_id))
    assert run is not None
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert (run.tags[tags.KIND], run.tags[tags.IMPORT_OF]) == (tags.IMPORT, "acme")
    assert tags.ORGANISATION not in run.tags, "it is no label export"

    done = imports.execute(job)

    assert done.success
    told = [event.asset_key.path for event in done.all_events if event.is_step_materialization]
    assert told == [["catalogue", "lots"]]
    ended = imports.port.job("acme", job.job_id)
    assert ended.status is JobStatus.COMPLETED
    (lots,) = ended.tables
    assert (lots.kind, lots.read, lots.added, lots.held, lots.refused) == (Kind.LOTS, 3, 1, 1, 1)
    assert ended.file is not None
    assert ended.file.form == "CSV, UTF-8, separated by commas"
    assert ended.rows == set(Rows)
    stream, suffix = imports.port.open_rows("acme", job.job_id, Rows.HELD)
    with stream:
        assert (suffix, b"2-Mar" in stream.read()) == (".csv", True)
    assert {Path(key).name for key in imports.stored()} == {
        "asked.json",
        "outcome.json",
        "held.csv",
        "refused.csv",
    }


def test_a_dry_run_changes_nothing_and_options_are_passed_on(imports: _Imports) -> None:
    options = ImportOptions(mapping={"lot_number": "Partie"}, accept_warnings=True, dry_run=True)
    content = LOTS.replace(b"lot_number", b"Partie")
    before = count(imports.catalogue, Selection("acme", Scope.LOTS))
    job = imports.submit(content, ImportRequest(options, Kind.LOTS))
    imports.execute(job)
    (lots,) = imports.port.job("acme", job.job_id).tables
    assert (lots.added, lots.held, lots.refused) == (2, 0, 1)
    assert count(imports.catalogue, Selection("acme", Scope.LOTS)) == before


def test_parquet_is_told_by_its_content(imports: _Imports, tmp_path: Path) -> None:
    import polars as pl

    pl.DataFrame({"gtin": ["9506000134352"], "lot_number": ["P1"]}).write_parquet(tmp_path / "lots.parquet")
    job = imports.submit((tmp_path / "lots.parquet").read_bytes())
    imports.execute(job)
    ended = imports.port.job("acme", job.job_id)
    assert ended.file is not None
    assert (ended.file.form, ended.tables[0].added) == ("Parquet", 1)


@pytest.mark.parametrize(
    "content", [b"", b"price\n1\n", b"\0" * 3_000_000, b"PAR1broken", b"PK\x03\x04broken"]
)
def test_a_file_that_is_refused_as_a_whole_fails_with_the_reason(imports: _Imports, content: bytes) -> None:
    job = imports.submit(content)
    assert imports.execute(job).success, "it is the file's fault, not the run's"
    ended = imports.port.job("acme", job.job_id)
    assert (ended.status, ended.error_code, ended.tables) == (JobStatus.FAILED, "import_file_error", ())
    assert "upload" in (ended.error or "")
    assert {Path(key).name for key in imports.stored()} == {"asked.json", "outcome.json"}


def test_a_run_that_dies_fails_the_import(imports: _Imports) -> None:
    job = imports.submit(LOTS)
    (upload,) = (key for key in imports.stored() if not key.endswith(".json"))
    imports.artefacts.delete(upload)
    assert not imports.execute(job).success
    ended = imports.port.job("acme", job.job_id)
    assert (ended.status, ended.error_code) == (JobStatus.FAILED, "internal_error")


def test_an_import_that_is_executed_again_changes_nothing(imports: _Imports) -> None:
    job = imports.submit(LOTS)
    imports.execute(job)
    first = imports.port.job("acme", job.job_id)
    assert imports.execute(job).success
    assert imports.port.job("acme", job.job_id) == first


def test_the_same_key_and_content_are_one_import(imports: _Imports) -> None:
    first = imports.submit(LOTS, key="monday")
    stored = imports.stored()
    again = imports.submit(LOTS, key="monday")
    assert again.job_id == first.job_id
    assert imports.stored() == stored, "the second upload is dropped"
    assert len(imports.dagster.get_runs()) == 1
    for content, request in ((LOTS + b"\n", ImportRequest()), (LOTS, ImportRequest(kind=Kind.LOTS))):
        with pytest.raises(KeyReused):
            imports.submit(content, request, key="monday")
    assert imports.stored() == stored
    imports.accounts.create_organisation("other")
    assert imports.submit(LOTS, key="monday", organisation="other").job_id != first.job_id


def test_of_two_requests_with_a_key_at_once_one_must_wait(imports: _Imports) -> None:
    with imports.port.receive("acme", idempotency_key="k") as upload:
        upload.write(LOTS)
    assert imports.accounts.acquire_lease(f"answer:{run_id_for(upload.job_id)}", "somebody", 60)
    with pytest.raises(StillInFlight):
        imports.port.submit("acme", upload, ImportRequest(), requested_by="key:1", idempotency_key="k")
    assert imports.stored() == set()


def test_what_cannot_be_queued_leaves_nothing(imports: _Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(imports.runs, "queue", fail)
        with pytest.raises(OSError, match="full"):
            imports.submit(LOTS, key="k")
    assert (imports.stored(), imports.dagster.get_runs()) == (set(), [])
    assert imports.submit(LOTS, key="k").status is JobStatus.PENDING


def test_an_upload_that_breaks_off_leaves_nothing(imports: _Imports) -> None:
    receiving = imports.port.receive("acme")
    receiving.__enter__().write(b"gtin")
    assert imports.stored() != set()
    gone = ConnectionError()
    assert not receiving.__exit__(ConnectionError, gone, None)
    assert imports.stored() == set()


def test_an_import_of_another_organisation_is_unknown(imports: _Imports) -> None:
    job = imports.submit(LOTS)
    imports.execute(job)
    with pytest.raises(ImportNotFound):
        imports.port.job("other", job.job_id)
    with pytest.raises(ImportNotFound):
        imports.port.open_rows("other", job.job_id, Rows.HELD)


def test_limits(imports: _Imports) -> None:
    with pytest.raises(StorageIsFull), imports.limited(Limits(max_storage_bytes=0)).receive("acme"):
        pass
    for number in range(MOST_OPEN):
        imports.submit(b"gtin,name\n%d" % number)
    with pytest.raises(TooManyOpenJobs, match="open imports"):
        imports.submit(LOTS)
    imports.accounts.create_organisation("other")
    assert imports.submit(LOTS, organisation="other").status is JobStatus.PENDING


def test_imports_expire_with_their_runs_and_uploads_that_became_none(imports: _Imports) -> None:
    job, waiting = imports.submit(LOTS), imports.submit(LOTS)
    imports.execute(job)
    with imports.port.receive("acme") as lost:
        lost.write(LOTS)
    old = datetime.now(UTC).timestamp() - 3 * 86_400
    for key in imports.stored():
        path = imports.artefacts.local_path(key)
        assert path is not None
        os.utime(path, (old, old))
    expire(imports.dagster, imports.artefacts, datetime.now(UTC) - timedelta(days=1))
    assert {key.split("/")[1] for key in imports.stored()} == {job.job_id, waiting.job_id}
    expire(imports.dagster, imports.artefacts, datetime.now(UTC) + timedelta(days=1))
    assert {key.rpartition("/")[0] for key in imports.stored()} == {folder_of(waiting.job_id)}
    with pytest.raises(ImportNotFound):
        imports.port.job("acme", job.job_id)
