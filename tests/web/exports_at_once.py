"""An `Exports` for tests of the pages: each export has been executed when its receipt is written."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from exports.errors import LabelError
from exports.jobs import decision, manifest, plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.ports import JobStatus, Report
from exports.reports import files
from tests.api.conftest import FakeExports
from tests.exports.conftest import run


class ExportsAtOnce(FakeExports):
    """Jobs in memory, with their files in an artefact store. `requested_by` is kept, as the service keeps it."""

    def __init__(self, folder, catalogue, store):
        super().__init__(folder)
        self.catalogue = catalogue
        self.artefacts = store

    def submit(self, organisation, request, *, requested_by, idempotency_key=None, wait_seconds=0):
        self._called("submit")
        known = (organisation.slug, idempotency_key)
        if idempotency_key is not None and known in self.keys:
            return self.store[self.keys[known]]
        wanted = ExportPlan(
            job_id_for(uuid.uuid4()), organisation.slug, organisation.resolver, requested_by, datetime.now(UTC), request
        )  # fmt: skip
        job = self._made(wanted)
        self.keys[known] = job.job_id
        return job

    def reprint(
        self, organisation, job_id, *, requested_by, reason, rows=None, idempotency_key=None, wait_seconds=0
    ):
        self._called("reprint")
        original = plan.load(self._find(organisation.slug, job_id).job_id, self.artefacts)
        again = job_id_for(uuid.uuid4())
        return self._made(
            replace(original, job_id=again, requested_by=requested_by, reprint_of=job_id, reason=reason, rows=rows)
        )  # fmt: skip

    def _made(self, wanted):
        plan.save(wanted, self.artefacts)
        common = {
            "request_in_words": wanted.words,
            "requested_by": wanted.requested_by,
        }
        try:
            artefact = run(wanted, self.catalogue, self.artefacts)
        except LabelError as error:
            return self._kept(wanted, JobStatus.FAILED, error=str(error), error_code=error.code, **common)
        frozen = manifest.load(wanted, self.artefacts)
        errors = {Report.ERRORS} if self.artefacts.exists(files.key(wanted.job_id, Report.ERRORS)) else set()
        decided = decision.of(wanted.job_id, self.artefacts)
        return self._kept(
            wanted,
            JobStatus.COMPLETED,
            total_items=frozen.rows,
            processed_items=artefact.processed,
            failed_items=artefact.failed,
            unmatched=frozen.unmatched,
            output_filename=artefact.filename,
            file_size_bytes=artefact.size_bytes,
            sha256=artefact.sha256,
            next_position=artefact.next_position,
            reports=frozenset({Report.MANIFEST} | errors),
            finished_at=decided.decided_at,
            **common,
        )

    def _kept(self, wanted, status, **changes):
        made = self.add(wanted.organisation, status, **changes)
        del self.store[made.job_id]
        self.store[wanted.job_id] = replace(made, job_id=wanted.job_id)
        return self.store[wanted.job_id]
