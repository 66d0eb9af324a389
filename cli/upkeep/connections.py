"""Checks of the connections of the service: databases, storage, Redis, broker, and their clocks."""

import os
import sqlite3
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Connection, create_engine, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from accounts.database import HEAD
from accounts.tables import LeaseRow, database_epoch
from catalogue.storage.object_stores import is_s3, open_store
from cli.upkeep.findings import CONNECT_SECONDS, Check, Finding, Installation, Level
from exports import probe
from exports.artefacts import ArtefactStore

#: A clock difference above the first is a warning. Above the second, addresses and sessions expire at wrong times.
_SKEW_WARN_SECONDS, _SKEW_FAIL_SECONDS = 2.0, 60.0

#: By dialect: the name and the oldest supported version. SQLite has RETURNING since 3.35; PostgreSQL is maintained
#: since 14.
_SERVERS = {"sqlite": ("SQLite", (3, 35)), "postgresql": ("PostgreSQL", (14,))}

#: A lease that has expired longer than this shows that no process takes leases over.
_ABANDONED_SECONDS = 120.0
_MOST_NAMED = 3

_DATABASES_OF_DAGSTER = ("runs.db", "event_log.db", "schedules.db")


def accounts(installation: Installation) -> Iterator[Finding]:
    yield _database("accounts", [installation.accounts_url], HEAD)


def dagster(installation: Installation) -> Iterator[Finding]:
    from pipelines.storage.databases.schema import head

    files = [installation.home / "dagster" / "storage" / name for name in _DATABASES_OF_DAGSTER]
    urls = [installation.dagster_url] if installation.dagster_url else [f"sqlite:///{file}" for file in files]
    yield _database("dagster", urls, head())


def _database(subject: str, urls: Sequence[str], head: str) -> Finding:
    """Check that the server's version and the revision of the tables are those that this release needs."""
    if any(_is_absent(url) for url in urls):
        return Finding(subject, Level.WARN, "no database yet", "The service makes it when it starts.")
    with _connected(urls[0]) as connection:
        version = connection.dialect.server_version_info or ()
        name, least = _SERVERS[connection.dialect.name]
    revisions = {_revision(url) for url in urls}
    found = f"{name} {'.'.join(map(str, version))}"
    if version < least:
        return Finding(subject, Level.FAIL, found, f"Use {name} {'.'.join(map(str, least))} or later.")
    if revisions == {head}:
        return Finding(subject, Level.OK, f"{found}, tables of revision {head}")
    found_revisions = ", ".join(sorted(revision or "none" for revision in revisions))
    advice = (
        "The service migrates older ones when it starts. For newer ones, install the release that made them."
    )
    return Finding(subject, Level.WARN, f"{found}, tables of revision {found_revisions}, not {head}", advice)


def _revision(url: str) -> str | None:
    with _connected(url) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _is_absent(url: str) -> bool:
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()


