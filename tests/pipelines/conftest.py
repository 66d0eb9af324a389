"""A home with a Dagster instance, a small catalogue and its organisation."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from accounts.store import Accounts
from accounts.vault import Vault, derived_keys
from catalogue.imports import ingest
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from pipelines.storage import instance

LOTS = 5


@pytest.fixture
def dagster_url() -> str | None:
    """The address of an empty database for Dagster. None for SQLite files in the home."""
    return None


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose databases have their tables, to copy: making them takes a second."""
    home = tmp_path_factory.mktemp("empty") / "home"
    instance.prepare(home, str(home / "unused.sock"))
    return home


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
