"""The façade's process. The composition root: it builds stores, settings and the API, and serves the API."""

import argparse
import logging
import threading
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from accounts.errors import UnusableResolver
from accounts.resolvers import require_usable_resolver
from accounts.store import Accounts
from api.app import create_app
from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from catalogue.tables import Catalogue
from cli.settings import Settings
from exports.artefacts import ArtefactStore
from exports.limits import Limits
from exports.reads import ExportReads
from pipelines.dagster_exports import DagsterExports
from pipelines.definitions import defs
from pipelines.execution.runs import Runs
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.resources import catalogue_url
from pipelines.storage import instance

_LOG = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--code-server-socket", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings().resolved()
    workers = WarmWorkers(settings.home, settings.warm_workers)
    workers.start()
    catalogue = Catalogue(catalogue_url(settings.storage_url))
    artefacts = ArtefactStore(settings.storage_url)
    dagster = instance.load(Path(settings.home))
    exports = DagsterExports(
        instance=dagster,
        runs=Runs(dagster, defs.get_repository_def(), arguments.code_server_socket),
        workers=workers,
        catalogue=catalogue,
        artefacts=artefacts,
        sync_threshold=settings.sync_threshold,
        limits=Limits(settings.max_items, settings.max_pages),
        engine=settings.engine,
    )
    threading.Thread(target=exports.submit_left_over, daemon=True).start()
    accounts = Accounts(settings.database_url)
    threading.Thread(target=report_resolvers, args=(accounts,), daemon=True).start()
    app = create_app(
        exports=exports,
        reads=ExportReads(catalogue, artefacts, settings.engine),
        accounts=accounts,
        settings=ApiSettings(secret_key=SecretStr(settings.secret_key)),
        auth_settings=AuthSettings(),
    )
    try:
        uvicorn.run(
            app,
            host=arguments.host,
            port=arguments.port,
            log_level="info",
            # The app writes its own log. That of uvicorn would show the tokens of download links.
            access_log=False,
            server_header=False,
        )
    finally:
        workers.close()


def report_resolvers(accounts: Accounts) -> None:
    """Log an error for each organisation whose stored resolver is unusable; all its other exports go on."""
    for organisation in accounts.organisations():
        try:
            require_usable_resolver(organisation.slug, organisation.resolver)
        except UnusableResolver as error:
            _LOG.error("%s", error)


if __name__ == "__main__":
    main()
