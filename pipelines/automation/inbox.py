"""The sensor and job that import dropped files: each file once, in the order of their references."""

import json
from collections.abc import Collection

import dagster as dg

from accounts.store import Accounts
from catalogue.imports.inbox import Arrival, Inbox
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from pipelines import tags
from pipelines.automation.imported import materialization
from pipelines.storage.run_statuses import UNFINISHED

INBOX_JOB = "inbox_import"

_INTERVAL_SECONDS = 30


class InboxFiles(dg.Config):
    """The files of one organisation that one run imports. Only earlier releases set `names`."""

    organisation: str
    fingerprints: list[str]
    names: list[str] | None = None


def due(arrivals: list[Arrival], last_time: Collection[str], busy: Collection[str]) -> dict[str, list[str]]:
    """Return the fingerprints of the files to import now, by organisation.

    A file is due if it has not changed since the last evaluation (a changed file may still be being written), and if
    its organisation is not `busy` importing earlier files, to which it may refer.
    """
    found: dict[str, list[str]] = {}
    for arrival in arrivals:
        if arrival.fingerprint in last_time and arrival.organisation not in busy:
            found.setdefault(arrival.organisation, []).append(arrival.fingerprint)
    return found


def inbox_of(artefacts: ArtefactStore) -> Inbox:
    return Inbox(f"{artefacts.root_url.rstrip('/')}/inbox")


@dg.op(description="Import the files, report materializations, move the files to done/ or rejected/.")
def import_arrivals(
    context: dg.OpExecutionContext,
    config: InboxFiles,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
) -> None:
    for taken in inbox_of(artefacts).take(config.organisation, config.fingerprints, catalogue):
        if taken.report is None:
            context.log.warning("%s refused: %s", taken.arrival.name, taken.reason)
        else:
            arrival = taken.arrival
            source = {"organisation": arrival.organisation, "file": taken.moved_to}
            for table in taken.report.tables:
                description = f"{arrival.name} of {arrival.organisation}"
                context.log_event(materialization(table, description, source))


@dg.job(
    name=INBOX_JOB,
    tags={tags.KIND: tags.IMPORT},
    executor_def=dg.in_process_executor,
    description="Imports the files dropped into inbox/<organisation>: catalogue*, products*, lots*, serials*, events*.",
)
def inbox_job() -> None:
    import_arrivals()


@dg.sensor(
    name="inbox",
    job_name=INBOX_JOB,
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports files in an organisation's inbox that have not changed since the last evaluation.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SensorResult:
    # Read the runs before the files, so that files of a run that ends in between are not listed any more.
    running = context.instance.get_runs(dg.RunsFilter(job_name=INBOX_JOB, statuses=UNFINISHED))
    busy = {run.tags[tags.INBOX] for run in running if tags.INBOX in run.tags}
    inbox = inbox_of(artefacts)
    arrivals = [
        arrival
        for organisation in inbox.organisations()
        if accounts.is_active(organisation)
        for arrival in inbox.arrivals(organisation)
    ]
    last_time = json.loads(context.cursor)["last_time"] if context.cursor else []
    return dg.SensorResult(
        run_requests=[
            _request(organisation, files) for organisation, files in due(arrivals, last_time, busy).items()
        ],
        cursor=json.dumps({"last_time": [arrival.fingerprint for arrival in arrivals]}),
    )


def _request(organisation: str, fingerprints: list[str]) -> dg.RunRequest:
    config = InboxFiles(organisation=organisation, fingerprints=fingerprints)
    return dg.RunRequest(
        run_config=dg.RunConfig(ops={"import_arrivals": config}), tags={tags.INBOX: organisation}
    )
