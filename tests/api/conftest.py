"""A façade over a fake of the exports port and a real accounts database."""

import hashlib
import io
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from accounts.identity import Role
from accounts.store import Accounts
from api.app import create_app
from api.settings import ApiSettings
from exports.errors import ExportNotFound
from exports.job_id import job_id_for
from exports.ports import ExportJob, JobStatus

ARTEFACT = bytes(range(256)) * 40
CREATED = datetime(2026, 3, 31, 12, tzinfo=UTC)


class FakeExports:
    """Implements `exports.ports.Exports` in memory; new jobs take `status`."""

    def __init__(self, folder):
        self.folder = folder
        self.status = JobStatus.PENDING
        self.is_ready = True
        self.local = True
        self.error = None
        self.jobs: dict[str, ExportJob] = {}
        self.submitted = []

    def submit(self, organisation, request, *, requested_by):
        if self.error is not None:
            raise self.error
        self.submitted.append((organisation, request, requested_by))
        return self.add(organisation.slug, self.status)

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
        self.jobs[job_id] = job
        if done:
            (self.folder / job_id).write_bytes(ARTEFACT)
        return job

    def job(self, organisation, job_id):
        found = self.jobs.get(job_id)
        if found is None or found.organisation != organisation:
            raise ExportNotFound(job_id)
        return found

    def artifact_path(self, job):
        return self.folder / job.job_id if self.local else None

    def open_artifact(self, job):
        return io.BytesIO((self.folder / job.job_id).read_bytes())

    def ready(self):
        return self.is_ready


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
    return ApiSettings(secret_key="a secret of the tests", public_url=None)


@pytest.fixture
def client(exports, accounts, settings):
    app = create_app(exports=exports, accounts=accounts, settings=settings)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield http
