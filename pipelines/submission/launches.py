"""Exports that are launched in Dagster's UI: a request in the run config, or the re-execution of a job."""

import json
import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from exports.errors import ExportError
from exports.jobs import plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import MAX_REASON_LENGTH, ExportPlan
from exports.ports import JobStatus
from exports.requests.request import ExportRequest, parse_request
from pipelines import tags
from pipelines.execution.dagster_runs import (
    ASSET_RESUME_RETRY_TAG,
    BACKFILL_ID_TAG,
    OP_SELECTION_TAG,
    PARTITION_NAME_TAG,
    RESUME_RETRY_TAG,
    STEP_SELECTION_TAG,
)
from pipelines.execution.dagster_workers import recon_job_from_origin
from pipelines.execution.runs import Runs, parallel_from
from pipelines.export import launch_config
from pipelines.export.progress import ProgressReader
from pipelines.settings import PipelineSettings
from pipelines.submission.submissions import Submissions

#: A larger request is not stored in the run's row, which Dagster reads with every list. The job's plan has it.
MOST_CONFIG_BYTES = 64 * 1024

_MAX_ACTOR_LENGTH = 200

#: Tags of a run that should execute only some of its steps.
_OF_A_PART = frozenset({RESUME_RETRY_TAG, ASSET_RESUME_RETRY_TAG, STEP_SELECTION_TAG, OP_SELECTION_TAG})
_ALL_STEPS = (
    "All steps are executed: an export is published and recorded as a whole, and a failed job keeps no parts."
)

_HOW_TO_GIVE_A_REASON = (
    f"Hold the Shift key and click Re-execute, and add the tag {tags.REASON} in the dialog."
)


class NotLaunchable(ExportError):
    """A run from Dagster's UI cannot become an export."""

    code = "not_launchable"


class Launches:
    """Accepts runs as export jobs, with the checks and limits of the API. The environment names the stores."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        storage_url = os.environ["LABELS_STORAGE_URL"]
        self._instance = instance
        self._catalogue = Catalogue(catalogue_url(storage_url))
        self._artefacts = ArtefactStore(storage_url)
        self._accounts = Accounts(os.environ["LABELS_DATABASE_URL"])
        self._progress = ProgressReader(instance)

    def accept(self, run: dg.DagsterRun, *, reason: str | None, actor: str | None) -> dg.DagsterRun:
        """Store the plan of the run's export, and return the run as the façade would have created it.

        Raises LabelError, before anything is stored.
        """
        organisation = self._organisation(run)
        submissions = self._submissions()
        submissions.require_few_open(organisation.slug, besides=1)
        asker = _asker(run, actor)
        wanted, note = self._wanted(submissions, run, organisation, asker, reason)
        size = submissions.size_of_allowed(wanted)
        submissions.trays.take(wanted)
        self._save(wanted)
        kept = {key: value for key, value in run.tags.items() if key not in _OF_A_PART}
        self._runs_like(run).replace(
            run,
            wanted,
            parallel=size.entities >= parallel_from(),
            more_config=_kept_config(run),
            more_tags={**kept, tags.KIND: tags.EXPORT, tags.ACTOR: asker},
        )
        submissions.trays.hold(wanted)
        made = self._instance.get_run_by_id(run.run_id)
        assert made is not None  # noqa: S101 - it was just made
        if note:
            self._instance.report_engine_event(note, made)
        return made

    def _runs_like(self, run: dg.DagsterRun) -> Runs:
        """Return the `Runs` for the code that this run names."""
        # Dagster submits runs with their origins only.
        assert run.remote_job_origin is not None  # noqa: S101
        assert run.job_code_origin is not None  # noqa: S101
        repository = recon_job_from_origin(run.job_code_origin).repository.get_definition()
        return Runs(self._instance, repository, run.remote_job_origin.repository_origin)

    def _submissions(self) -> Submissions:
        settings = PipelineSettings()
        return Submissions(
            self._instance,
            self._catalogue,
            self._artefacts,
            self._accounts,
            settings.limits,
            settings.engine,
            self._progress,
        )

    def _organisation(self, run: dg.DagsterRun) -> Organisation:
        """Return the organisation that the run's partition names. Raises NotLaunchable, NoSuchOrganisation."""
        slug = run.tags.get(PARTITION_NAME_TAG)
        if slug is None:
            raise NotLaunchable("Choose one partition: the organisation whose labels are exported.")
        organisation = self._accounts.organisation(slug)
        if organisation.suspended:
            raise NotLaunchable(f"The organisation {slug} is suspended.", value=slug, field="partition")
        return organisation

    def _wanted(
        self,
        submissions: Submissions,
        run: dg.DagsterRun,
        organisation: Organisation,
        asker: str,
        reason: str | None,
    ) -> tuple[ExportPlan, str]:
        """Return the plan of the requested export, and a note for the run's log."""
        request = _request_in(run)
        parent = plan.find(job_id_for(run.parent_run_id), self._artefacts) if run.parent_run_id else None
        if parent is not None and (request is None or _is_same(request, parent.request)):
            wanted, note = _repeated(submissions, parent, run.run_id, organisation, asker, reason)
            return wanted, f"{note} {_ALL_STEPS}" if _OF_A_PART & run.tags.keys() else note
        if request is None:
            raise NotLaunchable(
                f"The run has no request. Give one as run config:\n\n{launch_config.example()}"
            )
        explicit = request.asset_config is not None and request.asset_config.record_printed is not None
        if BACKFILL_ID_TAG in run.tags and not explicit:
            raise NotLaunchable(
                "A backfill exports labels for many organisations. Say in the request whether they count as printed:"
                " asset_config.record_printed, true or false.",
                field="record_printed",
            )
        return submissions.plan_of(run.run_id, organisation, request, asker), ""

    def _save(self, wanted: ExportPlan) -> None:
        """Store the plan. An equal stored plan is accepted: a daemon that dies in a backfill submits a run twice."""
        if plan.save(wanted, self._artefacts):
            return
        stored = plan.load(wanted.job_id, self._artefacts)
        if (stored.organisation, stored.from_printer) != (
            wanted.organisation,
            wanted.from_printer,
        ) or not _is_same(stored.request, wanted.request):
            raise NotLaunchable(f"There is another export with the id {wanted.job_id}.", value=wanted.job_id)


