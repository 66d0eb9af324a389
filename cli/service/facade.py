"""The façade's process. The composition root: it builds stores, settings and the API, and serves the API."""

import argparse
import logging
import os
import sys
import threading
from pathlib import Path

import uvicorn
from prometheus_client import start_http_server
from pydantic import SecretStr

import web.app
import web.error_pages
from accounts.errors import UnusableResolver
from accounts.resolvers import require_usable_resolver
from accounts.store import Accounts
from api.app import create_app
from api.auth.callers import known_session
from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from catalogue import scratch
from catalogue.tables import Catalogue, catalogue_url
from cli.settings import SIGNING_VARIABLE, Settings
from exports import logs, probe
from exports.artefacts import ArtefactStore
from exports.printers.trays import Trays
from exports.reads import ExportReads
from exports.sheets.templates import templates_in
from pipelines.automation.schedules import CRON
from pipelines.dagster_exports import DagsterExports
from pipelines.dagster_imports import DagsterImports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.storage import instance
from pipelines.ui.settings import UiSettings

_LOG = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--code-server", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(trace_id)s: %(message)s"
    )
    for handler in logging.root.handlers:
        handler.addFilter(logs.add_trace_id)
    settings = Settings().resolved()
    # The workers inherit the environment and do not need the signing key.
    os.environ.pop(SIGNING_VARIABLE, None)
    workers = WarmWorkers(settings.home, settings.warm_workers)
    workers.start()
    catalogue = Catalogue(catalogue_url(settings.storage_url), patient=False)
    artefacts = ArtefactStore(
        settings.storage_url, patient=False, public_endpoint=settings.storage_public_url
    )
    # After the workers' fork server, because that must be forked before the first thread.
    try:
        probe.require_fit(artefacts)
    except probe.UnfitStorage as error:
        workers.close()
        sys.exit(f"error: {error}")
    accounts = Accounts(settings.database_url, settings.vault())
    dagster = instance.load(Path(settings.home))
    runs = Runs(dagster, defs.get_repository_def(), arguments.code_server)
    exports = DagsterExports(
        instance=dagster,
        runs=runs,
        workers=workers,
        catalogue=catalogue,
        artefacts=artefacts,
        accounts=accounts,
        sync_threshold=settings.sync_threshold,
        limits=settings.limits,
        engine=settings.engine,
    )
    imports = DagsterImports(
        instance=dagster, runs=runs, artefacts=artefacts, accounts=accounts, limits=settings.limits
    )
    # Housekeeping does this on the daemon's machine only.
    threading.Thread(target=scratch.remove_abandoned, daemon=True).start()
    threading.Thread(target=accounts.webhooks.reseal, daemon=True).start()
    threading.Thread(target=report_resolvers, args=(accounts,), daemon=True).start()
    threading.Thread(target=accounts.last_uses.keep_writing, daemon=True).start()
    api_settings = ApiSettings(secret_key=SecretStr(settings.secret_key))
    trays = Trays(accounts.printers, templates_in(artefacts), exports.job)
    reads = ExportReads(catalogue, artefacts, settings.engine, accounts.designs, trays)
    auth_settings = AuthSettings()
    ui = UiSettings()  # pyright: ignore[reportCallIssue] - the environment has the rest
    app = create_app(
        exports=exports,
        reads=reads,
        imports=imports,
        catalogue=catalogue,
        accounts=accounts,
        settings=api_settings,
        auth_settings=auth_settings,
        cron=CRON,
        pages=web.app.routes(
            exports=exports,
            reads=reads,
            imports=imports,
            catalogue=catalogue,
            accounts=accounts,
            session_of=known_session,
            cron=CRON,
            session_seconds=auth_settings.session_ttl_seconds,
            public_url=api_settings.public_url,
            max_import_bytes=api_settings.max_import_bytes,
            runs_url=next(iter(ui.origins), None),
        ),
        error_page=web.error_pages.error_page(known_session),
    )
    if api_settings.metrics_port is not None:
        start_http_server(api_settings.metrics_port, arguments.host, app.state.metrics)
    try:
        uvicorn.run(
            app,
            host=arguments.host,
            port=arguments.port,
            log_level="info",
            # The app writes its own log. Uvicorn's log would show the tokens of download links.
            access_log=False,
            server_header=False,
            # Uvicorn would trust X-Forwarded-For of any local client. The app trusts configured proxies only.
            proxy_headers=False,
        )
    finally:
        workers.close()
        accounts.close()


def report_resolvers(accounts: Accounts) -> None:
    """Log an error for each organisation whose stored resolver is unusable. Its exports without links still work."""
    for organisation in accounts.organisations():
        try:
            require_usable_resolver(organisation.slug, organisation.resolver)
        except UnusableResolver as error:
            _LOG.error("%s", error)


if __name__ == "__main__":
    main()
