"""`labels schedules` on the command line, and its earlier name."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accounts.store import Accounts
from cli.main import main


@pytest.fixture
def accounts(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    monkeypatch.delenv("LABELS_DATABASE_URL", raising=False)
    store = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    store.create_organisation("acme")
    yield store
    store.close()


@pytest.fixture
def request_file(tmp_path) -> str:
    body = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
    (tmp_path / "request.json").write_text(json.dumps(body), encoding="utf-8")
    return str(tmp_path / "request.json")


def run(*arguments: str, exit_code: int = 0) -> Result:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == exit_code, done.output
    return done


def test_a_schedule_is_added_listed_paused_resumed_and_removed(accounts, request_file) -> None:
    added = run("schedules", "add", "--org", "acme", "--name", "Morning", "--cron", "0 6 * * *", request_file)
    assert added.stdout == "added schedule 1 (Morning)\n"
    assert json.loads(accounts.schedules.list("acme")[0].request)["filters"] == {"never_printed": True}
    number, name, cron, zone, following = run("schedules", "list", "--org", "acme").stdout.split("\t")
    assert (number, name, cron, zone) == ("1", "Morning", "0 6 * * *", "UTC")
    assert following.startswith("next ")
    assert following.endswith("T06:00+00:00\n")
    run("schedules", "pause", "--org", "acme", "1")
    assert run("schedules", "list", "--org", "acme").stdout.endswith("\tpaused\n")
    run("schedules", "resume", "--org", "acme", "1")
    assert accounts.schedules.list("acme")[0].active
    run("schedules", "remove", "--org", "acme", "1")
    assert accounts.schedules.list("acme") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["schedules", "add", "--org", "acme", "--name", "M", "--cron", "@daily"], "'@daily' is not a cron"),
        (["schedules", "add", "--org", "nobody", "--name", "M", "--cron", "0 6 * * *"], "'nobody'"),
    ],
)
def test_a_mistake_is_told_in_a_line(accounts, request_file, arguments: list[str], told: str) -> None:
    done = run(*arguments, request_file, exit_code=1)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_request_that_is_refused_is_told_with_its_field(accounts, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"scope":"pallets"}', encoding="utf-8")
    arguments = ["--org", "acme", "--name", "M", "--cron", "0 6 * * *", str(tmp_path / "bad.json")]
    assert "bad.json: scope: " in run("schedules", "add", *arguments, exit_code=1).stderr


def test_the_old_name_works_and_tells_the_new_one(accounts, request_file) -> None:
    done = run("plans", "add", "--org", "acme", "--name", "Morning", "--cron", "0 6 * * *", request_file)
    assert done.stdout == "added schedule 1 (Morning)\n"
    assert "labels schedules" in done.stderr
    assert len(accounts.schedules.list("acme")) == 1
    assert "plans" not in run("--help").stdout
    assert run("schedules", "list", "--org", "acme").stderr == ""