def _repeated(
    submissions: Submissions,
    parent: ExportPlan,
    run_id: str,
    organisation: Organisation,
    asker: str,
    reason: str | None,
) -> tuple[ExportPlan, str]:
    """Return the plan that repeats a job: a reprint if it completed, otherwise a new export of its request."""
    before = submissions.job(organisation.slug, parent.job_id)
    if not before.status.is_terminal:
        raise NotLaunchable(f"Job {parent.job_id} is {before.status}. Wait until it ends, or cancel it.")
    if before.status is JobStatus.COMPLETED:
        given = _checked(reason, parent)
        again = submissions.reprint_of(run_id, organisation, parent.job_id, requested_by=asker, reason=given)
        return again, f"Prints again what job {parent.job_id} printed. Reason: {given}"
    ended = f"job {parent.job_id} ended with {before.error_code}"
    if parent.reprint_of is not None:
        again = submissions.reprint_of(
            run_id,
            organisation,
            parent.reprint_of,
            requested_by=asker,
            reason=parent.reason or "",
            rows=parent.rows,
        )
        return again, f"Prints again what job {parent.reprint_of} printed, because {ended}."
    # This release may refuse a request that an earlier one accepted.
    request = _parsed(parent.request.normalised())
    return submissions.plan_of(run_id, organisation, request, asker), f"Repeats the export, because {ended}."


def _asker(run: dg.DagsterRun, actor: str | None) -> str:
    """Return the requester of the export, as shown in its print history."""
    if BACKFILL_ID_TAG in run.tags:
        return f"backfill:{run.tags[BACKFILL_ID_TAG]}"
    return f"ui:{actor}" if actor and actor.isprintable() and len(actor) <= _MAX_ACTOR_LENGTH else "ui"


def _request_in(run: dg.DagsterRun) -> ExportRequest | None:
    """Return the request in the run config, or None. Raises InvalidRequest."""
    request = launch_config.request_in(run.run_config)
    return None if request is None else _parsed(request)


def _parsed(request: Mapping[str, Any]) -> ExportRequest:
    return parse_request(json.dumps(request).encode())


def _is_same(request: ExportRequest, other: ExportRequest) -> bool:
    return request.normalised() == other.normalised()


def _kept_config(run: dg.DagsterRun) -> Mapping[str, Any]:
    request = launch_config.request_in(run.run_config)
    if request is None or len(json.dumps(request)) > MOST_CONFIG_BYTES:
        return {}
    return launch_config.config_of(request)


def _checked(reason: str | None, parent: ExportPlan) -> str:
    """Return the reason of a reprint. A reason copied from the reprinted job does not count."""
    if reason is None or reason == parent.reason:
        raise NotLaunchable(
            f"Job {parent.job_id} is completed, and its labels may be in use. Printing them again needs a reason, which"
            f" their history keeps. {_HOW_TO_GIVE_A_REASON}",
            field=tags.REASON,
        )
    if not (reason.strip() and reason.isprintable() and len(reason) <= MAX_REASON_LENGTH):
        raise NotLaunchable(
            f"The reason must have 1 to {MAX_REASON_LENGTH} characters, on one line.", field=tags.REASON
        )
    return reason
