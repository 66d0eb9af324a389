"""A façade over fake exports and a real accounts database."""

import hashlib
import io
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from accounts.identity import Role
from accounts.store import Accounts
from api.app import create_app
from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from api.wire import paths
from catalogue.queries.selected import PrintCounts
from exports import trace
from exports.errors import AlreadyFinished, ExportNotFound, KeyReused, NotReprintable
from exports.jobs.job_id import job_id_for
from exports.ports import ExportJob, Gauges, JobPage, JobStatus, Stage
from exports.previews.preview import Preview
from exports.reads import PrintHistory
from exports.schedules import Cron
from pipelines.execution.dagster_cron import is_valid_cron_schedule
from renderers.sheets.templates import TEMPLATES

ARTEFACT = bytes(range(256)) * 40
METRICS_KEY = {"Authorization": "Bearer a key of the tests"}
CREATED = datetime(2026, 3, 31, 12, tzinfo=UTC)
NEXT_TICK = datetime(2026, 4, 1, 4, tzinfo=UTC)


class FakeExports:
    """Stands for an `Exports` and its `ExportReads`, in memory. New jobs have `status`; `calls` are the calls."""

    def __init__(self, folder):
        self.folder = folder
        self.status = JobStatus.PENDING
        self.is_ready = True
        self.lacking = frozenset()
        self.storage_check = lambda: None
        self.local = True
        self.url = None
        self.error = None
        self.store: dict[str, ExportJob] = {}
        self.submitted = []
        self.keys = {}
        self.calls = []
        self.traces = []
        self.events = []
        self.found = Preview(0, 0, 0, [], [], PrintCounts(0, 0, 0))

    def submit(self, organisation, request, *, requested_by, idempotency_key=None, wait_seconds=0):
        self._called("submit")
        self.traces.append(trace.current())
        known = (organisation.slug, idempotency_key)
        if idempotency_key is not None and known in self.keys:
            first, job_id = self.keys[known]
            if first != request.normalised():
                raise KeyReused(idempotency_key)
            return self.store[job_id]
        self.submitted.append((organisation, request, requested_by))
        job = self.add(organisation.slug, self.status)
        self.keys[known] = (request.normalised(), job.job_id)
        return job

    def reprint(
        self, organisation, job_id, *, requested_by, reason, rows=None, idempotency_key=None, wait_seconds=0
    ):
        self._called("reprint")
        known = (organisation.slug, idempotency_key)
        if idempotency_key is not None and known in self.keys:
            first, again = self.keys[known]
            if first != (job_id, reason, rows):
                raise KeyReused(idempotency_key)
            return self.store[again]
        job = self._find(organisation.slug, job_id)
        if job.status is not JobStatus.COMPLETED:
            raise NotReprintable(job_id, "it was not completed")
        self.submitted.append((organisation, reason, requested_by, rows))
        made = self.add(organisation.slug, self.status)
        self.keys[known] = ((job_id, reason, rows), made.job_id)
        return made

    def cancel(self, organisation, job_id):
        self._called("cancel")
        job = self._find(organisation, job_id)
        if job.status.is_terminal and job.error_code != "cancelled":
            raise AlreadyFinished(job_id, job.status)
        self.store[job_id] = replace(
            job, status=JobStatus.FAILED, error="cancelled", error_code="cancelled", finished_at=CREATED
        )
        return self.store[job_id]

    def add(self, organisation, status, **changes):
        done = status is JobStatus.COMPLETED
        job_id = job_id_for(uuid.uuid4())
        job = ExportJob(
            job_id=job_id,
            organisation=organisation,
            status=status,
            total_items=0 if status is JobStatus.PENDING else 42,
            processed_items=42 if done else 0,
            failed_items=0,
            unmatched=1,
            error="cancelled" if status is JobStatus.FAILED else None,
            error_code="cancelled" if status is JobStatus.FAILED else None,
            output_filename=f"datamatrix-lots-{job_id[:4]}-42.zip" if done else None,
            file_size_bytes=len(ARTEFACT) if done else None,
            sha256=hashlib.sha256(ARTEFACT).hexdigest() if done else None,
            created_at=CREATED,
            started_at=None if status is JobStatus.PENDING else CREATED,
            finished_at=CREATED if status.is_terminal else None,
        )
        job = replace(job, **changes)
        self.store[job_id] = job
        if done:
            (self.folder / job_id).write_bytes(ARTEFACT)
        return job

    def job(self, organisation, job_id):
        self._called("job")
        return self._find(organisation, job_id)

    def stages(self, organisation, job_id):
        self._called("stages")
        job = self._find(organisation, job_id)
        return dict.fromkeys(Stage, job.finished_at) if job.status is JobStatus.COMPLETED else {}

    def jobs(self, organisation, page, status=None, after=None):
        self._called("jobs")
        found = [
            j for j in self.store.values() if j.organisation == organisation and status in {None, j.status}
        ]
        found.reverse()
        start = page.offset
        if after is not None:
            start += [j.job_id for j in found].index(after.job_id) + 1
        end = start + page.size
        return JobPage(found[start:end], len(found), end < len(found))

    def preview(self, organisation, request, design=None):
        self._called("preview")
        return self.found

    def templates(self, organisation):
        self._called("templates")
        return list(TEMPLATES.values())

    def print_history(self, organisation, page, *, gtin14, lot, serial):
        self._called("print_history")
        found = [
            event
            for owner, event in self.events
            if owner == organisation
            and gtin14 in {None, event.gtin14}
            and lot in {None, event.lot_number}
            and serial in {None, event.serial_number}
        ]
        return PrintHistory(found[page.offset : page.offset + page.size], len(found))

    def artefact_path(self, job):
        return self.folder / job.job_id if self.local else None

    def artefact_url(self, job, ttl_seconds):
        return self.url and f"{self.url}{job.job_id}?ttl={ttl_seconds}"

    def open_artefact(self, job):
        return io.BytesIO((self.folder / job.job_id).read_bytes())

    def open_report(self, job, report, wanted):
        self._called("open_report")
        if report not in job.reports:
            raise ExportNotFound(job.job_id)
        return io.BytesIO(f"\ufeff{report},{wanted},{job.job_id}\r\n".encode())

    def gauges(self):
        return Gauges(dict(Counter(job.status for job in self.store.values())), 12.5)

    def degraded(self):
        self._called("degraded")
        return self.lacking

    def require_storage(self):
        self.storage_check()

    def ready(self):
        return self.is_ready

    def _called(self, name):
        self.calls.append(name)
        if self.error is not None:
            raise self.error

    def _find(self, organisation, job_id):
        found = self.store.get(job_id)
        if found is None or found.organisation != organisation:
            raise ExportNotFound(job_id)
        return found


