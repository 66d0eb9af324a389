"""Dagster's real web server on a small instance, behind the guard, as a browser on this machine reaches it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import CapturingLogger

from accounts.store import Accounts
from pipelines.storage import instance
from pipelines.ui import server
from pipelines.ui.settings import UiSettings

PORT = 3000
ORIGIN = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="session")
def dagster_instance(
    empty_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("ui") / "home"
    shutil.copytree(empty_home, home)
    instance.prepare(home, str(home / "unused.sock"))
    with dg.DagsterInstance.from_config(str(home / "dagster")) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def webserver(dagster_instance: dg.DagsterInstance) -> Iterator[Starlette]:
    with server.opened(dagster_instance, []) as app:
        yield app


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of accounts with its tables, to copy: making them takes a quarter of a second."""
    file = tmp_path_factory.mktemp("accounts") / "accounts.sqlite"
    made = Accounts(f"sqlite:///{file}")
    made.create_organisation("acme")
    made.close()
    return file


@pytest.fixture
def accounts(migrated: Path, tmp_path: Path) -> Iterator[Accounts]:
    opened = Accounts(f"sqlite:///{shutil.copy(migrated, tmp_path)}")
    yield opened
    opened.close()


@dataclass
class Recorder:
    """The web server, and what reached it: the requests' scopes and bodies."""

    inner: Starlette
    scopes: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def routes(self) -> list[BaseRoute]:
        return self.inner.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self.bodies.append(message["body"])
            return message

        self.scopes.append(scope)
        await self.inner(scope, note, send)


@pytest.fixture
def reached(webserver: Starlette) -> Recorder:
    return Recorder(webserver)


@pytest.fixture
def log() -> CapturingLogger:
    return CapturingLogger()


@pytest.fixture
def browse(reached: Recorder, accounts: Accounts, log: CapturingLogger) -> Callable[..., TestClient]:
    """Make a client of a UI with the settings."""

    def made(origin: str = ORIGIN, **settings: object) -> TestClient:
        ui = UiSettings.model_validate({"LABELS_DATABASE_URL": "unused", **settings})
        app = server.guarded(reached, accounts.operators, ui, PORT, log)
        return TestClient(
            app,
            base_url=origin,
            headers={"origin": origin.lower()},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    return made


@pytest.fixture
def client(browse: Callable[..., TestClient]) -> TestClient:
    return browse()


@pytest.fixture
def operator(client: TestClient, accounts: Accounts) -> TestClient:
    """The client, logged in as maria."""
    key = accounts.operators.add("maria")
    assert client.post("/labels/log-in", data={"key": key}).status_code == 303
    return client


@pytest.fixture
def run_id(dagster_instance: dg.DagsterInstance) -> str:
    """The id of a run that an attacker would like to delete."""
    return dagster_instance.add_run(dg.DagsterRun(job_name="label_export")).run_id
