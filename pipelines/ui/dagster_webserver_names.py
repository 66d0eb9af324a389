"""Dagster's undocumented names for its web server. See decisions 0011 and 0014."""

# The state of the code server that the UI shows, and the address of the code server.
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

# Which buttons the UI enables, and the reason that it shows for disabled ones.
from dagster._core.workspace.permissions import PermissionResult

# Creates the Starlette application that `dagster-webserver` serves.
from dagster_webserver.app import create_app_from_workspace_process_context

#: The route of every page of the UI. It matches any path that no other route matches.
PAGE = "index_html_endpoint"

#: Names of the routes that only read. Every other route is guarded as a write.
LOOKING = frozenset(
    {
        PAGE,
        "webserver_info_endpoint",
        "root_static",
        "_next_static",
        "vendor_static",
    }
)

#: The route of GraphQL over HTTP, and over a websocket.
GRAPHQL_HTTP = "graphql-http"
GRAPHQL_WEBSOCKET = "graphql-ws"

#: Mutations that the UI sends by itself: usage statistics (which are off), and that an introduction was shown.
SENT_BY_ITSELF = frozenset({"logTelemetry", "setNuxSeen"})

__all__ = [
    "GRAPHQL_HTTP",
    "GRAPHQL_WEBSOCKET",
    "LOOKING",
    "PAGE",
    "SENT_BY_ITSELF",
    "PermissionResult",
    "WorkspaceFileTarget",
    "WorkspaceProcessContext",
    "WorkspaceRequestContext",
    "create_app_from_workspace_process_context",
]
