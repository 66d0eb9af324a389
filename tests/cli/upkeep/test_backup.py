"""`labels backup` and `labels restore` as commands: what they refuse, and what they leave behind when they do."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accounts.store import Accounts
from catalogue.tables import Catalogue
from cli.main import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STORAGE_URL", "DATABASE_URL", "SECRET_KEY", "DAGSTER_URL"):
        monkeypatch.delenv(f"LABELS_{name}", raising=False)
    folder = tmp_path / "home"
    monkeypatch.setenv("LABELS_HOME", str(folder))
    assert run("org", "create", "acme").exit_code == 0
    Catalogue(str(folder / "storage" / "catalogue")).version()
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def saved(home: Path, tmp_path: Path) -> Path:
    file = tmp_path / "saved.tar"
    result = run("backup", str(file))
    assert result.exit_code == 0, result.output
    assert file.stat().st_mode & 0o777 == 0o600
    return file


@pytest.fixture
def target(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELS_HOME", str(tmp_path / "target"))
    return tmp_path / "target"


def test_an_organisation_comes_back(home: Path, saved: Path, target: Path) -> None:
    assert run("restore", str(saved)).exit_code == 0
    assert {path.name for path in target.iterdir()} == {"accounts.sqlite", "secret_key", "storage"}
    assert (target / "secret_key").read_text() == (home / "secret_key").read_text()
    with_accounts = Accounts(f"sqlite:///{target}/accounts.sqlite")
    assert [organisation.slug for organisation in with_accounts.organisations()] == ["acme"]
    with_accounts.close()
    private = [target, target / "accounts.sqlite", target / "secret_key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_stores_have_the_places_of_the_settings(
    saved: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty folder stays the folder that it was, as a disk of its own must."""
    disk = tmp_path / "disk"
    disk.mkdir()
    before = disk.stat().st_ino
    monkeypatch.setenv("LABELS_STORAGE_URL", str(disk))
    monkeypatch.setenv("LABELS_DATABASE_URL", f"sqlite:///{tmp_path}/database/accounts.db")
    assert run("restore", str(saved)).exit_code == 0
    assert {path.name for path in disk.iterdir()} == {"catalogue"}
    assert disk.stat().st_ino == before
    assert (tmp_path / "database" / "accounts.db").exists()
    assert {path.name for path in target.iterdir()} == {"secret_key"}


def test_a_damaged_backup_leaves_the_home_empty(saved: Path, target: Path) -> None:
    content = saved.read_bytes()
    at = content.index(b"SQLite format 3") + 5_000
    saved.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    result = run("restore", str(saved))
    assert (result.exit_code, "'accounts.sqlite' is damaged" in result.output) == (1, True)
    assert [path for path in target.rglob("*") if path.is_file()] == []
    saved.write_bytes(content)
    assert run("restore", str(saved)).exit_code == 0


def test_a_home_in_use_is_not_restored_into(home: Path, saved: Path) -> None:
    result = run("restore", str(saved))
    assert (result.exit_code, f"{home} is not empty" in result.output) == (1, True)


def test_a_file_is_not_overwritten_nor_put_among_what_is_saved(home: Path, saved: Path) -> None:
    assert "exists" in run("backup", str(saved)).output
    inside = home / "storage" / "backup.tar"
    result = run("backup", str(inside))
    assert (result.exit_code, inside.exists()) == (1, False)


def test_nothing_is_made_of_a_folder_that_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_HOME", str(tmp_path / "nowhere"))
    result = run("backup", str(tmp_path / "file"))
    assert (result.exit_code, "not a home" in result.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("LABELS_DAGSTER_URL", "postgresql://user:hunter2@host/dagster"),
        ("LABELS_DATABASE_URL", "postgresql://user:hunter2@host/accounts"),
        ("LABELS_STORAGE_URL", "s3://bucket/labels"),
    ],
)
def test_for_servers_it_is_told_what_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str, url: str
) -> None:
    monkeypatch.setenv("LABELS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(name, url)
    result = run(command, str(tmp_path / "file"))
    assert result.exit_code == 2
    assert name in result.output
    assert "pg_dump" in result.output
    assert "hunter2" not in result.output
