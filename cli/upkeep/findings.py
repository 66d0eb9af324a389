"""Findings of `labels doctor`. Each check runs for a limited time and cannot stop the others."""

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from accounts.database import with_driver
from cli.settings import Settings

#: A check that takes longer has failed. The limit for a connection is shorter.
CHECK_SECONDS = 30.0
CONNECT_SECONDS = 5

_SECRETS = re.compile(r"(LABELS|AWS|AZURE|GOOGLE)_.*(KEY|KEYS|SECRET|TOKEN|PASSWORD)")
_LEAST_SECRET = 6


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """What was found about a subject, and what to do (empty if nothing)."""

    subject: str
    level: Level
    found: str
    advice: str = ""


class Installation(NamedTuple):
    """The installation to check. Nothing is created: the home may be absent."""

    settings: Settings
    home: Path
    storage_url: str
    accounts_url: str
    dagster_url: str
    facade_url: str

    @classmethod
    def of(cls, settings: Settings, facade_url: str) -> "Installation":
        home = settings.home.expanduser().resolve()
        return cls(
            settings,
            home,
            settings.storage_url or str(home / "storage"),
            with_driver(
                settings.database_url or f"sqlite:///{home / 'accounts.sqlite'}", "psycopg"
            ).render_as_string(hide_password=False),
            settings.dagster_url.get_secret_value(),
            facade_url,
        )


class Check(NamedTuple):
    """A check of one subject. `advice` is what to do if `function` raises an error."""

    subject: str
    function: Callable[[Installation], Iterable[Finding]]
    advice: str


def run(checks: Iterable[Check], installation: Installation) -> Iterator[Finding]:
    """Yield the findings of each check, without secrets. Errors and timeouts are findings too."""
    hide = secrets_hidden(os.environ)
    for check in checks:
        for finding in _findings(check, installation):
            yield finding._replace(found=hide(finding.found), advice=hide(finding.advice))


def _findings(check: Check, installation: Installation) -> list[Finding]:
    done: Future[list[Finding]] = Future()

    def work() -> None:
        try:
            done.set_result(list(check.function(installation)))
        except BaseException as error:  # noqa: BLE001 - it is the finding
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return done.result(CHECK_SECONDS)
    except TimeoutError:
        if not done.done():
            return [
                Finding(check.subject, Level.FAIL, f"no answer within {CHECK_SECONDS:.0f} s", check.advice)
            ]
        return [_failed(check, done.exception())]
    except Exception as error:  # noqa: BLE001
        return [_failed(check, error)]


def _failed(check: Check, error: BaseException | None) -> Finding:
    # The driver's own error is clearer than SQLAlchemy's, which repeats the statement.
    cause = getattr(error, "orig", None) or error
    words = " ".join(str(cause).split()) or type(cause).__name__
    return Finding(check.subject, Level.FAIL, f"{type(cause).__name__}: {words[:300]}", check.advice)


def secrets_hidden(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that removes the environment's secrets from a text: keys, and passwords in addresses."""
    found: set[str] = set()
    for name, value in environment.items():
        if _SECRETS.fullmatch(name):
            found.update((value, *(key.strip() for key in value.split(","))))
        if "://" in value and "@" in value:
            found.update(_passwords(value))
    secrets = sorted((secret for secret in found if len(secret) >= _LEAST_SECRET), key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return hide


def _passwords(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password), quote(unquote(password), safe=""))
