"""The process of the Dagster UI: Dagster's web server behind the guard, in one uvicorn."""

import argparse
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import dagster as dg
import uvicorn
from starlette.applications import Starlette
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from accounts.operators import Operators
from accounts.store import Accounts
from exports import logs
from pipelines.ui.dagster_webserver_names import (
    WorkspaceFileTarget,
    create_app_from_workspace_process_context,
)
from pipelines.ui.guard import Guard
from pipelines.ui.headers import SecurityHeaders
from pipelines.ui.log_in import LogIn
from pipelines.ui.origins import OwnOriginsOnly
from pipelines.ui.permissions import OperatorsMayChange
from pipelines.ui.settings import UiSettings

_LOG = logging.getLogger(__name__)

#: The values that the command `dagster-webserver` uses.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3_600
_POOL_MAX_OVERFLOW = 20
_POLL_MS = 2_000

#: The largest requests are run configurations typed into the launchpad.
_MOST_BODY_BYTES = 1_048_576


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host")
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    given = {} if arguments.host is None else {"host": arguments.host}
    settings = UiSettings(**given)  # pyright: ignore[reportCallIssue] - the environment has the rest
    accounts = Accounts(settings.database_url)
    with dg.DagsterInstance.get() as instance, opened(instance, [arguments.workspace]) as webserver:
        if not accounts.operators.list():
            _LOG.warning(
                "nobody can change anything in the Dagster UI: make a key with `labels operators add NAME`"
            )
        uvicorn.run(
            guarded(webserver, accounts.operators, settings, arguments.port, logs.logger()),
            host=settings.host,
            port=arguments.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=_MOST_BODY_BYTES,
        )
    accounts.close()


@contextmanager
def opened(instance: dg.DagsterInstance, workspaces: Sequence[str]) -> Generator[Starlette]:
    """Yield Dagster's web server for the workspace files, as `dagster-webserver` creates it."""
    instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW)
    target = WorkspaceFileTarget(workspaces)
    with OperatorsMayChange(instance, target, version=dg.__version__) as context:
        yield create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MS)


def guarded(
    webserver: Starlette, operators: Operators, settings: UiSettings, port: int, log: FilteringBoundLogger
) -> ASGIApp:
    """Return Dagster's web server behind the guard. `port` is the port that browsers use."""
    hosts = settings.hosts(port)
    guard = Guard(webserver, log_in=LogIn(operators, hosts), log_in_to_look=settings.log_in_to_look, log=log)
    bounded = RequestBodyLimitMiddleware(guard, max_body_size=_MOST_BODY_BYTES)
    return SecurityHeaders(OwnOriginsOnly(bounded, hosts=hosts, log=log))
