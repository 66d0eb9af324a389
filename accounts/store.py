"""Organisations, API keys and leases in one SQL database: SQLite by default, PostgreSQL for many machines."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, create_engine, delete, event, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from accounts import keys
from accounts.errors import InvalidAccountValue, NoSuchOrganisation, OrganisationExists, UnsupportedDatabase
from accounts.identity import ApiKey, Organisation, Role
from accounts.tables import ApiKeyRow, Base, LeaseRow, OrganisationRow, database_epoch

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LAST_USED_STEP = timedelta(minutes=1)
_BUSY_TIMEOUT_MS = 10_000

#: Any number will do, as long as every process that makes the tables takes the same.
_SCHEMA_LOCK = 0x1ABE15

#: INSERT … ON CONFLICT is not in SQLAlchemy's common dialect.
_INSERTS: dict[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Accounts:
    """The accounts in the database at `database_url` (SQLAlchemy's form). Makes its tables on first use.

    Safe to share between threads; not across a fork. Raises UnsupportedDatabase.
    """

    def __init__(self, database_url: str) -> None:
        self._engine: Engine = create_engine(database_url)
        self._insert = _INSERTS.get(self._engine.dialect.name)
        if self._insert is None:
            raise UnsupportedDatabase(self._engine.dialect.name)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _configure_sqlite)
        self._prepared = False
        self._preparing = threading.Lock()

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._engine.dispose()

    def create_organisation(
        self, slug: str, name: str | None = None, resolver: str | None = None
    ) -> Organisation:
        """Return the new organisation; its name is its slug where none is given.

        Raises OrganisationExists; InvalidAccountValue for a slug that is not 1–63 lowercase letters,
        digits and hyphens, or a resolver that is not an https URL.
        """
        if _SLUG.fullmatch(slug) is None:
            raise InvalidAccountValue(
                f"{slug!r} is no slug",
                value=slug,
                expected="1–63 lowercase letters, digits or hyphens, not starting with a hyphen",
                field="slug",
            )
        row = OrganisationRow(
            slug=slug,
            name=name or slug,
            resolver=None if resolver is None else _resolver(resolver),
            created_at=_now(),
        )
        try:
            with self._session() as session:
                session.add(row)
                session.flush()
                return _organisation(row)
        except IntegrityError as error:
            raise OrganisationExists(slug) from error

    def organisation(self, slug: str) -> Organisation:
        """Return the organisation. Raises NoSuchOrganisation."""
        with self._session() as session:
            return _organisation(_row_of(session, slug))

    def create_key(self, slug: str, role: Role | str, *, expires_at: datetime | None = None) -> str:
        """Return a new key of the organisation, in plain text: nobody can read it again later.

        Raises NoSuchOrganisation; InvalidAccountValue for an unknown role or a naive expiry.
        """
        try:
            role = Role(role)
        except ValueError as error:
            raise InvalidAccountValue(
                f"{role!r} is no role", value=role, expected=" or ".join(Role), field="role"
            ) from error
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidAccountValue(
                "the expiry has no offset", value=expires_at, expected="an aware time", field="expires_at"
            )
        key = keys.new_key()
        with self._session() as session:
            session.add(
                ApiKeyRow(
                    organisation_id=_row_of(session, slug).id,
                    sha256=keys.digest(key),
                    role=role.value,
                    active=True,
                    created_at=_now(),
                    expires_at=expires_at,
                )
            )
        return key

    def revoke_key(self, key_id: int) -> bool:
        """Make the key useless. Return whether there was an active one of that id."""
        with self._session() as session:
            statement = update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.active).values(active=False)
            return session.execute(statement.returning(ApiKeyRow.id)).first() is not None

    def authenticate(self, plain: str) -> ApiKey | None:
        """Return whose key this is, or None for one that is malformed, unknown, revoked or expired."""
        if not keys.is_well_formed(plain):
            return None
        now = _now()
        with self._session() as session:
            row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.sha256 == keys.digest(plain)))
            if row is None or not row.active or (row.expires_at is not None and row.expires_at <= now):
                return None
            found = ApiKey(row.id, _organisation(row.organisation), Role(row.role))
            # At most once a minute, and decided by the database, so that polling stays a read.
            stale = now - _LAST_USED_STEP
            if row.last_used_at is None or row.last_used_at <= stale:
                session.execute(
                    update(ApiKeyRow)
                    .where(
                        ApiKeyRow.id == row.id,
                        or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= stale),
                    )
                    .values(last_used_at=now)
                    .execution_options(synchronize_session=False)
                )
            return found

    def last_used(self, key_id: int) -> datetime | None:
        """Return when the key was last used, to within a minute."""
        with self._session() as session:
            return session.scalar(select(ApiKeyRow.last_used_at).where(ApiKeyRow.id == key_id))

    def acquire_lease(self, name: str, holder: str, ttl_seconds: float) -> bool:
        """Return whether `holder` now has the lease: it was free, had expired, or was its own already."""
        if self._insert is None:  # refused at construction; said again for the type checker
            raise UnsupportedDatabase(self._engine.dialect.name)
        insert = self._insert(LeaseRow).values(
            name=name, holder=holder, expires_at=database_epoch() + ttl_seconds
        )
        statement = insert.on_conflict_do_update(
            index_elements=[LeaseRow.name],
            set_={"holder": insert.excluded.holder, "expires_at": insert.excluded.expires_at},
            where=or_(LeaseRow.expires_at <= database_epoch(), LeaseRow.holder == insert.excluded.holder),
        ).returning(LeaseRow.holder)
        with self._session() as session:
            return session.execute(statement).first() is not None

    def renew_lease(self, name: str, holder: str, ttl_seconds: float) -> bool:
        """Return whether the lease was still `holder`'s, and now lasts `ttl_seconds` from now.

        An expired lease that nobody else took meanwhile can be renewed.
        """
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.holder == holder)
            .values(expires_at=database_epoch() + ttl_seconds)
            .returning(LeaseRow.name)
            .execution_options(synchronize_session=False)
        )
        with self._session() as session:
            return session.execute(statement).first() is not None

    def release_lease(self, name: str, holder: str) -> bool:
        """Return whether the lease was `holder`'s; it is free then."""
        statement = (
            delete(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.holder == holder)
            .returning(LeaseRow.name)
            .execution_options(synchronize_session=False)
        )
        with self._session() as session:
            return session.execute(statement).first() is not None

    @contextmanager
    def _session(self) -> Generator[Session]:
        """Yield a session in one transaction: committed when the block ends well, else rolled back."""
        self._prepare()
        with Session(self._engine) as session, session.begin():
            yield session

    def _prepare(self) -> None:
        """Make the tables that are missing; several processes may do so at once."""
        if self._prepared:
            return
        with self._preparing:
            if self._prepared:
                return
            if self._engine.dialect.name == "sqlite" and self._engine.url.database:
                Path(self._engine.url.database).parent.mkdir(parents=True, exist_ok=True)
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":
                    # IF NOT EXISTS alone still fails there when two create the same table at once.
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
                for table in Base.metadata.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                    for index in table.indexes:
                        connection.execute(CreateIndex(index, if_not_exists=True))
            self._prepared = True


def _configure_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Let readers and one writer work at once (WAL), and a second writer wait instead of fail."""
    del record
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        _enter_wal(cursor)
        cursor.execute("PRAGMA synchronous = NORMAL")
    finally:
        cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    # Changing the journal mode needs the file alone, and SQLite does not wait its busy timeout for
    # that in every case; the mode stays in the file, so only the first processes ever contend.
    deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _row_of(session: Session, slug: str) -> OrganisationRow:
    row = session.scalar(select(OrganisationRow).where(OrganisationRow.slug == slug))
    if row is None:
        raise NoSuchOrganisation(slug)
    return row


def _organisation(row: OrganisationRow) -> Organisation:
    return Organisation(row.slug, row.name, row.resolver)


def _resolver(url: str) -> str:
    """Return the resolver without trailing slash: Digital Links append `/01/…` to it."""
    refusal = InvalidAccountValue(
        f"{url!r} is no resolver",
        value=url,
        expected="an https URL without query, fragment or credentials",
        field="resolver",
    )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise refusal from error
    printable = url.isascii() and not any(c <= " " or c == "\x7f" for c in url)
    plain = parts.scheme == "https" and host and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not printable or not plain or url.endswith(("?", "#")) or port == 0:
        raise refusal
    return url.rstrip("/")


def _now() -> datetime:
    return datetime.now(UTC)
