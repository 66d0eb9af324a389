"""Dagster's names for its web server, none of them documented. See decisions 0011 and 0014."""

# The state that the UI shows of the code server, and where that one is.
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

# Which buttons the UI shows as usable, and its reason for those that are not.
from dagster._core.workspace.permissions import PermissionResult

# What `dagster-webserver` serves: a Starlette application.
from dagster_webserver.app import create_app_from_workspace_process_context

#: The route of every page of the UI: any path that no other route has.
PAGE = "index_html_endpoint"

#: Routes of the application that show what is there, by name. Every other one is guarded as a write.
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

#: Mutations that the UI sends by itself: usage statistics, which are off, and that an introduction was shown.
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
