"""What a small job leaves and asks for, counted in one process: events and their bytes, transactions, storage requests."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, event, func, select

from accounts.store import Accounts
from catalogue.imports import ingest
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import run_id_for
from exports.limits import Limits
from exports.requests.request import parse_request
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.storage import instance
from pipelines.storage.dagster_storage import SqlEventLogStorageMetadata
from pipelines.storage.databases.sqlite import PooledSqliteEventLogStorage
from tests.object_store import BUCKET, counting_server
from tests.pipelines.whole_jobs import ACME, ThisProcess


@dataclass(frozen=True, slots=True)
class Costs:
    """Counts of one job, from its submission to its end."""

    events: int
    event_bytes: int
    transactions: int
    storage_requests: int


def costs(body: Mapping[str, Any], products: str, serials: str) -> Costs:
    """Return the costs of the job on a catalogue of these CSV texts, in an object store of its own."""
    import s3fs

    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment, requests = stack.enter_context(counting_server(home / "requests.log"))
        root = f"s3://{BUCKET}/here"
        database = f"sqlite:///{home / 'accounts.sqlite'}"
        os.environ.update(environment, LABELS_STORAGE_URL=root, LABELS_DATABASE_URL=database)
        s3fs.S3FileSystem().mkdir(BUCKET)
        catalogue = Catalogue(catalogue_url(root))
        of_products, of_serials = home / "products.csv", home / "serials.csv"
        of_products.write_text(products, encoding="utf-8")
        of_serials.write_text(serials, encoding="utf-8")
        ingest.import_files(catalogue, ACME.slug, products=of_products, serials=of_serials, rejects_dir=home)
        instance.prepare(home / "home", str(home / "unused.sock"))
        dagster = stack.enter_context(instance.load(home / "home"))
        accounts = Accounts(database)
        accounts.create_organisation(ACME.slug)
        exports = DagsterExports(
            instance=dagster,
            runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
            workers=cast("WarmWorkers", ThisProcess(dagster)),
            catalogue=catalogue,
            artefacts=ArtefactStore(root),
            sync_threshold=1_000,
            accounts=accounts,
            limits=Limits(max_open_jobs=100),
        )
        request = parse_request(json.dumps(body).encode())
        # The first job opens the catalogue.
        exports.submit(ACME, request, requested_by="key:1")
        committed = _commits()
        before = requests(), committed()
        job = exports.submit(ACME, request, requested_by="key:1")
        asked, ended = requests() - before[0], committed() - before[1]
        storage = dagster.event_log_storage
        assert isinstance(storage, PooledSqliteEventLogStorage)
        stored = SqlEventLogStorageMetadata.tables["event_logs"].c
        query = select(func.count(), func.sum(func.length(stored.event)))
        with storage.run_connection(None) as connection:
            events, size = connection.execute(query.where(stored.run_id == run_id_for(job.job_id))).one()
    return Costs(events, size, ended, asked)


def _commits() -> Callable[[], int]:
    """Return a function that counts the transactions of this process from now on."""
    ended: list[object] = []
    event.listen(Engine, "commit", ended.append)
    return ended.__len__
