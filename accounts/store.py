"""Organisations, API keys and leases, and access to what else is in the same database."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from accounts import forms, keys
from accounts.database import Database, row_of, utc_now
from accounts.deliveries import Deliveries
from accounts.errors import InactiveKey, NoSuchKey, NoSuchOrganisation, OrganisationExists
from accounts.identity import ApiKey, KeyRecord, Organisation, Role
from accounts.labels.designs import Designs
from accounts.labels.named import Named, NamedDocuments
from accounts.labels.printers import Printers
from accounts.last_uses import LastUses
from accounts.operators import Operators
from accounts.schedules import Schedules, skip_ticks
from accounts.sessions import Sessions
from accounts.tables import (
    ApiKeyRow,
    LeaseRow,
    OperatorSessionRow,
    OrganisationRow,
    SavedRequestRow,
    ScheduleRow,
    SessionRow,
    database_epoch,
)
from accounts.vault import Vault
from accounts.webhooks import Webhooks


class Accounts:
    """The accounts in the database at `database_url` (SQLAlchemy's form). Makes its tables on first use.

    `vault` is needed only where webhooks are added or called. Safe to share between threads; not across a fork.
    Raises UnsupportedDatabase.
    """

    def __init__(self, database_url: str, vault: Vault | None = None) -> None:
        vault = vault or Vault()
        self._database = Database(database_url)
        self.last_uses = LastUses(self._database)
        self.sessions = Sessions(self._database)
        self.operators = Operators(self._database)
        self.webhooks = Webhooks(self._database, vault)
        self.deliveries = Deliveries(self._database, vault)
        self.schedules = Schedules(self._database)
        self.designs = Designs(self._database)
        self.printers = Printers(self._database)
        self.saved_requests = NamedDocuments(self._database, SavedRequestRow, Named, "saved request")

    def ping(self) -> None:
        """Read from the database. Raises SQLAlchemyError or OSError if that fails."""
        with self._database.session() as session:
            session.scalar(select(OrganisationRow.id).limit(1))

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file; None for PostgreSQL."""
        return self._database.sqlite_file

    def close(self) -> None:
        """Write the last uses of keys and close the connections; the next call opens new ones."""
        self.last_uses.close()
        self._database.close()

    def create_organisation(
        self, slug: str, name: str | None = None, resolver: str | None = None
    ) -> Organisation:
        """Return the new organisation; its name is its slug where none is given.

        Raises OrganisationExists; InvalidAccountValue for a slug that is not 1–63 lowercase letters,
        digits and hyphens, or a resolver that is not an https URL that Digital Links can begin with.
        """
        row = OrganisationRow(
            slug=forms.slug(slug),
            name=name or slug,
            resolver=None if resolver is None else forms.resolver(resolver),
            created_at=utc_now(),
        )
        try:
            with self._database.session() as session:
                session.add(row)
                session.flush()
                return row.value()
        except IntegrityError as error:
            raise OrganisationExists(slug) from error

    def organisation(self, slug: str) -> Organisation:
        """Return the organisation. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            return row_of(session, slug).value()

    def organisations(self) -> list[Organisation]:
        """Return all organisations, by slug."""
        with self._database.session() as session:
            rows = session.scalars(select(OrganisationRow).order_by(OrganisationRow.slug))
            return [row.value() for row in rows]

    def set_resolver(self, slug: str, resolver: str) -> Organisation:
        """Return the organisation with its new resolver, which exports from now on begin their links with.

        Raises NoSuchOrganisation; InvalidAccountValue as `create_organisation` does.
        """
        checked = forms.resolver(resolver)
        with self._database.session() as session:
            row = row_of(session, slug)
            row.resolver = checked
            return row.value()

    def suspend(self, slug: str) -> None:
        """Let nobody of the organisation in, and do nothing for it, until `resume`. Nothing is deleted.

        Jobs that were accepted go on. Raises NoSuchOrganisation.
        """
        with self._database.session() as session:
            row = row_of(session, slug)
            row.suspended_at = row.suspended_at or utc_now()

    def resume(self, slug: str) -> None:
        """End the suspension. Ticks of schedules during it are not made up for. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            row = row_of(session, slug)
            if row.suspended_at is not None:
                row.suspended_at = None
                skip_ticks(session, ScheduleRow.organisation_id == row.id)

    def is_active(self, slug: str) -> bool:
        """Return whether there is such an organisation and it is not suspended."""
        try:
            return not self.organisation(slug).suspended
        except NoSuchOrganisation:
            return False

    def create_key(
        self,
        slug: str,
        role: Role | str,
        *,
        name: str | None = None,
        expires_at: datetime | None = None,
        per_minute: int | None = None,
        per_day: int | None = None,
    ) -> str:
        """Return a new key of the organisation in plain text. It cannot be read again later.

        The limits are in requests, None for the service's own. Raises NoSuchOrganisation;
        InvalidAccountValue for an unknown role, a naive expiry, or a limit below 1.
        """
        plain = keys.new_key()
        row = ApiKeyRow(
            sha256=keys.digest(plain),
            name=None if name is None else forms.name(name),
            role=forms.role(role).value,
            active=True,
            per_minute=forms.limit(per_minute, "per_minute"),
            per_day=forms.limit(per_day, "per_day"),
            created_at=utc_now(),
            expires_at=forms.moment(expires_at, "expires_at"),
        )
        with self._database.session() as session:
            row.organisation_id = row_of(session, slug).id
            session.add(row)
        return plain

    def keys_of(self, slug: str) -> list[KeyRecord]:
        """Return the organisation's keys, oldest first, revoked ones too. Raises NoSuchOrganisation."""
        now = utc_now()
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                select(ApiKeyRow).where(ApiKeyRow.organisation_id == owner).order_by(ApiKeyRow.id)
            )
            return [
                KeyRecord(
                    id=row.id,
                    name=row.name,
                    role=Role(row.role),
                    per_minute=row.per_minute,
                    per_day=row.per_day,
                    created_at=row.created_at,
                    last_used_at=row.last_used_at,
                    expires_at=row.expires_at,
                    active=row.works_at(now),
                )
                for row in rows
            ]

    def revoke_key(self, slug: str, key_id: int) -> None:
        """Make the key useless, and with it every session begun with it; again changes nothing.

        Raises NoSuchOrganisation; NoSuchKey, also for another organisation's.
        """
        with self._database.session() as session:
            statement = update(ApiKeyRow).where(_is(session, slug, key_id)).values(active=False)
            if session.execute(statement.returning(ApiKeyRow.id)).first() is None:
                raise NoSuchKey(key_id)

    def rotate_key(self, slug: str, key_id: int, *, grace: timedelta = timedelta(0)) -> str:
        """Return a new key, in plain text, with the name, role, limits and expiry of an active one.

        The old key ends after `grace`, without one at once. Raises NoSuchOrganisation; NoSuchKey, also
        for another organisation's; InactiveKey for one that was revoked or has expired.
        """
        plain = keys.new_key()
        now = utc_now()
        with self._database.session() as session:
            # This changes nothing, but locks the row (SQLite: the database) against other writers. Of two
            # rotations at once, the second finds the key ended.
            taken = update(ApiKeyRow).where(_is(session, slug, key_id)).values(name=ApiKeyRow.name)
            old = session.scalar(taken.returning(ApiKeyRow))
            if old is None:
                raise NoSuchKey(key_id)
            if not old.works_at(now):
                raise InactiveKey(key_id)
            session.add(
                ApiKeyRow(
                    organisation_id=old.organisation_id,
                    sha256=keys.digest(plain),
                    name=old.name,
                    role=old.role,
                    active=True,
                    per_minute=old.per_minute,
                    per_day=old.per_day,
                    created_at=now,
                    expires_at=old.expires_at,
                )
            )
            if grace > timedelta(0):
                end = now + grace
                old.expires_at = end if old.expires_at is None else min(end, old.expires_at)
            else:
                old.active = False
        return plain

    def authenticate(self, plain: str) -> ApiKey | None:
        """Return whose key this is, or None for one that is malformed, unknown, revoked, expired or suspended.

        Nothing is written: the use is noted in `last_uses`, so polls go on while the database takes no writes.
        The time this takes reveals nothing useful: the checksum depends only on what was sent, and the index is
        searched for a SHA-256, which an attacker cannot guess digit by digit.
        """
        if not keys.is_well_formed(plain):
            return None
        now = utc_now()
        with self._database.session() as session:
            row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.sha256 == keys.digest(plain)))
            if row is None or not row.authenticates_at(now):
                return None
            found = row.value()
        self.last_uses.note(found.id)
        return found

    def last_used(self, key_id: int) -> datetime | None:
        """Return when the key was last used, as far as that is written. Beginning a session counts as use."""
        with self._database.session() as session:
            return session.scalar(select(ApiKeyRow.last_used_at).where(ApiKeyRow.id == key_id))

    def acquire_lease(
        self, name: str, holder: str, ttl_seconds: float, *, takes_expired: bool = True
    ) -> bool:
        """Take the lease if it is free or already `holder`'s. Return whether `holder` has it now.

        With `takes_expired`, also take it if it has expired, whoever had it.
        """
        mine = LeaseRow.holder == holder
        insert = self._database.insert(LeaseRow).values(
            name=name, holder=holder, expires_at=database_epoch() + ttl_seconds
        )
        statement = insert.on_conflict_do_update(
            index_elements=[LeaseRow.name],
            set_={"holder": insert.excluded.holder, "expires_at": insert.excluded.expires_at},
            where=or_(LeaseRow.expires_at <= database_epoch(), mine) if takes_expired else mine,
        ).returning(LeaseRow.holder)
        with self._database.session() as session:
            return session.execute(statement).first() is not None

    def expired_leases(self, prefix: str) -> dict[str, str]:
        """Return the leases that have expired and are not released: the holder of each, by name."""
        found = select(LeaseRow.name, LeaseRow.holder).where(
            LeaseRow.name.startswith(prefix, autoescape=True), LeaseRow.expires_at <= database_epoch()
        )
        with self._database.session() as session:
            return {row.name: row.holder for row in session.execute(found)}

    def lease_holder(self, name: str) -> str | None:
        """Return who has the lease. None if it is free or has expired."""
        held = select(LeaseRow.holder).where(LeaseRow.name == name, LeaseRow.expires_at > database_epoch())
        with self._database.session() as session:
            return session.scalar(held)

    def held_leases(self, prefix: str) -> dict[str, str]:
        """Return the leases that somebody has and that have not expired: the holder of each, by name."""
        held = select(LeaseRow.name, LeaseRow.holder).where(
            LeaseRow.name.startswith(prefix, autoescape=True), LeaseRow.expires_at > database_epoch()
        )
        with self._database.session() as session:
            return {row.name: row.holder for row in session.execute(held)}

    def renew_live_lease(self, name: str, holder: str, ttl_seconds: float) -> bool:
        """Extend the lease to `ttl_seconds` from now if it is `holder`'s and has not expired. Return whether it is."""
        return self._renew(name, holder, ttl_seconds, LeaseRow.expires_at > database_epoch())

    def renew_lease(self, name: str, holder: str, ttl_seconds: float) -> bool:
        """Extend the lease to `ttl_seconds` from now if it is `holder`'s. Return whether it is.

        An expired lease that nobody else took meanwhile can be renewed.
        """
        return self._renew(name, holder, ttl_seconds)

    def _renew(self, name: str, holder: str, ttl_seconds: float, *conditions: ColumnElement[bool]) -> bool:
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.holder == holder, *conditions)
            .values(expires_at=database_epoch() + ttl_seconds)
            .returning(LeaseRow.name)
            .execution_options(synchronize_session=False)
        )
        with self._database.session() as session:
            return session.execute(statement).first() is not None

    def release_lease(self, name: str, holder: str) -> bool:
        """Free the lease if it is `holder`'s. Return whether it was."""
        statement = (
            delete(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.holder == holder)
            .returning(LeaseRow.name)
            .execution_options(synchronize_session=False)
        )
        with self._database.session() as session:
            return session.execute(statement).first() is not None

    def forget_expired_leases(self, prefix: str) -> int:
        """Delete the leases that have expired and whose names begin so; return how many."""
        expired = LeaseRow.name.startswith(prefix, autoescape=True) & (
            LeaseRow.expires_at <= database_epoch()
        )
        statement = delete(LeaseRow).where(expired).returning(LeaseRow.name)
        with self._database.session() as session:
            return len(session.execute(statement.execution_options(synchronize_session=False)).all())

    def forget_expired(self, before: datetime) -> int:
        """Delete the sessions and leases that expired before then; return how many. `before` is aware."""
        expired = (
            delete(SessionRow).where(SessionRow.expires_at <= before).returning(SessionRow.id),
            delete(OperatorSessionRow)
            .where(OperatorSessionRow.expires_at <= before)
            .returning(OperatorSessionRow.id),
            delete(LeaseRow).where(LeaseRow.expires_at <= before.timestamp()).returning(LeaseRow.name),
        )
        with self._database.session() as session:
            return sum(len(session.execute(statement).all()) for statement in expired)


def _is(session: Session, slug: str, key_id: int) -> ColumnElement[bool]:
    """Return the condition for the organisation's key of that id. Raises NoSuchOrganisation."""
    return (ApiKeyRow.id == key_id) & (ApiKeyRow.organisation_id == row_of(session, slug).id)
