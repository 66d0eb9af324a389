"""The home is private, and only the processes that need its secret key get it."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from pydantic import ValidationError

from accounts.store import Accounts
from accounts.vault import derived_keys
from cli import settings as cli_settings
from cli.settings import Settings, make_private
from exports.limits import Limits
from pipelines.settings import PipelineSettings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith("LABELS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_and_what_is_in_it_are_its_owners_only(home):
    settings = Settings(home=home).resolved()
    accounts = Accounts(settings.database_url)
    accounts.create_organisation("acme")
    assert mode(home) == 0o700
    assert {path.name: oct(mode(path)) for path in home.iterdir()} == dict.fromkeys(
        ["accounts.sqlite", "accounts.sqlite-shm", "accounts.sqlite-wal", "secret_key"], "0o600"
    )
    accounts.close()


def test_a_home_of_an_earlier_release_becomes_private(home):
    databases = [
        home / name for name in ("accounts.sqlite", "dagster/storage/runs.db", "dagster/storage/runs/a.db")
    ]
    for path in (home / "secret_key", *databases):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a secret key of an earlier release")
        path.chmod(0o644)
    home.chmod(0o755)
    assert Settings(home=home).resolved().secret_key == "a secret key of an earlier release"
    make_private(home)
    assert [mode(path) for path in (home, home / "secret_key", *databases)] == [0o700, *[0o600] * 4]


def test_a_database_elsewhere_becomes_private_too(tmp_path):
    file = tmp_path / "accounts.sqlite"
    file.touch(0o644)
    accounts = Accounts(f"sqlite:///{file}")
    accounts.create_organisation("acme")
    assert mode(file) == 0o600
    accounts.close()


def test_all_who_start_at_once_get_one_key(home):
    together = threading.Barrier(8)

    def start():
        together.wait(30)
        return Settings(home=home).resolved().secret_key

    with ThreadPoolExecutor(8) as pool:
        found = {future.result() for future in [pool.submit(start) for _ in range(8)]}
    assert len(found) == 1
    assert len(found.pop()) >= 48
    assert [path.name for path in home.iterdir()] == ["secret_key"]


def test_the_key_is_never_seen_before_it_is_whole(home, monkeypatch):
    link, seen = os.link, []

    def watched(source, target):
        seen.append((home / "secret_key").exists())
        link(source, target)

    monkeypatch.setattr(cli_settings.os, "link", watched)
    key = Settings(home=home).resolved().secret_key
    assert seen == [False]
    assert (home / "secret_key").read_text() == key


def test_only_who_signs_gets_the_secret_key(home, monkeypatch):
    key = "the secret key of the operator"
    monkeypatch.setenv("LABELS_SECRET_KEY", key)
    monkeypatch.setenv("LABELS_RETENTION_DAYS", "3")
    settings = Settings(home=home).resolved()
    common = settings.environment()
    assert common["LABELS_RETENTION_DAYS"] == "3"
    assert not {name for name, value in common.items() if key in value}
    assert settings.signing_environment() == {"LABELS_SECRET_KEY": key}
    assert settings.sending_environment() == {"LABELS_WEBHOOK_KEYS": derived_keys([key])[0]}
    assert not (home / "secret_key").exists()


def test_the_processes_of_the_service_get_the_limits(home, monkeypatch):
    wanted = Limits(max_items=1, max_labels=2, max_pages=3, max_storage_bytes=4, max_open_jobs=5)
    for name, value in asdict(wanted).items():
        monkeypatch.setenv(f"LABELS_{name.upper()}", str(value))
    settings = Settings(home=home).resolved()
    assert settings.limits == wanted
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert PipelineSettings().limits == wanted


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://root:hush@db/dagster", "begins with postgresql://, not mysql://"),
        (
            "postgresql+psycopg://root:hush@db/dagster",
            r"begins with postgresql://, not postgresql\+psycopg://",
        ),
        ("db:5432/hush", "expected postgresql://user:password@host/database"),
    ],
)
def test_a_database_that_dagster_cannot_use_is_refused_without_its_password(monkeypatch, url, expected):
    monkeypatch.setenv("LABELS_DAGSTER_URL", url)
    with pytest.raises(ValidationError, match=expected) as refused:
        Settings()
    assert "dagster_url" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_plain_address_gets_the_driver_of_dagster(monkeypatch):
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgres://root:p%40ss@db/dagster?sslmode=require")
    url = Settings().dagster_url
    assert url.get_secret_value() == "postgresql+psycopg2://root:p%40ss@db/dagster?sslmode=require"
    assert "p%40ss" not in repr(Settings())


@pytest.mark.parametrize("name", ["LABELS_DAGSTER_POOL_SIZE", "LABELS_DATABASE_POOL_SIZE"])
def test_a_pool_has_at_least_one_connection(monkeypatch, name):
    monkeypatch.setenv(name, "0")
    with pytest.raises(ValidationError, match=name.removeprefix("LABELS_").lower()):
        Settings()
