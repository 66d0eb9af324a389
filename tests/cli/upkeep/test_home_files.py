"""What a backup holds, and in which order."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from catalogue.tables import Catalogue
from cli.settings import Settings
from cli.upkeep import home_files
from cli.upkeep.archive import FileChanged, Member
from cli.upkeep.home_files import ElsewhereStored, Home, home_of

JOB = "storage/exports/5GDAs4BWkHdsNYKPX5dK2n"
KEPT = (
    "accounts.sqlite",
    "dagster/storage/schedules.db",
    "dagster/storage/runs.db",
    "dagster/storage/event_log.db",
    "storage/imports/1/upload",
    "storage/inbox/acme/products.csv",
    f"{JOB}/decision.json",
    f"{JOB}/artefact",
    f"{JOB}/manifest.csv",
    "dagster/storage/a-run/a-step/result",
    "secret_key",
)
LEFT_OUT = (
    "serve.lock",
    "stopped",
    "dagster/dagster.yaml",
    "dagster/workspace.yaml",
    "dagster/storage/runs.db-journal",
    "something else",
    f"{JOB}/parts/1/0000-0001.data",
    f"{JOB}/manifest.csv.0123.tmp",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    for name in (*KEPT, *LEFT_OUT):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".sqlite", ".db"}:
            _change(path, "CREATE TABLE told (value)")
        else:
            path.write_text(name)
    Catalogue(str(folder / "storage" / "catalogue")).version()
    return home_of(Settings(home=folder))


def _change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def _members(home: Home, *, artefacts: bool = True) -> list[Member]:
    with home_files.saved(home, artefacts=artefacts) as members:
        return list(members)


def test_each_store_is_saved_after_those_that_it_may_be_ahead_of(home: Home) -> None:
    names = [member.name for member in _members(home)]
    assert names[0] == "backup.json"
    catalogue = [name for name in names if name.startswith("storage/catalogue/")]
    assert [name for name in names[1:] if name not in catalogue] == list(KEPT)
    assert names.index("storage/inbox/acme/products.csv") < names.index(catalogue[0])
    assert names.index(catalogue[-1]) < names.index(f"{JOB}/decision.json")
    tables = list(dict.fromkeys(name.split("/")[2] for name in catalogue))
    assert tables == ["lifecycle_events", "serials", "lots", "products"]


def test_without_artefacts_everything_else_is_there(home: Home) -> None:
    left = {member.name for member in _members(home)} - {
        member.name for member in _members(home, artefacts=False)
    }
    assert left == {f"{JOB}/artefact"}


def test_a_database_is_saved_with_what_is_only_in_its_log(home: Home, tmp_path: Path) -> None:
    """A writer is connected, as the service is: what it commits is in the log beside the file."""
    with closing(sqlite3.connect(home.accounts)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO told VALUES ('committed')")
        writer.commit()
        writer.execute("INSERT INTO told VALUES ('not yet')")
        with home_files.saved(home, artefacts=True) as members:
            copy = next(member.path for member in members if member.name == "accounts.sqlite")
            assert [path.name for path in copy.parent.glob("accounts*")] == ["accounts.sqlite"]
            shutil.copy(copy, tmp_path / "copy")
        with closing(sqlite3.connect(tmp_path / "copy")) as reader:
            assert reader.execute("SELECT value FROM told").fetchall() == [("committed",)]


def test_a_log_whose_files_are_removed_meanwhile_is_copied_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[Path] = []
    copy2 = shutil.copy2

    def lose_the_first(source: Path, target: Path) -> None:
        copies.append(source)
        if len(copies) == 1:
            raise FileNotFoundError(source)
        copy2(source, target)

    monkeypatch.setattr(shutil, "copy2", lose_the_first)
    logs = [member.name for member in _members(home) if "_delta_log" in member.name]
    assert len(logs) == 4
    assert len(copies) == 5

    def lose(source: Path, target: Path) -> None:
        raise FileNotFoundError(source)

    monkeypatch.setattr(shutil, "copy2", lose)
    with pytest.raises(FileChanged):
        _members(home)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database_url": "postgresql://host/accounts"}, "LABELS_DATABASE_URL"),
        ({"storage_url": "s3://bucket/labels"}, "LABELS_STORAGE_URL"),
        ({"database_url": "sqlite://"}, "LABELS_DATABASE_URL"),
    ],
)
def test_what_servers_store_is_not_saved(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    with pytest.raises(ElsewhereStored, match=named):
        home_of(Settings(home=tmp_path / "home", **settings))


def test_dagster_on_a_server_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://host/dagster")
    with pytest.raises(ElsewhereStored, match="LABELS_DAGSTER_URL"):
        home_of(Settings(home=tmp_path / "home"))


def test_stores_elsewhere_on_this_machine_are_found(tmp_path: Path) -> None:
    found = home_of(
        Settings(
            home=tmp_path / "home",
            storage_url=f"file://{tmp_path}/disk",
            database_url=f"sqlite:///{tmp_path}/accounts.db",
        )
    )
    assert found == Home(tmp_path / "home", tmp_path / "accounts.db", tmp_path / "disk")
