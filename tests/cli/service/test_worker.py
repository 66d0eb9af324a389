"""`labels worker` says what it lacks before anything starts."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main

STORES = {
    "LABELS_DAGSTER_URL": "postgresql://labels@db/runs",
    "LABELS_DATABASE_URL": "postgresql+psycopg://labels@db/accounts",
    "LABELS_STORAGE_URL": "s3://labels",
}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "LABELS_DAGSTER_URL"),
        (STORES, "LABELS_BROKER_URL"),
        (
            {**STORES, "LABELS_BROKER_URL": "redis://redis/1", "LABELS_STEPS_AT_ONCE": "0"},
            "LABELS_STEPS_AT_ONCE",
        ),
        ({**STORES, "LABELS_BROKER_URL": "redis://redis/1", "LABELS_QUEUE": "a queue"}, "LABELS_QUEUE"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], named: str
) -> None:
    for name in list(os.environ):
        if name.startswith("LABELS_"):
            monkeypatch.delenv(name)
    # The command sets it, also for what follows in this process.
    monkeypatch.setenv("LABELS_EXECUTOR", "local")
    monkeypatch.setenv("LABELS_HOME", str(tmp_path / "home"))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["worker"])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {named}"), result.output
    assert not (tmp_path / "home").exists()
