"""The run coordinator: turns a run launched in Dagster's UI into an export job, or refuses it.

Every process that opens the instance imports this module, so imports for exports are inside functions.
"""

from functools import cached_property
from typing import TYPE_CHECKING, cast

import dagster as dg

from exports.errors import InvalidRequest
from gs1.errors import LabelError
from pipelines import tags
from pipelines.storage import job_index

if TYPE_CHECKING:
    from pipelines.submission.launches import Launches

#: The header in which the guard in front of Dagster's UI names the operator.
ACTOR_HEADER = "X-Labels-Actor"

#: The asset, the prefix of its jobs' names, and Dagster's own job of all assets.
_ASSET, _JOBS, _ALL_ASSETS = dg.AssetKey("label_export"), "label_export", "__ASSET_JOB"


def exports_labels(run: dg.DagsterRun) -> bool:
    """Return whether the run makes label exports, according to its job and its asset selection."""
    if run.asset_selection is not None:
        return _ASSET in run.asset_selection
    return run.job_name.startswith(_JOBS) or (
        run.job_name.startswith(_ALL_ASSETS) and not run.asset_check_selection
    )


class LaunchRefused(Exception):
    """The run cannot become an export. Dagster's UI shows the message."""


class ExportRunCoordinator(dg.QueuedRunCoordinator):
    """Dagster's queue. Runs of the façade and of schedules already have a plan and pass unchanged.

    All other runs come with a workspace: from the UI's process, or from the daemon for Dagster's backfills, schedules
    and sensors.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Queue the run. Fail it and raise LaunchRefused if it cannot become an export.

        A refused run of a backfill fails with the message but does not raise, so that the other runs go on.
        """
        run = context.dagster_run
        # Dagster's annotation wrongly says that there is always a workspace.
        workspace = cast("object", context.workspace)
        if workspace is None or run.status is not dg.DagsterRunStatus.NOT_STARTED:
            return super().submit_run(context)
        cleaned = self._without_our_tags(run)
        if not exports_labels(run):
            return super().submit_run(dg.SubmitRunContext(cleaned, context.workspace))
        try:
            accepted = self._launches.accept(
                cleaned, reason=run.tags.get(tags.REASON), actor=context.get_request_header(ACTOR_HEADER)
            )
        except LabelError as error:
            message = _words_of(error)
            if getattr(workspace, "source", None) is not None:
                raise LaunchRefused(message) from error
            self._instance.report_run_failed(cleaned, message)
            return self._instance.get_run_by_id(run.run_id) or cleaned
        return super().submit_run(dg.SubmitRunContext(accepted, context.workspace))

    def _without_our_tags(self, run: dg.DagsterRun) -> dg.DagsterRun:
        """Return the run without tags that only a submission or the run's own worker may set."""
        ours = tags.STATE | tags.OF_SUBMISSION | tags.EARLIER.keys()
        kept = {key: value for key, value in run.tags.items() if key not in ours}
        if kept == run.tags:
            return run
        cleaned = run.with_tags(kept)
        runs = job_index.of(self._instance)
        with runs.transaction(run.run_id):
            runs.delete_run(run.run_id)
            runs.add_run(cleaned)
        return cleaned

    @cached_property
    def _launches(self) -> "Launches":
        from pipelines.submission.launches import Launches  # noqa: PLC0415

        return Launches(self._instance)


def _words_of(error: LabelError) -> str:
    """Return the error message, with the place of each fault in the request."""
    if not isinstance(error, InvalidRequest):
        return str(error)
    faults = (f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.details)
    return "\n".join([str(error), *faults])
