"""Schedules: exports that an organisation wants made again and again. Nothing runs them here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from accounts import forms
from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchSchedule, ScheduleExists
from accounts.tables import OrganisationRow, ScheduleRow


@dataclass(frozen=True, slots=True)
class Schedule:
    """An export on a timetable: `cron` in the clock of `time_zone`; `request` is the export's JSON.

    Ticks up to `last_tick_at`, or to `created_at` where there is none, are dealt with.
    """

    id: int
    organisation: str
    name: str
    cron: str
    time_zone: str
    request: str
    active: bool
    created_at: datetime
    last_tick_at: datetime | None


class Schedules:
    """The schedules in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, slug: str, name: str, *, cron: str, time_zone: str, request: str) -> Schedule:
        """Return the organisation's new schedule. `cron` and `request` are taken as validated by the caller.

        Raises NoSuchOrganisation; ScheduleExists; InvalidAccountValue for a bad name or an unknown time zone.
        """
        row = ScheduleRow(
            name=forms.name(name),
            cron=cron,
            time_zone=forms.time_zone(time_zone),
            request=request,
            active=True,
            created_at=utc_now(),
        )
        try:
            with self._database.session() as session:
                row.organisation_id = row_of(session, slug).id
                session.add(row)
                session.flush()
                return _schedule(row, slug)
        except IntegrityError as error:
            raise ScheduleExists(name) from error

    def active(self) -> list[Schedule]:
        """Return the schedules that do not rest, of all organisations, oldest first."""
        with self._database.session() as session:
            rows = session.execute(
                select(ScheduleRow, OrganisationRow.slug)
                .join(OrganisationRow, ScheduleRow.organisation_id == OrganisationRow.id)
                .where(ScheduleRow.active)
                .order_by(ScheduleRow.id)
            )
            return [_schedule(row, slug) for row, slug in rows]

    def list(self, slug: str) -> list[Schedule]:
        """Return the organisation's schedules, oldest first. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                select(ScheduleRow).where(ScheduleRow.organisation_id == owner).order_by(ScheduleRow.id)
            )
            return [_schedule(row, slug) for row in rows]

    def record_tick(self, schedule_id: int, tick: datetime) -> None:
        """Record that the schedule's ticks up to this one are dealt with; a later one recorded before stays."""
        with self._database.session() as session:
            session.execute(
                update(ScheduleRow)
                .where(ScheduleRow.id == schedule_id, _up_to(tick))
                .values(last_tick_at=tick)
                .execution_options(synchronize_session=False)
            )

    def pause(self, slug: str, schedule_id: int) -> None:
        """Let the schedule rest. Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's."""
        self._set_active(slug, schedule_id, active=False)

    def resume(self, slug: str, schedule_id: int) -> None:
        """Let the schedule go on from now: ticks while it rested are passed over, not made up for.

        Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's.
        """
        now = utc_now()
        with self._database.session() as session:
            owner = row_of(session, slug).id
            session.execute(
                update(ScheduleRow)
                .where(
                    ScheduleRow.id == schedule_id,
                    ScheduleRow.organisation_id == owner,
                    ScheduleRow.active.is_(False),
                    _up_to(now),
                )
                .values(last_tick_at=now)
                .execution_options(synchronize_session=False)
            )
        self._set_active(slug, schedule_id, active=True)

    def remove(self, slug: str, schedule_id: int) -> None:
        """Forget the schedule. Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            statement = delete(ScheduleRow).where(
                ScheduleRow.id == schedule_id, ScheduleRow.organisation_id == owner
            )
            if session.execute(statement.returning(ScheduleRow.id)).first() is None:
                raise NoSuchSchedule(schedule_id)

    def _set_active(self, slug: str, schedule_id: int, *, active: bool) -> None:
        with self._database.session() as session:
            owner = row_of(session, slug).id
            statement = update(ScheduleRow).where(
                ScheduleRow.id == schedule_id, ScheduleRow.organisation_id == owner
            )
            if session.execute(statement.values(active=active).returning(ScheduleRow.id)).first() is None:
                raise NoSuchSchedule(schedule_id)


def _up_to(tick: datetime) -> ColumnElement[bool]:
    return or_(ScheduleRow.last_tick_at.is_(None), ScheduleRow.last_tick_at < tick)


def _schedule(row: ScheduleRow, slug: str) -> Schedule:
    return Schedule(
        id=row.id,
        organisation=slug,
        name=row.name,
        cron=row.cron,
        time_zone=row.time_zone,
        request=row.request,
        active=row.active,
        created_at=row.created_at,
        last_tick_at=row.last_tick_at,
    )
