"""The `Imports` port on Dagster: an import is a queued run, and its documents are in the artefact store."""

import uuid
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import BinaryIO

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ImportNotFound, KeyReused, TooManyOpenJobs
from exports.imports import record, upload
from exports.imports.ports import ImportJob, ImportRequest, Rows
from exports.imports.record import Asked, Outcome
from exports.imports.upload import Upload, folder_of
from exports.jobs.job_id import job_id_for, run_id_for
from exports.limits import Limits
from exports.ports import JobStatus
from pipelines import tags
from pipelines.execution.runs import IMPORT_JOB, Runs
from pipelines.storage.run_statuses import UNFINISHED
from pipelines.storage.totals import require_room
from pipelines.submission.claims import answering, run_id_of

#: Most unfinished imports of one organisation. All organisations' imports run one after the other.
MOST_OPEN = 10

#: Namespace of the run ids made from an organisation and its idempotency key. Never change it.
_KEYED_RUNS = uuid.UUID("2b1cf0f4-64e3-5f0c-9d5e-0f4f6f6f3c11")

_UNEXPLAINED = "The import failed because of an internal error, which is in the log. Submit the file again."


class DagsterImports:
    """Implements `Imports` on a Dagster instance."""

    def __init__(
        self,
        *,
        instance: dg.DagsterInstance,
        runs: Runs,
        artefacts: ArtefactStore,
        accounts: Accounts,
        limits: Limits,
    ) -> None:
        self._instance = instance
        self._runs = runs
        self._artefacts = artefacts
        self._accounts = accounts
        self._limits = limits

    @contextmanager
    def receive(self, organisation: str, *, idempotency_key: str | None = None) -> Generator[Upload]:
        """Open an upload. It is stored when the block ends; nothing is stored if the block raises."""
        self._require_possible(organisation)
        with upload.receive(
            self._artefacts, job_id_for(run_id_of(_KEYED_RUNS, organisation, idempotency_key))
        ) as received:
            yield received

    def submit(
        self,
        organisation: str,
        upload: Upload,
        request: ImportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> ImportJob:
        """Queue the import. The request is stored before the run, so a retry completes an interrupted submission."""
        run_id = run_id_for(upload.job_id)
        claim = (
            nullcontext() if idempotency_key is None else answering(self._accounts, run_id, idempotency_key)
        )
        made = Asked(
            job_id=upload.job_id,
            organisation=organisation,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=request,
            upload=upload.key,
            size_bytes=upload.size_bytes,
            sha256=upload.sha256,
        )
        kept: str | None = None
        try:
            with claim:
                asked = record.find_asked(upload.job_id, self._artefacts) or made
                kept = asked.upload
                _require_same(asked, made, idempotency_key)
                self._begin(asked, run_id)
        finally:
            if kept != upload.key:
                self._artefacts.delete(upload.key)
        return self.job(organisation, upload.job_id)

    def job(self, organisation: str, job_id: str) -> ImportJob:
        """Return the state of the import."""
        asked, outcome = self._found(organisation, job_id)
        status = self._status(job_id, outcome)
        return ImportJob(
            job_id=job_id,
            organisation=organisation,
            status=status,
            request=asked.request,
            size_bytes=asked.size_bytes,
            created_at=asked.submitted_at,
            finished_at=outcome and outcome.finished_at,
            error=(outcome and outcome.error) or (_UNEXPLAINED if status is JobStatus.FAILED else None),
            error_code=_error_code(status, outcome),
            tables=outcome.tables if outcome else (),
            file=outcome and outcome.file,
            rows=frozenset((outcome and outcome.suffixes) or ()),
        )

    def open_rows(self, organisation: str, job_id: str, rows: Rows) -> tuple[BinaryIO, str]:
        """Open the file of these rows. Return the file and its suffix."""
        _, outcome = self._found(organisation, job_id)
        suffix = ((outcome and outcome.suffixes) or {}).get(rows)
        if suffix is None:
            raise ImportNotFound(job_id)
        try:
            return self._artefacts.open(record.rows_key(job_id, rows, suffix)), suffix
        except FileNotFoundError as error:
            raise ImportNotFound(job_id) from error

    def _require_possible(self, organisation: str) -> None:
        """Raise TooManyOpenJobs or StorageIsFull."""
        mine = dg.RunsFilter(job_name=IMPORT_JOB, tags={tags.IMPORT_OF: organisation}, statuses=UNFINISHED)
        if self._instance.get_runs_count(mine) >= MOST_OPEN:
            raise TooManyOpenJobs(MOST_OPEN, what="imports")
        require_room(self._instance, organisation, self._limits)

    def _begin(self, asked: Asked, run_id: str) -> None:
        """Store the request and queue its run, unless it is queued. On failure, remove what was stored."""
        run = self._instance.get_run_by_id(run_id)
        if run is not None and run.status is not dg.DagsterRunStatus.NOT_STARTED:
            return
        try:
            record.save_asked(asked, self._artefacts)
            self._runs.create_import(asked.job_id, asked.organisation)
            run = self._instance.get_run_by_id(run_id)
            assert run is not None  # noqa: S101 - it was just made
            self._runs.queue(run, tags.IMPORT)
        except BaseException:
            self._instance.delete_run(run_id)
            self._artefacts.delete_folder(folder_of(asked.job_id))
            raise

    def _found(self, organisation: str, job_id: str) -> tuple[Asked, Outcome | None]:
        asked = record.find_asked(job_id, self._artefacts)
        if asked is None or asked.organisation != organisation:
            raise ImportNotFound(job_id)
        return asked, record.find_outcome(job_id, self._artefacts)

    def _status(self, job_id: str, outcome: Outcome | None) -> JobStatus:
        if outcome is not None:
            return JobStatus.FAILED if outcome.error else JobStatus.COMPLETED
        run = self._instance.get_run_by_id(run_id_for(job_id))
        if run is None:
            raise ImportNotFound(job_id)
        if run.is_finished:
            return JobStatus.FAILED
        return JobStatus.PROCESSING if run.status is dg.DagsterRunStatus.STARTED else JobStatus.PENDING


def _require_same(asked: Asked, now: Asked, key: str | None) -> None:
    """Raise KeyReused unless both requests and both files are equal."""
    if (asked.request, asked.sha256) != (now.request, now.sha256):
        raise KeyReused(key or "")


def _error_code(status: JobStatus, outcome: Outcome | None) -> str | None:
    if status is not JobStatus.FAILED:
        return None
    return "import_file_error" if outcome else "internal_error"
