"""`labels doctor`: what it finds right and wrong, what it says of it, and what it never says."""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from accounts.store import Accounts
from cli.main import main
from cli.settings import Settings
from cli.upkeep import connections, findings, installed
from cli.upkeep.findings import Check, Finding, Installation, Level
from exports.artefacts import ArtefactStore
from pipelines.storage import instance
from pipelines.storage.databases import schema

SUBJECTS = [
    "settings", "python", "packages", "home", "disk", "accounts", "dagster", "leases", "storage", "clocks", "redis",
    "broker", "code server", "façade",
]  # fmt: skip
PASSWORD = "hunter2 & more"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("LABELS_", "AWS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("LABELS_HOME", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    monkeypatch.setattr(httpx, "get", _refused)
    return folder


def _refused(url: str, **_: object) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


@pytest.fixture
def made(home: Path) -> Path:
    """A home as the service leaves it."""
    settings = Settings().resolved()
    Accounts(settings.database_url).create_organisation("acme")
    instance.prepare(home, str(home / "code-server.sock"))
    for path in home.glob("dagster/storage/*.db*"):
        path.chmod(0o600)
    return home


def doctor(*options: str) -> tuple[int, dict[str, list[Finding]]]:
    """Return the exit code, and the findings by subject."""
    result = CliRunner().invoke(main, ["doctor", "--json", *options])
    told = json.loads(result.stdout)
    assert told["ok"] is (result.exit_code == 0)
    by_subject: dict[str, list[Finding]] = {}
    for finding in told["findings"]:
        by_subject.setdefault(finding["subject"], []).append(Finding(**finding))
    return result.exit_code, by_subject


def levels(*options: str) -> dict[str, set[str]]:
    return {subject: {each.level for each in some} for subject, some in doctor(*options)[1].items()}


def test_a_home_of_the_service_is_well(made: Path) -> None:
    before = sorted(path for path in made.rglob("*") if path.is_file())
    code, found = doctor()
    assert code == 0
    assert list(found) == SUBJECTS
    assert {subject for subject, some in found.items() if any(each.level != "ok" for each in some)} == {
        "code server",
        "façade",
    }
    assert "SQLite" in found["accounts"][0].found
    assert schema.head() in found["dagster"][0].found
    after = sorted(path for path in made.rglob("*") if path.is_file())
    assert [path for path in after if path not in before and "sqlite" not in path.name] == []


def test_where_nothing_is_yet_nothing_is_made(home: Path) -> None:
    code, found = doctor()
    assert (code, home.exists()) == (0, False)
    assert {found[subject][0].level for subject in ("home", "accounts", "dagster", "storage")} == {"warn"}


def test_lines_are_for_people(made: Path) -> None:
    result = CliRunner().invoke(main, ["doctor"])
    lines = result.output.splitlines()
    assert lines[1].split()[:2] == ["ok", "python"]
    assert lines[-1].startswith("warn  façade       nothing answers at http://127.0.0.1:8000")
    assert lines[-1].endswith("Start the service, or name it with --url.")


def test_servers_that_are_away_fail_and_their_passwords_are_not_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "hunter2%20%26%20more@127.0.0.1:1"
    monkeypatch.setenv("LABELS_DATABASE_URL", f"postgresql://labels:{address}/accounts")
    monkeypatch.setenv("LABELS_DAGSTER_URL", f"postgresql://labels:{address}/dagster")
    monkeypatch.setenv("LABELS_REDIS_URL", f"redis://:{address}/0")
    monkeypatch.setenv("LABELS_BROKER_URL", f"redis://:{address}/1")
    monkeypatch.setenv("LABELS_EXECUTOR", "celery")
    monkeypatch.setenv("LABELS_STORAGE_URL", str(home / "storage"))
    monkeypatch.setenv("LABELS_SECRET_KEY", "a secret key of some length")
    code, found = doctor()
    assert code == 1
    failed = {subject for subject, some in found.items() if some[0].level == "FAIL"}
    assert failed == {"accounts", "dagster", "leases", "clocks", "redis", "broker"}
    assert all(some[0].advice for subject, some in found.items() if subject in failed)
    assert "hunter2" not in repr(found)
    assert "a secret key" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"), [("LABELS_DAGSTER_URL", "mysql://host/x"), ("LABELS_MAX_ITEMS", "many")]
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    code, found = doctor()
    assert (code, list(found)) == (1, ["settings"])
    assert name in found["settings"][0].found


def test_every_missing_setting_of_many_machines_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://127.0.0.1:1/dagster")
    _, found = doctor()
    named = {each.found.split()[0] for each in found["settings"]}
    assert named == {"LABELS_DATABASE_URL", "LABELS_STORAGE_URL", "LABELS_SECRET_KEY", "LABELS_REDIS_URL"}


def test_tables_of_another_release_are_told(made: Path) -> None:
    with closing(sqlite3.connect(made / "accounts.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with closing(sqlite3.connect(made / "dagster" / "storage" / "runs.db")) as connection, connection:
        connection.execute("DROP TABLE alembic_version")
    _, found = doctor()
    for subject, stored in (("accounts", "0001"), ("dagster", "none")):
        [finding] = found[subject]
        assert (finding.level, stored in finding.found) == ("warn", True)


def test_leases_are_told_with_their_holders(made: Path) -> None:
    accounts = Accounts(f"sqlite:///{made}/accounts.sqlite")
    accounts.acquire_lease("run:1", "one 123", 60)
    accounts.acquire_lease("run:2", "two 456", -30)
    [held, expired] = doctor()[1]["leases"]
    assert (held.level, held.found) == ("ok", "1 held: run:1 by one 123")
    assert (expired.level, expired.advice) == ("ok", "")
    assert expired.found.startswith("1 expired: run:2 of two 456, 30 s ago")
    for number in range(3, 7):
        accounts.acquire_lease(f"run:{number}", "two 456", -1_000)
    [_, expired] = doctor()[1]["leases"]
    assert (expired.level, expired.found.endswith(", and 2 more")) == ("warn", True)
    accounts.close()


def test_a_storage_in_which_two_create_one_object_fails(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArtefactStore, "create", lambda *_: True)
    [finding] = doctor()[1]["storage"]
    assert finding.level == "FAIL"
    assert "writers create one object" in finding.found


def test_a_storage_that_cannot_be_written_fails(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "not a folder").write_text("")
    monkeypatch.setenv("LABELS_STORAGE_URL", str(made / "not a folder"))
    assert doctor()[1]["storage"][0].level == "FAIL"


def test_a_home_that_others_may_read_is_told(made: Path) -> None:
    made.chmod(0o755)
    (made / "secret_key").chmod(0o644)
    told = [each.advice for each in doctor()[1]["home"] if each.level == "warn"]
    assert told == [f"chmod 700 {made}", f"chmod 600 {made / 'secret_key'}"]


def test_another_users_home_is_left_alone(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: made.stat().st_uid + 1)
    code, found = doctor()
    assert (code, list(found), found["home"][0].level) == (1, ["home"], "FAIL")


@pytest.mark.parametrize(("free", "level"), [(0.5, "ok"), (0.05, "warn"), (0.005, "FAIL")])
def test_a_full_disk_is_told(made: Path, monkeypatch: pytest.MonkeyPatch, free: float, level: str) -> None:
    usage = SimpleNamespace(total=10**12, free=int(free * 10**12))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert levels()["disk"] == {level}


@pytest.mark.parametrize(
    ("requirement", "found"),
    [("polars>=1000", "polars is "), ("no-such-package", "no-such-package is missing")],
)
def test_wrong_packages_fail(monkeypatch: pytest.MonkeyPatch, requirement: str, found: str) -> None:
    monkeypatch.setattr(installed, "requires", lambda _: ["click", requirement, 'other; extra == "s3"'])
    [finding] = doctor()[1]["packages"]
    assert finding.level == "FAIL"
    assert finding.found.startswith(found)
    monkeypatch.setenv("LABELS_STORAGE_URL", "s3://bucket/folder")
    [finding] = installed.packages(Installation.of(Settings(), ""))
    assert "other is missing" in finding.found


def test_another_major_version_than_the_locks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        installed, "version", lambda name: "1000" if name == "click" else metadata.version(name)
    )
    [finding] = doctor()[1]["packages"]
    assert (finding.level, finding.found.startswith("click is 1000, the lock has ")) == ("warn", True)


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.1, "ok"), (-1.9, "ok"), (3.0, "warn"), (-30.0, "warn"), (61.0, "FAIL")]
)
def test_clocks_that_differ_are_told(seconds: float, level: str) -> None:
    finding = connections._skew("the database", seconds)
    assert finding.level == level
    assert ("ahead" if seconds > 0 else "behind") in finding.found


