"""Exports from Dagster's UI in the running service: its web server, its daemon, and the API beside them."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import shortuuid
import yaml
from dagster_graphql.client.query import (
    LAUNCH_PARTITION_BACKFILL_MUTATION,
    LAUNCH_PIPELINE_EXECUTION_MUTATION,
)

from tests.conftest import Shop, open_shop
from tests.service import EXPORTS, Service, ServiceError

pytestmark = pytest.mark.service

REQUEST = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
PROOF = REQUEST | {"asset_config": {"record_printed": False}}

_JOB_IDS = shortuuid.ShortUUID("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")

_RUNS = """
query($filter: RunsFilter!) {
  runsOrError(filter: $filter) { ... on Runs { results {
    status tags { key value }
    eventConnection { events { ... on RunFailureEvent { message } } }
  } } }
}
"""

#: A backfill's runs are made by the daemon, which looks every 30 seconds.
_BACKFILL_SECONDS = 120


def ask(ui: httpx.Client, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    document = ui.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in document, document
    return document["data"]


def config(request: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"ops": {"label_export": {"config": {"request": request}}}})


def materialize(ui: httpx.Client, organisation: str) -> dict[str, str]:
    """Start an export in the UI. Return what a receipt of the API says."""
    parameters = {
        "mode": "default",
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": organisation}]},
        "runConfigData": config(REQUEST),
        "selector": {
            "repositoryLocationName": "labels",
            "repositoryName": "__repository__",
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": ["label_export"]}],
            "assetCheckSelection": [],
        },
    }
    answer = ask(ui, LAUNCH_PIPELINE_EXECUTION_MUTATION, {"executionParams": parameters})
    launched = answer["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    job_id = _JOB_IDS.encode(UUID(launched["run"]["runId"]))
    return {"job_id": job_id, "poll_url": f"{EXPORTS}{job_id}/"}


def backfill(ui: httpx.Client, organisations: list[str], request: Mapping[str, Any]) -> str:
    parameters = {
        "tags": [],
        "assetSelection": [{"path": ["label_export"]}],
        "partitionNames": organisations,
        "fromFailure": False,
        "runConfigData": config(request),
    }
    answer = ask(ui, LAUNCH_PARTITION_BACKFILL_MUTATION, {"backfillParams": parameters})
    return answer["launchPartitionBackfill"]["backfillId"]


def ended_runs(service: Service, ui: httpx.Client, backfill_id: str, count: int) -> list[dict[str, Any]]:
    """Return the backfill's runs once they are so many and have ended."""
    deadline = time.monotonic() + _BACKFILL_SECONDS
    chosen = {"filter": {"tags": [{"key": "dagster/backfill", "value": backfill_id}]}}
    while time.monotonic() < deadline:
        runs = ask(ui, _RUNS, chosen)["runsOrError"]["results"]
        if len(runs) == count and all(run["status"] in {"SUCCESS", "FAILURE"} for run in runs):
            return runs
        time.sleep(0.5)
    raise ServiceError(f"the runs of backfill {backfill_id} have not ended: {runs}\n{service.log_tail()}")


@pytest.fixture
def olga(service: Service) -> Iterator[httpx.Client]:
    """The UI in an operator's browser."""
    with service.operator("olga") as ui:
        yield ui


def test_exports_from_the_ui_are_jobs_of_the_api(
    service: Service, shop: Shop, olga: httpx.Client, tmp_path: Path
) -> None:
    second = open_shop(service.home, "dagster-ui-second", tmp_path)
    for each in (shop, second):
        with service.client(each.key) as client:
            receipt = materialize(olga, each.slug)
            done = client.finish(receipt)
            assert done["status"] == "completed"
            assert len(client.download(done)) == done["file_size_bytes"]
            listed = client.send("GET", EXPORTS).json()
            assert [job["job_id"] for job in listed["data"]] == [receipt["job_id"]]
    actors = {"filter": {"tags": [{"key": "labels/actor", "value": "ui:olga"}]}}
    assert len(ask(olga, _RUNS, actors)["runsOrError"]["results"]) == 2

    slugs = [shop.slug, second.slug]
    refused, made = backfill(olga, slugs, REQUEST), backfill(olga, slugs, PROOF)
    for run in ended_runs(service, olga, refused, 2):
        assert run["status"] == "FAILURE"
        [failure] = [event for event in run["eventConnection"]["events"] if event]
        assert "asset_config.record_printed, true or false" in failure["message"]
    runs = ended_runs(service, olga, made, 2)
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]
    assert {
        tag["value"] for run in runs for tag in run["tags"] if tag["key"] == "labels/organisation"
    } == set(slugs)
    for each in (shop, second):
        with service.client(each.key) as client:
            statuses = [job["status"] for job in client.send("GET", EXPORTS).json()["data"]]
            assert statuses == ["completed", "completed"], "the refused runs are no jobs"
