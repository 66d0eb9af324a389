"""Dagster's web server over a home of its own, asked as its page in a browser asks it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster_graphql.client.query import (
    LAUNCH_PIPELINE_EXECUTION_MUTATION,
    LAUNCH_PIPELINE_REEXECUTION_MUTATION,
)
from dagster_graphql.test.utils import define_out_of_process_workspace
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.testclient import TestClient

from accounts.store import Accounts
from catalogue.imports import ingest
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from exports.limits import Limits
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.dagster_workers import execute_run, recon_job_from_origin
from pipelines.execution.runs import Runs
from pipelines.storage import instance
from tests.pipelines.whole_jobs import ThisProcess

LOTS = 3


@dataclass(frozen=True)
class Ui:
    """The web server, and what the service has beside it."""

    http: TestClient
    dagster: dg.DagsterInstance
    catalogue: Catalogue
    artefacts: ArtefactStore
    accounts: Accounts
    exports: DagsterExports

    def open(self, slug: str, folder: Path) -> str:
        """Create an organisation with a product and its lots. Return its slug."""
        self.accounts.create_organisation(slug)
        products, lots = folder / "products.csv", folder / "lots.csv"
        products.write_text("gtin,name\n9506000134352,Dark chocolate\n", encoding="utf-8")
        rows = "".join(f"9506000134352,L{number}\n" for number in range(LOTS))
        lots.write_text(f"gtin,lot_number\n{rows}", encoding="utf-8")
        ingest.import_files(
            self.catalogue, slug, products=products, lots=lots, rejects_dir=folder / "rejects"
        )
        return slug

    def materialize(
        self,
        organisation: str | None,
        request: Mapping[str, Any] | None,
        *,
        job: str = "__ASSET_JOB",
        steps: Sequence[str] | None = None,
        **more_tags: str,
    ) -> dict[str, Any]:
        """Return the answer to Materialize, or to Launch Run on the page of the job."""
        config = {} if request is None else {"ops": {"label_export": {"config": {"request": request}}}}
        partition = {} if organisation is None else {"dagster/partition": organisation}
        asset = {"assetSelection": [{"path": ["label_export"]}], "assetCheckSelection": []}
        parameters = {
            "mode": "default",
            "executionMetadata": {"tags": _listed(partition | more_tags)},
            "stepKeys": steps,
            "runConfigData": yaml.safe_dump(config),
            "selector": {
                "repositoryLocationName": instance.LOCATION_NAME,
                "repositoryName": "__repository__",
                "pipelineName": job,
                **(asset if job == "__ASSET_JOB" else {}),
            },
        }
        answer = self._ask(LAUNCH_PIPELINE_EXECUTION_MUTATION, {"executionParams": parameters})
        return answer["launchPipelineExecution"]

    def reexecute(self, run_id: str, strategy: str = "ALL_STEPS", **extra_tags: str) -> dict[str, Any]:
        """Return the answer to Re-execute. The dialog on the list of runs adds tags."""
        parameters = {"parentRunId": run_id, "strategy": strategy, "extraTags": _listed(extra_tags)}
        answer = self._ask(LAUNCH_PIPELINE_REEXECUTION_MUTATION, {"reexecutionParams": parameters})
        return answer["launchPipelineReexecution"]

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.dagster.get_run_by_id(run_id)
        assert found is not None
        return found

    def newest(self) -> dg.DagsterRun:
        """Return the run that was created last."""
        return self.dagster.get_runs(limit=1)[0]

    def execute(self, run_id: str) -> dg.DagsterRun:
        """Execute the queued run as its worker does, and return it as it has ended."""
        run = self.run(run_id)
        assert run.status is dg.DagsterRunStatus.QUEUED
        starting = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, job_name=run.job_name)
        self.dagster.report_dagster_event(starting, run_id)
        run = self.run(run_id)
        assert run.job_code_origin is not None
        execute_run(recon_job_from_origin(run.job_code_origin), run, self.dagster)
        return self.run(run_id)

    def log_of(self, run_id: str) -> str:
        """Return the messages of the run's events, as its page shows them."""
        records = self.dagster.get_records_for_run(run_id).records
        return "\n".join(record.event_log_entry.message for record in records)

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"X-Labels-Actor": "maria@example.com"},
        )
        document = answer.json()
        assert "errors" not in document, document
        return document["data"]


def run_id_of(answer: Mapping[str, Any]) -> str:
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return answer["run"]["runId"]


@contextmanager
def dagster_ui(home: Path) -> Generator[Ui]:
    """Serve the home's instance. Our code is loaded in a process of its own, as by the service."""
    storage_url, database_url = str(home / "store"), f"sqlite:///{home / 'accounts.sqlite'}"
    instance.prepare(home, str(home / "unused.sock"))
    workspace = home / "workspace.yaml"
    module = {"module_name": "pipelines.definitions", "location_name": instance.LOCATION_NAME}
    workspace.write_text(yaml.safe_dump({"load_from": [{"python_module": module}]}), encoding="utf-8")
    catalogue, artefacts = Catalogue(catalogue_url(storage_url)), ArtefactStore(storage_url)
    accounts = Accounts(database_url)
    with (
        instance.load(home) as dagster,
        define_out_of_process_workspace(str(workspace), None, dagster) as context,
        TestClient(create_app_from_workspace_process_context(context)) as http,
    ):
        exports = DagsterExports(
            instance=dagster,
            runs=Runs(dagster, defs.get_repository_def(), "unused.sock"),
            workers=ThisProcess(dagster),
            catalogue=catalogue,
            artefacts=artefacts,
            accounts=accounts,
            sync_threshold=0,
            limits=Limits(max_open_jobs=100),
        )
        yield Ui(http, dagster, catalogue, artefacts, accounts, exports)
    accounts.close()


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