@pytest.mark.parametrize(
    ("status", "document", "level", "told"),
    [
        (200, {"degraded": []}, "ok", "is ready"),
        (200, {"degraded": ["daemon", "queue"]}, "warn", "degraded: daemon, queue"),
        (503, {"detail": "The storage does not answer."}, "FAIL", "The storage does not answer."),
        (404, "nothing here", "FAIL", "404"),
    ],
)
def test_the_facade_is_asked(
    monkeypatch: pytest.MonkeyPatch, status: int, document: Any, level: str, told: str
) -> None:
    asked: list[str] = []

    def get(url: str, **_: object) -> httpx.Response:
        asked.append(url)
        text = {"text": document} if isinstance(document, str) else {"json": document}
        return httpx.Response(status, **text)

    monkeypatch.setattr(httpx, "get", get)
    [finding] = doctor("--url", "http://labels.example/")[1]["façade"]
    assert asked == ["http://labels.example/readyz"]
    assert (finding.level, told in finding.found) == (level, True)


def test_a_code_server_elsewhere_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.upkeep.running.CONNECT_SECONDS", 0.05)
    monkeypatch.setenv("LABELS_CODE_SERVER", "127.0.0.1:1")
    [finding] = doctor()[1]["code server"]
    assert (finding.level, "127.0.0.1:1" in finding.found) == ("FAIL", True)


def _broken(_: Installation) -> Iterator[Finding]:
    yield Finding("one", Level.OK, "so far")
    raise ValueError(f"cannot log in\nwith {PASSWORD}")


def _timed_out(_: Installation) -> Iterator[Finding]:
    raise TimeoutError


def _hanging(_: Installation) -> Iterator[Finding]:
    threading.Event().wait()
    yield Finding("one", Level.OK, "never")


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (_broken, "ValueError: cannot log in with ***"),
        (_timed_out, "TimeoutError: TimeoutError"),
        (_hanging, "no answer within 0 s"),
    ],
)
def test_a_check_that_breaks_or_hangs_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], found: str
) -> None:
    monkeypatch.setattr(findings, "CHECK_SECONDS", 0.2)
    monkeypatch.setenv("LABELS_METRICS_KEY", PASSWORD)
    after = Check("two", lambda _: [Finding("two", Level.OK, "fine")], "")
    results = list(findings.run([Check("one", function, "Do this."), after], Installation.of(Settings(), "")))
    assert results == [Finding("one", Level.FAIL, found, "Do this."), Finding("two", Level.OK, "fine")]
