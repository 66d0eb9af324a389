"""The processes of the service and their arguments.

Each function also reads the settings of its process, so that a wrong setting is reported before anything starts. It
raises pydantic's ValidationError.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from cli.settings import Settings
from pipelines.settings import PipelineSettings
from pipelines.storage import instance
from pipelines.ui.settings import UiSettings


class Service(NamedTuple):
    """A process that calls `function`, `module:name`, as a command with these arguments.

    The secrets are added to its environment. If `awaits_code`, the process starts when the code server answers.
    Otherwise the UI would show an error, and the daemon would try again after a minute only.
    """

    name: str
    function: str
    arguments: tuple[str, ...]
    secrets: Mapping[str, str] = {}
    awaits_code: bool = False


def code_server(settings: Settings, address: str) -> Service:
    """Return the process that serves our definitions to daemon and UI, at a Unix socket or at `host:port`."""
    PipelineSettings()
    listening = [
        word for name, value in instance.server_at(address).items() for word in (f"--{name}", str(value))
    ]
    return Service(
        "code-server",
        "pipelines.execution.dagster_command:main",
        ("api", "grpc", "--module-name", "pipelines.definitions", *listening, "--location-name", instance.LOCATION_NAME),
        settings.sending_environment(),
    )  # fmt: skip


def facade(settings: Settings, host: str, port: int) -> Service:
    """Return the process that serves the API, with its warm workers."""
    ApiSettings(secret_key=SecretStr(settings.secret_key))
    AuthSettings()
    return Service(
        "facade",
        "cli.service.facade:main",
        ("--host", host, "--port", str(port), "--code-server", address_of_code(settings)),
        settings.signing_environment(),
    )


def daemon(settings: Settings) -> Service:
    """Return the process that starts, monitors and resumes runs, and evaluates schedules and sensors."""
    return Service(
        "daemon",
        "pipelines.execution.run_launcher:run_daemon",
        ("run", "--workspace", str(instance.workspace_of(settings.home))),
        awaits_code=True,
    )


def ui(settings: Settings, port: int, host: str | None = None) -> Service:
    """Return the Dagster UI behind its guard. Without `host` it listens at `LABELS_UI_HOST`."""
    UiSettings.model_validate({"LABELS_DATABASE_URL": settings.database_url})
    workspace = str(instance.workspace_of(settings.home))
    return Service(
        "ui",
        "pipelines.ui.server:main",
        ("--port", str(port), "--workspace", workspace, *(() if host is None else ("--host", host))),
        awaits_code=True,
    )


def address_of_code(settings: Settings) -> str:
    """Return the address of the code server: `LABELS_CODE_SERVER`, or a Unix socket of the home."""
    return settings.code_server or _socket_path(settings.home)


def _socket_path(home: Path) -> str:
    """Return the path of the code server's Unix socket. It is short, because the limit is 107 bytes."""
    path = str(home / "code-server.sock")
    if len(path.encode()) <= 100:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:24]
    return f"/tmp/labels-{digest}.sock"  # noqa: S108 - the shortest folder there is
