"""The SQL tables of accounts, and the database's own clock.

A change here needs a migration in `migrations/versions` and the new `HEAD` in `database.py`. A test compares the
models with the migrations.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from accounts.identity import ApiKey, Organisation, Role


class UtcDateTime(TypeDecorator[datetime]):
    """Aware timestamps, stored as UTC, because SQLite stores no zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


class database_epoch(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """Seconds since 1970 by the database's clock, which all machines that take leases share."""

    inherit_cache = True
    type = Float()


@compiles(database_epoch, "sqlite")
def _sqlite_epoch(element: Any, compiler: Any, **options: Any) -> str:
    del element, compiler, options
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_epoch, "postgresql")
def _postgresql_epoch(element: Any, compiler: Any, **options: Any) -> str:
    del element, compiler, options
    return "EXTRACT(EPOCH FROM clock_timestamp())"


class Base(DeclarativeBase):
    pass


class OrganisationRow(Base):
    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    resolver: Mapped[str | None] = mapped_column(String(2048))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def value(self) -> Organisation:
        return Organisation(self.slug, self.name, self.resolver, self.suspended_at is not None)


class ApiKeyRow(Base):
    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str | None] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    per_minute: Mapped[int | None]
    per_day: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    organisation: Mapped[OrganisationRow] = relationship(lazy="joined", innerjoin=True)

    def value(self) -> ApiKey:
        return ApiKey(self.id, self.organisation.value(), Role(self.role), self.per_minute, self.per_day)

    def works_at(self, time: datetime) -> bool:
        """Return whether the key is neither revoked nor expired then."""
        return self.active and (self.expires_at is None or self.expires_at > time)

    def authenticates_at(self, time: datetime) -> bool:
        """Return whether the key works then and its organisation is not suspended."""
        return self.works_at(time) and self.organisation.suspended_at is None


class SessionRow(Base):
    """A browser's session. It is valid as long as the key it began with."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_sha256: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    key: Mapped[ApiKeyRow] = relationship(lazy="joined", innerjoin=True)


class OperatorRow(Base):
    """Somebody who may change things in the Dagster UI."""

    __tablename__ = "operators"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OperatorSessionRow(Base):
    """An operator's log-in."""

    __tablename__ = "operator_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LeaseRow(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[float] = mapped_column(Float(53))


class WebhookRow(Base):
    """An address that gets messages. The secret is encrypted, not hashed, because it signs every delivery."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    url: Mapped[str] = mapped_column(String(2048))
    secret: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    organisation: Mapped[OrganisationRow] = relationship(lazy="joined", innerjoin=True)


class DeliveryRow(Base):
    """One message for one webhook. `next_attempt_at` is null once delivered or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "message_id", name="uq_deliveries_webhook_id_message_id"),
        Index("ix_deliveries_next_attempt_at", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(String(255))
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)

    webhook: Mapped[WebhookRow] = relationship(lazy="joined", innerjoin=True)


class ScheduleRow(Base):
    """A timetable for an export."""

    __tablename__ = "schedules"
    __table_args__ = (UniqueConstraint("organisation_id", "name", name="uq_schedules_organisation_id_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(64))
    cron: Mapped[str] = mapped_column(String(255))
    time_zone: Mapped[str] = mapped_column(String(64))
    request: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_tick_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DesignRow(Base):
    """A version of a label design. Of a removed design only the last version stays, without its document."""

    __tablename__ = "designs"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id", "name", "version", name="uq_designs_organisation_id_name_version"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(255))
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NamedRow:
    """A document that an organisation keeps by name."""

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(255))


class PrinterRow(NamedRow, Base):
    """A printer profile, and the sheet in its tray.

    `taken_by` is the job that prints from `next_position` on. `reserved_at` is null once that job is sure to exist.
    """

    __tablename__ = "printers"
    __table_args__ = (UniqueConstraint("organisation_id", "name", name="uq_printers_organisation_id_name"),)

    sheet_template: Mapped[str | None] = mapped_column(String(64))
    next_position: Mapped[int] = mapped_column(default=1)
    taken_by: Mapped[str | None] = mapped_column(String(22))
    reserved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SavedRequestRow(NamedRow, Base):
    """An export request with a name."""

    __tablename__ = "saved_requests"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name", name="uq_saved_requests_organisation_id_name"),
    )