@contextmanager
def _connected(url: str) -> Generator[Connection]:
    """Connect without creating a file or tables."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = f"{Path(parsed.database or '').absolute().as_uri()}?mode=rw"
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(file, uri=True), poolclass=NullPool
        )
    else:
        arguments = {"connect_timeout": CONNECT_SECONDS}
        engine = create_engine(parsed, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    with engine.connect() as connection:
        yield connection


def clocks(installation: Installation) -> Iterator[Finding]:
    """Compare this machine's clock with the clocks of the accounts' database and the storage."""
    if not _is_absent(installation.accounts_url):
        with _connected(installation.accounts_url) as connection:
            before = time.time()
            theirs = float(connection.scalar(select(database_epoch())) or 0)
            yield _skew("the database", theirs - (before + time.time()) / 2)
    files, root = open_store(installation.storage_url, patient=False)
    if is_s3(files):
        s3 = cast("Any", files)
        bucket, *_ = s3.split_path(root)
        answer = s3.call_s3("head_bucket", Bucket=bucket)
        stored_at = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        # The header has whole seconds.
        yield _skew("the storage", stored_at.timestamp() + 0.5 - time.time())


def _skew(whose: str, seconds: float) -> Finding:
    found = f"{whose} is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
    advice = "Run an NTP client on both: signed addresses and credentials expire by these clocks."
    if abs(seconds) > _SKEW_FAIL_SECONDS:
        return Finding("clocks", Level.FAIL, found, advice)
    if abs(seconds) > _SKEW_WARN_SECONDS:
        return Finding("clocks", Level.WARN, found, advice)
    return Finding("clocks", Level.OK, found)


def leases(installation: Installation) -> Iterator[Finding]:
    """List the held leases, and those that expired without being released."""
    if _is_absent(installation.accounts_url):
        return
    with _connected(installation.accounts_url) as connection:
        if not inspect(connection).has_table(LeaseRow.__tablename__):
            return
        left = (LeaseRow.expires_at - database_epoch()).label("left")
        rows = connection.execute(select(LeaseRow.name, LeaseRow.holder, left).order_by(LeaseRow.name)).all()
    held = [f"{name} by {holder}" for name, holder, seconds in rows if seconds > 0]
    expired = [f"{name} of {holder}, {-seconds:.0f} s ago" for name, holder, seconds in rows if seconds <= 0]
    abandoned = any(seconds < -_ABANDONED_SECONDS for _, _, seconds in rows)
    yield Finding("leases", Level.OK, _listed(held, "held"))
    if expired:
        yield Finding(
            "leases",
            Level.WARN if abandoned else Level.OK,
            _listed(expired, "expired"),
            "Their holders died. A running daemon resumes the runs; housekeeping removes the rows."
            if abandoned
            else "",
        )


def _listed(some: list[str], what: str) -> str:
    more = f", and {len(some) - _MOST_NAMED} more" if len(some) > _MOST_NAMED else ""
    return f"{len(some)} {what}" + (f": {'; '.join(some[:_MOST_NAMED])}{more}" if some else "")


def storage(installation: Installation) -> Iterator[Finding]:
    """Write, read and remove an object, and check that two writers cannot create the same one."""
    store = ArtefactStore(installation.storage_url, patient=False)
    if store.is_local and not installation.home.exists():
        yield Finding("storage", Level.WARN, "no folder yet", "The first start of the service makes it.")
        return
    key, content = f"health/doctor-{uuid.uuid4().hex}", b"read back"
    with store.write(key) as stream:
        stream.write(content)
    try:
        is_same = store.read(key) == content
    finally:
        store.delete(key)
    if not is_same:
        yield Finding(
            "storage",
            Level.FAIL,
            f"{store.root_url} returns other bytes than were written",
            "Do not use this storage.",
        )
    elif (fault := probe.fault(store)) is not None:
        yield Finding("storage", Level.FAIL, fault, "Use another storage.")
    else:
        yield Finding(
            "storage",
            Level.OK,
            f"{store.root_url} can write, read and remove objects; of several creators one succeeds",
        )


def rate_limits(installation: Installation) -> Iterator[Finding]:
    del installation
    if url := os.environ.get("LABELS_REDIS_URL"):
        yield _redis("redis", url)
    else:
        yield Finding("redis", Level.OK, "not used: each façade counts requests by itself")


def broker(installation: Installation) -> Iterator[Finding]:
    del installation
    url = os.environ.get("LABELS_BROKER_URL")
    if os.environ.get("LABELS_EXECUTOR") != "celery" or not url:
        yield Finding("broker", Level.OK, "not used: steps are executed on the daemon's machine")
    elif url.startswith(("redis://", "rediss://")):
        yield _redis("broker", url)
    else:
        from kombu.connection import Connection as Broker

        with Broker(url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
        yield Finding("broker", Level.OK, f"{urlsplit(url).hostname} answers")


def _redis(subject: str, url: str) -> Finding:
    import redis

    with closing(
        redis.Redis.from_url(url, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS)
    ) as client:
        server = client.info()
    found = f"Redis {server['redis_version']} answers, {server['used_memory_human']} in use"
    if server.get("maxmemory_policy", "noeviction") != "noeviction":
        return Finding(
            subject,
            Level.WARN,
            f"{found}; maxmemory-policy is {server['maxmemory_policy']}",
            "Set it to noeviction, or steps and counts may vanish.",
        )
    return Finding(subject, Level.OK, found)


CHECKS = (
    Check(
        "accounts",
        accounts,
        "Check LABELS_DATABASE_URL, and that the database runs and accepts the credentials.",
    ),
    Check(
        "dagster",
        dagster,
        "Check LABELS_DAGSTER_URL, and that the database runs and accepts the credentials.",
    ),
    Check("leases", leases, "Look at LABELS_DATABASE_URL."),
    Check(
        "storage",
        storage,
        "Check LABELS_STORAGE_URL and the credentials: objects must be writable and readable.",
    ),
    Check("clocks", clocks, "Check the accounts' database and the storage: they did not return their time."),
    Check("redis", rate_limits, "Start Redis, or correct LABELS_REDIS_URL."),
    Check("broker", broker, "Start the broker, or correct LABELS_BROKER_URL."),
)
