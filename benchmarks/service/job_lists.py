"""Lists and metrics of a running service that keeps 100,000 jobs, beside a poll of one of them.

One real export is copied in the database of runs, under times of its own. Each request is sent in turn, so that
a busy machine slows all of them alike. Exits 1 unless every request was answered well.

    python benchmarks/service/job_lists.py --jobs 100_000
"""

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from sqlalchemy import insert, select

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.wire import cursors
from api.wire.requests import DEEPEST
from exports.jobs.job_id import job_id_for, run_id_for
from exports.ports import JobPosition
from pipelines import tags
from pipelines.storage import instance, job_index
from pipelines.storage.dagster_storage import RunsTable, RunTagsTable
from tests.service import EXPORTS, create_organisation, labels, running_service

ROUNDS = 40
UNLIMITED = "1000000000"
METRICS_KEY = "key-of-the-metrics"
#: Beside the API key, by path.
HEADERS = {"/metrics": {"Authorization": f"Bearer {METRICS_KEY}"}}

#: A page, wherever it is and however long, may take this many times a poll.
MOST_POLLS = 5
GTIN = "09506000134352"
BODY = {
    "scope": "products",
    "export_type": "qr_codes",
    "file_format": "svg",
    "filters": {"gtins": [GTIN]},
    "asset_config": {"record_printed": False},
}

#: In each hundred copies, the positions of those that failed or were cancelled. The others completed.
_FAILED, _CANCELLED = (10, 60), (30,)

#: Tags that a job's last step sets when the job fails.
_OF_A_FAILURE = {tags.ERROR_CODE: "internal_error", tags.PROCESSED_ITEMS: "0", tags.FAILED_ITEMS: "0"}

_COPIES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Copy:
    """A copied job: when it was created, in UTC as the database has it, and its run id."""

    created: datetime
    run_id: str

    @property
    def job_id(self) -> str:
        return job_id_for(self.run_id)

    @property
    def cursor(self) -> str:
        return cursors.of(JobPosition(self.created.replace(tzinfo=UTC), self.job_id))


def main(jobs: int) -> int:
    """Fill a service, measure it and print a table. Return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        key = create_organisation(home, "load")
        products = Path(folder) / "products.csv"
        products.write_text(f"gtin,name\n{GTIN},Product\n", encoding="utf-8")
        labels(home, "import", "--org", "load", "--products", str(products))
        settings = {
            "LABELS_RATE_PER_MINUTE": UNLIMITED,
            "LABELS_RATE_PER_DAY": UNLIMITED,
            "LABELS_METRICS_KEY": METRICS_KEY,
        }
        with running_service(home, settings) as service, service.client(key) as client:
            done = client.finish(client.submit(BODY))
            copies = fill(home, done["job_id"], jobs)
            return measure(client.http, copies)


def fill(home: Path, job_id: str, jobs: int) -> list[Copy]:
    """Copy the job's run, oldest first, and build the index again. The artefacts are not copied."""
    os.environ["LABELS_HOME"] = str(home)
    copies: list[Copy] = []
    with instance.load(home) as dagster:
        storage = job_index.of(dagster)
        began = time.perf_counter()
        for first in range(0, jobs, _COPIES_AT_ONCE):
            numbers = range(first, min(first + _COPIES_AT_ONCE, jobs))
            with storage.transaction() as connection:
                its = RunsTable.c.run_id == run_id_for(job_id)
                run = dict(connection.execute(select(RunsTable).where(its)).mappings().one())
                of_run = select(RunTagsTable.c.key, RunTagsTable.c.value).where(
                    RunTagsTable.c.run_id == run["run_id"]
                )
                run_tags = {row.key: row.value for row in connection.execute(of_run)}
                rows = [_copied(run, jobs - number, number % 100) for number in numbers]
                connection.execute(insert(RunsTable), rows)
                connection.execute(insert(RunTagsTable), list(_tagged(rows, run_tags)))
            copies += [Copy(row["create_timestamp"], row["run_id"]) for row in rows]
        filled = time.perf_counter()
        wrong = storage.repair_index()
        print(f"{jobs:,} runs in {filled - began:.1f} s; index of {wrong:,} of them built in "
              f"{time.perf_counter() - filled:.1f} s")  # fmt: skip
    return copies


def _copied(run: Mapping[str, Any], age_seconds: int, number: int) -> dict[str, Any]:
    run_id = str(uuid.uuid4())
    status = "FAILURE" if number in _FAILED else "CANCELED" if number in _CANCELLED else run["status"]
    changed = {
        "run_id": run_id,
        "run_body": run["run_body"].replace(run["run_id"], run_id),
        "status": status,
        "create_timestamp": run["create_timestamp"] - timedelta(seconds=age_seconds),
    }
    return {name: value for name, value in {**run, **changed}.items() if name != "id"}


def _tagged(rows: list[dict[str, Any]], run_tags: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for row in rows:
        own = run_tags if row["status"] == "SUCCESS" else {**run_tags, **_OF_A_FAILURE}
        for key, value in own.items():
            if row["status"] == "SUCCESS" or key != tags.ARTEFACT:
                yield {"run_id": row["run_id"], "key": key, "value": value}


def measure(http: httpx.Client, copies: list[Copy]) -> int:
    """Print each request's median time, and its ratio to a poll. Return the exit code."""
    middle, old = copies[len(copies) // 2].cursor, copies[len(copies) // 50].cursor
    deepest = {"page": DEEPEST // 100, "page_size": 100}
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "poll": (f"{EXPORTS}{copies[-1].job_id}/", {}),
        "page 1": (EXPORTS, {}),
        "page 1 of 100 jobs": (EXPORTS, {"page_size": 100}),
        "page 100": (EXPORTS, {"page": 100}),
        "last allowed page": (EXPORTS, {"page": DEEPEST // 25}),
        "last allowed page of 100 jobs": (EXPORTS, deepest),
        "after the middle": (EXPORTS, {"after": middle}),
        "after the middle, 100 jobs": (EXPORTS, {"after": middle, "page_size": 100}),
        "near the end": (EXPORTS, {"after": old}),
        "failed, page 1": (EXPORTS, {"status": "failed"}),
        "failed, after the middle": (EXPORTS, {"status": "failed", "after": middle}),
        "completed, last allowed page": (EXPORTS, {"status": "completed", "page": DEEPEST // 25}),
        "pending (none)": (EXPORTS, {"status": "pending"}),
        "metrics": ("/metrics", {}),
    }
    seconds: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(ROUNDS):
        for name, (path, query) in requests.items():
            began = time.perf_counter()
            answer = http.get(path, params=query, headers=HEADERS.get(path))
            seconds[name].append(time.perf_counter() - began)
            if answer.status_code != 200:
                print(f"{name}: {answer.status_code} {answer.text[:500]}")
                return 1
    poll = median(seconds["poll"])
    print(f"{'':32}{'median ms':>10}{'× poll':>8}{'worst ms':>10}")
    for name, measured in seconds.items():
        print(
            f"{name:32}{median(measured) * 1000:>10.1f}{median(measured) / poll:>8.1f}{max(measured) * 1000:>10.1f}"
        )
    slowest = max(median(measured) for measured in seconds.values()) / poll
    print(
        f"slowest: {slowest:.1f} × a poll, aim ≤ {MOST_POLLS}: {'met' if slowest <= MOST_POLLS else 'missed'}"
    )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    raise SystemExit(main(parser.parse_args().jobs))