def link(client, headers, job):
    """Return the path and query of the job's download link."""
    url = client.get(paths.poll(job.job_id), headers=headers).json()["download_url"]
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def facade(exports, accounts, settings, imports=None, catalogue=None):
    """Return the façade over a `FakeExports`, and over imports and a catalogue if the test needs them."""
    return create_app(
        exports=exports,
        reads=exports,
        imports=imports,
        catalogue=catalogue,
        accounts=accounts,
        settings=settings,
        auth_settings=AuthSettings(),
        cron=Cron(is_valid_cron_schedule, lambda _cron, _time_zone, _now: NEXT_TICK),
    )


@pytest.fixture(scope="session")
def accounts(tmp_path_factory) -> Iterator[Accounts]:
    store = Accounts(f"sqlite:///{tmp_path_factory.mktemp('accounts')}/accounts.db")
    store.create_organisation("acme")
    store.create_organisation("other")
    yield store
    store.close()


@pytest.fixture(scope="session")
def editor(accounts):
    return {"X-API-Key": accounts.create_key("acme", Role.EDITOR)}


@pytest.fixture(scope="session")
def viewer(accounts):
    return {"X-API-Key": accounts.create_key("acme", Role.VIEWER)}


@pytest.fixture(scope="session")
def stranger(accounts):
    return {"X-API-Key": accounts.create_key("other", Role.MANAGER)}


@pytest.fixture
def exports(tmp_path):
    return FakeExports(tmp_path)


@pytest.fixture
def settings():
    return ApiSettings(
        secret_key="a secret of the tests",
        rate_per_minute=100_000,
        rate_per_day=1_000_000,
        metrics_key="a key of the tests",
    )


@pytest.fixture
def client(exports, accounts, settings):
    with TestClient(facade(exports, accounts, settings), raise_server_exceptions=False) as http:
        yield http
