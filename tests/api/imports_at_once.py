"""An `Imports` for tests of its clients."""

import uuid

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import ImportNotFound
from exports.imports import record
from exports.imports.execute import execute
from exports.imports.ports import ImportJob
from exports.imports.record import Asked
from exports.imports.upload import receive
from exports.jobs.job_id import job_id_for
from exports.ports import JobStatus
from tests.api.conftest import CREATED


class ImportsAtOnce:
    """An `Imports` without a queue: each import has been executed when its receipt is written."""

    def __init__(self, folder):
        self.store = ArtefactStore(str(folder / "store"))
        self.catalogue = Catalogue(str(folder / "catalogue"))
        self.error = None

    def receive(self, organisation, *, idempotency_key=None):
        if self.error:
            raise self.error
        return receive(self.store, job_id_for(uuid.uuid4()))

    def submit(self, organisation, upload, request, *, requested_by, idempotency_key=None):
        asked = Asked(
            upload.job_id, organisation, requested_by, CREATED, request, upload.key, upload.size_bytes, upload.sha256
        )  # fmt: skip
        record.save_asked(asked, self.store)
        execute(upload.job_id, self.catalogue, self.store)
        return self.job(organisation, upload.job_id)

    def job(self, organisation, job_id):
        asked = record.find_asked(job_id, self.store)
        if asked is None or asked.organisation != organisation:
            raise ImportNotFound(job_id)
        outcome = record.find_outcome(job_id, self.store)
        status = JobStatus.FAILED if outcome.error else JobStatus.COMPLETED
        return ImportJob(
            job_id, organisation, status, asked.request, asked.size_bytes, CREATED, outcome.finished_at,
            outcome.error, outcome.error and "import_file_error", outcome.tables, outcome.file,
            frozenset(outcome.suffixes or ()),
        )  # fmt: skip

    def open_rows(self, organisation, job_id, rows):
        if rows not in self.job(organisation, job_id).rows:
            raise ImportNotFound(job_id)
        return self.store.open(record.rows_key(job_id, rows, ".csv")), ".csv"

    def stored(self):
        return self.store.keys("imports") if self.store.exists("imports") else set()
