"""Settings that cannot work together are refused with the setting's name."""

import os
import re

import pytest
from click.testing import CliRunner

from cli import rules
from cli.main import main
from cli.settings import Settings

#: Settings of many machines that are right for every command.
RIGHT = {
    "LABELS_DAGSTER_URL": "postgresql://labels:hidden@db/runs",
    "LABELS_DATABASE_URL": "postgresql+psycopg://labels:hidden@db/accounts",
    "LABELS_STORAGE_URL": "s3://labels",
    "LABELS_SECRET_KEY": "the secret key of all machines",
    "LABELS_REDIS_URL": "redis://redis/0",
    "LABELS_CODE_SERVER": "code:4266",
    "LABELS_HOST_NAME": "facade-1",
    "LABELS_EXECUTOR": "celery",
    "LABELS_BROKER_URL": "redis://redis/1",
    "LABELS_LEASE_SECONDS": "15",
}

#: Case table: the setting that is refused, what it is set to (None: not set), the commands, what the message says.
WRONG = (
    ("LABELS_DAGSTER_URL", None, ("facade", "daemon", "code-server", "ui", "worker"), "run `labels serve`"),
    ("LABELS_DAGSTER_URL", "sqlite:///runs.db", (None, "serve", "facade"), "a PostgreSQL database is expected"),
    ("LABELS_DATABASE_URL", None, (None, "serve", "facade", "daemon", "code-server", "ui"), "organisations and leases"),
    ("LABELS_DATABASE_URL", "sqlite:////home/a.db", (None, "serve", "facade"), "organisations and leases"),
    ("LABELS_DATABASE_URL", "postgresql://accounts:hidden@db:5432/runs", (None, "serve", "facade"), "the same database"),
    ("LABELS_STORAGE_URL", None, (None, "serve", "facade", "daemon", "worker"), "a shared folder"),
    ("LABELS_SECRET_KEY", None, ("serve", "facade", "code-server"), "download addresses of the others"),
    ("LABELS_REDIS_URL", None, ("facade",), "count the requests of a client together"),
    ("LABELS_BROKER_URL", None, (None, "serve", "daemon", "worker"), "through a broker"),
    ("LABELS_CODE_SERVER", "code", (None, "daemon"), "host:port is expected"),
    ("LABELS_CODE_SERVER", "http://code:4266", (None, "ui"), "host:port is expected"),
    ("LABELS_HOST_NAME", "two words", (None, "facade"), "visible ASCII"),
    ("LABELS_HOST_NAME", "n" * 101, (None,), "1 to 100"),
    ("LABELS_LEASE_SECONDS", "0", (None,), "above 0"),
    ("LABELS_LEASE_SECONDS", "soon", (None,), "above 0"),
)  # fmt: skip

COMMANDS = (None, "serve", "facade", "daemon", "code-server", "ui", "worker")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith("LABELS_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("command", COMMANDS)
def test_right_settings_are_right_for_every_command(command):
    rules.require_consistent(RIGHT, command)
    rules.require_consistent(RIGHT | {"LABELS_CODE_SERVER": "[fd00::1]:4266"}, command)


@pytest.mark.parametrize("command", [None, "serve"])
def test_one_machine_needs_no_setting(command):
    rules.require_consistent({}, command)


@pytest.mark.parametrize(
    ("setting", "value", "command", "says"),
    [(setting, value, command, says) for setting, value, commands, says in WRONG for command in commands],
)
def test_a_wrong_setting_is_refused_by_its_name(setting, value, command, says):
    environment = {name: given for name, given in RIGHT.items() if name != setting}
    given = environment if value is None else environment | {setting: value}
    with pytest.raises(rules.SettingRefused, match=re.escape(says)) as refused:
        rules.require_consistent(given, command)
    assert refused.value.field == setting
    assert str(refused.value).startswith(f"{setting} is {'not set' if value is None else ''}")


def test_celery_needs_the_database_of_many_machines():
    with pytest.raises(rules.SettingRefused, match="LABELS_DAGSTER_URL is not set: LABELS_EXECUTOR=celery"):
        rules.require_consistent({"LABELS_EXECUTOR": "celery", "LABELS_BROKER_URL": "redis://redis/1"})


def test_no_password_is_repeated():
    with pytest.raises(rules.SettingRefused) as refused:
        rules.require_consistent({"LABELS_DAGSTER_URL": "mysql://labels:hidden@db/runs"})
    assert "hidden" not in str(refused.value)
    assert refused.value.value == "***"


@pytest.mark.parametrize("command", ["facade", "daemon", "code-server", "ui"])
def test_a_command_says_what_it_needs_and_starts_nothing_without(command, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path / "home"))
    shown = CliRunner().invoke(main, [command, "--help"])
    assert "LABELS_DAGSTER_URL" in shown.output
    assert f"labels {command}" in shown.output.split("Example:")[1]
    done = CliRunner().invoke(main, [command])
    assert done.exit_code == 1
    assert done.output.startswith("Error: LABELS_DAGSTER_URL is not set: ")
    assert not (tmp_path / "home").exists()


def test_many_machines_have_no_secret_key_of_their_own(tmp_path, monkeypatch):
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LABELS_SECRET_KEY")
    assert Settings(home=tmp_path).resolved().secret_key == ""
    assert list(tmp_path.iterdir()) == []


#: Case table: a setting that one process reads, and the commands that run this process.
UNREADABLE = (
    ("LABELS_WARM_WORKERS", "two", ("serve", "facade", "daemon", "code-server", "ui")),
    ("LABELS_RATE_PER_MINUTE", "0", ("serve", "facade")),
    ("LABELS_SESSION_TTL_SECONDS", "1", ("serve", "facade")),
    ("LABELS_RETENTION_DAYS", "0", ("serve", "code-server")),
    ("LABELS_UI_LOGIN", "never", ("serve", "ui")),
)


@pytest.mark.parametrize(
    ("setting", "value", "command"),
    [(setting, value, command) for setting, value, commands in UNREADABLE for command in commands],
)
def test_a_value_of_another_kind_is_told_before_anything_starts(
    setting, value, command, tmp_path, monkeypatch
):
    for name, given in (RIGHT | {"LABELS_HOME": str(tmp_path / "home"), setting: value}).items():
        monkeypatch.setenv(name, given)
    done = CliRunner().invoke(main, [command])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {setting}: Input should be ")
