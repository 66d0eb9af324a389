"""A home with a Dagster instance, a small catalogue and its organisation."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, create_engine, make_url

from accounts.store import Accounts
from accounts.vault import Vault, derived_keys
from catalogue.imports import ingest
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from pipelines.storage import instance
from pipelines.storage.databases import postgres

LOTS = 5


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose databases have their tables, to copy: making them takes a second."""
    home = tmp_path_factory.mktemp("empty") / "home"
    instance.prepare(home, str(home / "unused.sock"))
    return home


@pytest.fixture(scope="session")
def server() -> Iterator[Engine]:
    """The PostgreSQL server that LABELS_TEST_POSTGRES_URL names."""
    if (url := os.environ.get("LABELS_TEST_POSTGRES_URL")) is None:
        pytest.skip("LABELS_TEST_POSTGRES_URL names no server")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def tables(server: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with Dagster's tables, to copy."""
    with database(server) as url:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LABELS_DAGSTER_URL", url)
            home = tmp_path_factory.mktemp("tables") / "home"
            instance.prepare(home, str(home / "unused.sock"))
        postgres.engine_of(url).dispose()
        yield str(make_url(url).database)


@pytest.fixture
def postgres_url(server: Engine, tables: str) -> Iterator[str]:
    """The address of a new database with Dagster's tables, whose sessions are not in UTC unless they ask for it."""
    with database(server, tables) as url:
        yield url


@contextmanager
def database(server: Engine, template: str = "template1") -> Iterator[str]:
    """Create a database and yield its address for Dagster. Drop it afterwards."""
    name = f"labels_test_{uuid.uuid4().hex}"
    url = server.url.set(drivername="postgresql+psycopg2", database=name).render_as_string(
        hide_password=False
    )
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'")
        try:
            yield url
        finally:
            postgres.engine_of(url).dispose()
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dagster_url(request: pytest.FixtureRequest) -> str | None:
    """The address of Dagster's database for the parameter `postgres`. None for SQLite files in the home."""
    on_postgres = getattr(request, "param", "sqlite") == "postgres"
    return request.getfixturevalue("postgres_url") if on_postgres else None


@pytest.fixture
def dagster(
    empty_home: Path, dagster_url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    # What the resources' configuration names: a run is made against it.
    monkeypatch.setenv("LABELS_STORAGE_URL", str(tmp_path / "store"))
    monkeypatch.setenv("LABELS_DATABASE_URL", f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    if dagster_url is None:
        shutil.copytree(empty_home, tmp_path / "home")
    else:
        monkeypatch.setenv("LABELS_DAGSTER_URL", dagster_url)
    instance.prepare(tmp_path / "home", str(tmp_path / "unused.sock"))
    with instance.load(tmp_path / "home") as loaded:
        yield loaded


@pytest.fixture
def artefacts(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    made = Accounts(
        f"sqlite:///{tmp_path / 'accounts.sqlite'}", Vault(derived_keys(["a secret of the tests"]))
    )
    made.create_organisation("acme")
    yield made
    made.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return stocked(Catalogue(catalogue_url(str(tmp_path / "store"))), tmp_path)


def stocked(catalogue: Catalogue, folder: Path) -> Catalogue:
    """Return the catalogue with a product of `acme` and its lots."""
    products, lots = folder / "products.csv", folder / "lots.csv"
    products.write_text("gtin,name\n9506000134352,Dark chocolate\n", encoding="utf-8")
    rows = "".join(f"9506000134352,L{number}\n" for number in range(LOTS))
    lots.write_text(f"gtin,lot_number\n{rows}", encoding="utf-8")
    ingest.import_files(catalogue, "acme", products=products, lots=lots, rejects_dir=folder / "rejects")
    return catalogue
