"""Rules on combinations of `LABELS_*` settings. A broken rule is an error at the start that names the setting."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pydantic import ValidationError
from sqlalchemy import make_url

from gs1.errors import LabelError

_Environment: TypeAlias = Mapping[str, str]

DISTRIBUTED = "LABELS_DAGSTER_URL"

_EXAMPLE = "postgresql://labels:secret@db.example.com/labels"

#: The prefix of settings by the class that reads them, if it is not `LABELS_`.
_PREFIXES = {"UiSettings": "LABELS_UI_"}

#: Commands that run one process of a service on several machines.
ONE_PROCESS = frozenset({"facade", "daemon", "code-server", "ui", "worker"})
_SIGNING = frozenset({"serve", "facade", "code-server"})


class SettingRefused(LabelError):
    """A setting is missing or contradicts another setting."""

    code = "setting_refused"

    def __init__(self, setting: str, given: str, reason: str) -> None:
        what = f"{setting} is {given}" if given else f"{setting} is not set"
        super().__init__(f"{what}: {reason}.", value=given or None, field=setting)


class SettingUnreadable(LabelError):
    """A setting has a value of the wrong type."""

    code = "setting_refused"

    def __init__(self, error: ValidationError) -> None:
        fault = error.errors(include_input=False)[0]
        prefix = _PREFIXES.get(error.title, "LABELS_")
        name = str(fault["loc"][0]) if fault["loc"] else "a setting"
        self.setting = name if name.startswith("LABELS_") else f"{prefix}{name.upper()}"
        super().__init__(f"{self.setting}: {fault['msg']}.", field=self.setting)


class Rule(NamedTuple):
    """`setting` is refused for `reason` if `is_wrong` of its value and the environment. Not set means empty.

    The rule applies to `commands`, or to all if that is None.
    """

    setting: str
    is_wrong: Callable[[str, _Environment], bool]
    reason: str
    commands: frozenset[str] | None = None
    #: Whether the value may have a password. If so, messages do not repeat it.
    is_secret: bool = False


def _is_missing(value: str, environment: _Environment) -> bool:
    del environment
    return not value


def _is_missing_on_many_machines(value: str, environment: _Environment) -> bool:
    return bool(environment.get(DISTRIBUTED)) and not value


def _is_no_postgres(value: str, environment: _Environment) -> bool:
    del environment
    return bool(value) and not value.startswith("postgres")


def _is_no_postgres_on_many_machines(value: str, environment: _Environment) -> bool:
    return bool(environment.get(DISTRIBUTED)) and not value.startswith("postgres")


def _is_database_of_runs(value: str, environment: _Environment) -> bool:
    return bool(value and environment.get(DISTRIBUTED)) and _place(value) == _place(environment[DISTRIBUTED])


def _place(url: str) -> tuple[object, ...]:
    """Return the database and the schema that the URL names."""
    parsed = make_url(url)
    port = parsed.port or 5432
    return parsed.host, port, parsed.database, parsed.query.get("host"), parsed.query.get("options")


def _is_unlike(pattern: str) -> Callable[[str, _Environment], bool]:
    def is_wrong(value: str, environment: _Environment) -> bool:
        del environment
        return bool(value) and re.fullmatch(pattern, value) is None

    return is_wrong


def _with_celery(value: str, environment: _Environment) -> bool:
    return environment.get("LABELS_EXECUTOR") == "celery" and not value


RULES = (
    Rule(
        DISTRIBUTED,
        _is_missing,
        "the processes of this command find each other in a PostgreSQL database that all machines reach, such as"
        f" {_EXAMPLE}. On one machine, run `labels serve`, which needs none",
        ONE_PROCESS,
    ),
    Rule(DISTRIBUTED, _is_no_postgres, f"a PostgreSQL database is expected, such as {_EXAMPLE}", is_secret=True),
    Rule(
        "LABELS_DATABASE_URL",
        _is_no_postgres_on_many_machines,
        f"with {DISTRIBUTED}, organisations and leases belong in a PostgreSQL database that all machines reach, such as"
        " postgresql+psycopg://labels:secret@db.example.com/accounts",
        is_secret=True,
    ),
    Rule(
        "LABELS_DATABASE_URL",
        _is_database_of_runs,
        f"{DISTRIBUTED} names the same database. Each needs one of its own: both keep the version of their tables in"
        " `alembic_version`",
        is_secret=True,
    ),
    Rule(
        "LABELS_STORAGE_URL",
        _is_missing_on_many_machines,
        f"with {DISTRIBUTED}, catalogue and artefacts belong where all machines reach them: an object store such as"
        " s3://labels, or a shared folder",
    ),
    Rule(
        "LABELS_SECRET_KEY",
        _is_missing_on_many_machines,
        f"with {DISTRIBUTED}, all façades and code servers need one, or each would refuse the download addresses of the"
        " others. Make one with `openssl rand -base64 36`",
        _SIGNING,
    ),
    Rule(
        "LABELS_REDIS_URL",
        _is_missing,
        "several façades count the requests of a client together in Redis, such as redis://redis.example.com/0",
        frozenset({"facade"}),
    ),
    Rule(
        DISTRIBUTED,
        _with_celery,
        "LABELS_EXECUTOR=celery has other machines execute steps, which read the run in a PostgreSQL database, such as"
        f" {_EXAMPLE}",
    ),
    Rule(
        "LABELS_BROKER_URL",
        _with_celery,
        "LABELS_EXECUTOR=celery sends steps through a broker, such as redis://redis.example.com/1",
    ),
    Rule(
        "LABELS_CODE_SERVER",
        _is_unlike(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):[1-9][0-9]{0,4}"),
        "host:port is expected, such as code.example.com:4266",
    ),
    Rule(
        "LABELS_HOST_NAME",
        _is_unlike(r"[!-~]{1,100}"),
        "1 to 100 visible ASCII characters are expected",
    ),
    Rule(
        "LABELS_LEASE_SECONDS",
        _is_unlike(r"(?=.*[1-9])[0-9]{1,5}(\.[0-9]+)?"),
        "a number of seconds above 0 is expected, such as 15",
    ),
)  # fmt: skip


def broken(environment: _Environment, command: str | None = None) -> Iterator[SettingRefused]:
    """Yield an error for each rule that the environment breaks. Without a command, check the rules for all commands."""
    for rule in RULES:
        if rule.commands is not None and command not in rule.commands:
            continue
        value = environment.get(rule.setting, "")
        if rule.is_wrong(value, environment):
            yield SettingRefused(rule.setting, "***" if value and rule.is_secret else value, rule.reason)


def require_consistent(environment: _Environment, command: str | None = None) -> None:
    """Raise SettingRefused for the first rule that the environment breaks."""
    for error in broken(environment, command):
        raise error
