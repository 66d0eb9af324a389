"""The sensor and job that import dropped files: each file once, in the order of their references."""

import hashlib
import json
from dataclasses import dataclass

import dagster as dg

from accounts.errors import NoSuchOrganisation
from accounts.store import Accounts
from catalogue.imports.inbox import Arrival, Inbox, Taken
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from pipelines import tags
from pipelines.automation.run_statuses import UNFINISHED

INBOX_JOB = "inbox_import"

_INTERVAL_SECONDS = 30


class InboxFiles(dg.Config):
    """The files of one organisation that one run imports."""

    organisation: str
    names: list[str]
    fingerprints: list[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """The sensor's memory: fingerprints of the files at the last look, and of those with a run."""

    last_time: frozenset[str]
    requested: frozenset[str]

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Seen":
        document = json.loads(cursor) if cursor else {}
        return cls(frozenset(document.get("last_time", ())), frozenset(document.get("requested", ())))

    def to_cursor(self) -> str:
        return json.dumps({"last_time": sorted(self.last_time), "requested": sorted(self.requested)})


def due(arrivals: list[Arrival], seen: Seen, busy: frozenset[str]) -> tuple[dict[str, list[Arrival]], Seen]:
    """Return the files to import now by organisation, and the sensor's new memory.

    A file is due if it has not changed since the last look (else it may still be written), has no run yet, and its
    organisation is not `busy` importing earlier files, to which it may refer.
    """
    here = frozenset(arrival.fingerprint for arrival in arrivals)
    found: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        fresh = arrival.fingerprint in seen.last_time - seen.requested
        if fresh and arrival.organisation not in busy:
            found.setdefault(arrival.organisation, []).append(arrival)
    requested = {arrival.fingerprint for files in found.values() for arrival in files}
    return found, Seen(here, (seen.requested & here) | requested)


def inbox_of(artefacts: ArtefactStore) -> Inbox:
    return Inbox(f"{artefacts.root_url.rstrip('/')}/inbox")


@dg.op(description="Import the files, report materializations, move the files to done/ or rejected/.")
def import_arrivals(
    context: dg.OpExecutionContext,
    config: InboxFiles,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
) -> None:
    arrivals = [
        Arrival(config.organisation, name, fingerprint)
        for name, fingerprint in zip(config.names, config.fingerprints, strict=True)
    ]
    for taken in inbox_of(artefacts).take(arrivals, catalogue):
        if taken.report is None:
            context.log.warning("%s refused: %s", taken.arrival.name, taken.reason)
        else:
            context.log_event(_materialization(taken))


def _materialization(taken: Taken) -> dg.AssetMaterialization:
    report = taken.report
    assert report is not None  # noqa: S101 - only asked about files that were imported
    return dg.AssetMaterialization(
        dg.AssetKey(["catalogue", report.table]),
        description=f"{taken.arrival.name} of {taken.arrival.organisation}",
        metadata={
            "organisation": taken.arrival.organisation,
            "file": taken.moved_to,
            "read": report.read,
            "added": report.added,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "rejected": report.rejected,
            **({} if report.version is None else {"version": report.version}),
        },
    )


@dg.job(
    name=INBOX_JOB,
    tags={tags.KIND: tags.IMPORT},
    executor_def=dg.in_process_executor,
    description="Imports what was dropped into inbox/<organisation>: products*, lots*, serials*, events*.",
)
def inbox_job() -> None:
    import_arrivals()


@dg.sensor(
    name="inbox",
    job_name=INBOX_JOB,
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports files that lie in an organisation's inbox unchanged since the last look.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SensorResult:
    arrivals = [
        arrival for arrival in inbox_of(artefacts).arrivals() if _exists(accounts, arrival.organisation)
    ]
    running = context.instance.get_runs(dg.RunsFilter(job_name=INBOX_JOB, statuses=UNFINISHED))
    busy = frozenset(run.tags[tags.INBOX] for run in running if tags.INBOX in run.tags)
    files, seen = due(arrivals, Seen.from_cursor(context.cursor), busy)
    return dg.SensorResult(
        run_requests=[_request(organisation, found) for organisation, found in files.items()],
        cursor=seen.to_cursor(),
    )


def _exists(accounts: Accounts, organisation: str) -> bool:
    try:
        accounts.organisation(organisation)
    except NoSuchOrganisation:
        return False
    return True


def _request(organisation: str, arrivals: list[Arrival]) -> dg.RunRequest:
    """Return the request for a run of these files. Its key makes Dagster start only one."""
    fingerprints = [arrival.fingerprint for arrival in arrivals]
    config = InboxFiles(
        organisation=organisation, names=[arrival.name for arrival in arrivals], fingerprints=fingerprints
    )
    return dg.RunRequest(
        run_key=hashlib.sha256("".join(fingerprints).encode()).hexdigest(),
        run_config=dg.RunConfig(ops={"import_arrivals": config}),
        tags={tags.INBOX: organisation},
    )
