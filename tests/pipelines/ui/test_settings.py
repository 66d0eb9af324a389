"""Under which names the UI is served, and who may look at it."""

import pytest
from pydantic import ValidationError

from pipelines.ui.settings import UiSettings


def made(**settings: object) -> UiSettings:
    return UiSettings.model_validate({"LABELS_DATABASE_URL": "sqlite://", **settings})


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_DATABASE_URL", "sqlite:///accounts")
    monkeypatch.setenv("LABELS_UI_ORIGINS", "https://Dagster.example.com:443/, http://labels.lan:8080")
    monkeypatch.setenv("LABELS_UI_LOGIN", "always")
    settings = UiSettings()
    assert settings.database_url == "sqlite:///accounts"
    assert settings.login == "always"
    assert settings.hosts(3000) == {
        "127.0.0.1:3000": "http://127.0.0.1:3000",
        "localhost:3000": "http://localhost:3000",
        "[::1]:3000": "http://[::1]:3000",
        "dagster.example.com": "https://dagster.example.com",
        "labels.lan:8080": "http://labels.lan:8080",
    }


def test_a_browser_leaves_out_the_schemes_own_port() -> None:
    assert set(made().hosts(80)) == {"127.0.0.1", "localhost", "[::1]"}


@pytest.mark.parametrize(
    ("settings", "to_look"),
    [
        ({}, False),
        ({"host": "localhost"}, False),
        ({"host": "127.1.2.3"}, False),
        ({"host": "::1"}, False),
        ({"login": "always"}, True),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "labels.lan"}, True),
        ({"origins": "https://dagster.example.com"}, True),
    ],
)
def test_others_than_this_machine_log_in_to_look(settings: dict[str, str], to_look: bool) -> None:
    assert made(**settings).log_in_to_look is to_look


@pytest.mark.parametrize(
    "settings",
    [
        {"origins": "dagster.example.com"},
        {"origins": "*"},
        {"origins": "https://a.example/dagster"},
        {"origins": "https://user@a.example"},
        {"origins": "https://a.example?x"},
        {"origins": "ftp://a.example"},
        {"origins": "https://"},
        {"login": "never"},
    ],
)
def test_a_mistake_is_told(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        made(**settings)
    assert next(iter(settings.values())) in str(refused.value)
