"""Stored schedules: exports that an organisation wants at the ticks of a cron expression. Nothing runs here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from accounts import forms
from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchName, NoSuchSchedule, ScheduleExists, TooManyNames
from accounts.labels.named import MAX_NAMES
from accounts.tables import OrganisationRow, ScheduleRow


@dataclass(frozen=True, slots=True)
class Schedule:
    """A timetable for an export: `cron` in `time_zone`, and the export's request as JSON.

    Ticks up to `created_at` and up to `last_tick_at` are done. A replaced schedule counts as created then.
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
        """Return the organisation's new schedule. The caller has validated `cron` and `request`.

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

    def save(self, slug: str, name: str, *, cron: str, time_zone: str, request: str) -> Schedule:
        """Return the schedule of that name, made anew: its ticks up to now are done. A paused one stays paused.

        The caller has validated all values. Raises NoSuchOrganisation, TooManyNames.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            others = select(func.count()).where(
                ScheduleRow.organisation_id == owner, ScheduleRow.name != name
            )
            if (session.scalar(others) or 0) >= MAX_NAMES:
                raise TooManyNames("schedule", MAX_NAMES)
            changed = {
                "cron": cron,
                "time_zone": time_zone,
                "request": request,
                "created_at": utc_now(),
                "last_tick_at": None,
            }
            insert = self._database.insert(ScheduleRow).values(
                organisation_id=owner, name=name, active=True, **changed
            )
            session.execute(
                insert.on_conflict_do_update(index_elements=["organisation_id", "name"], set_=changed)
            )
            return _found(session, slug, name)

    def get(self, slug: str, name: str) -> Schedule:
        """Return what has the name. Raises NoSuchOrganisation; NoSuchName, also for another organisation's."""
        with self._database.session() as session:
            return _found(session, slug, name)

    def active(self) -> list[Schedule]:
        """Return the schedules that are not paused, of all organisations that are not suspended, oldest first."""
        with self._database.session() as session:
            rows = session.execute(
                select(ScheduleRow, OrganisationRow.slug)
                .join(OrganisationRow, ScheduleRow.organisation_id == OrganisationRow.id)
                .where(ScheduleRow.active, OrganisationRow.suspended_at.is_(None))
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
        """Record that the schedule's ticks up to this one are done. A later tick recorded before is kept."""
        with self._database.session() as session:
            session.execute(
                update(ScheduleRow)
                .where(ScheduleRow.id == schedule_id, _up_to(tick))
                .values(last_tick_at=tick)
                .execution_options(synchronize_session=False)
            )

    def pause(self, slug: str, schedule_id: int) -> None:
        """Pause the schedule. Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's."""
        self._set_active(slug, schedule_id, active=False)

    def resume(self, slug: str, schedule_id: int) -> None:
        """Resume the schedule from now on. Ticks during the pause are not made up for.

        Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            paused = ScheduleRow.active.is_(False)
            skip_ticks(
                session, (ScheduleRow.id == schedule_id) & (ScheduleRow.organisation_id == owner) & paused
            )
        self._set_active(slug, schedule_id, active=True)

    def remove(self, slug: str, schedule_id: int) -> None:
        """Remove the schedule. Raises NoSuchOrganisation; NoSuchSchedule, also for another organisation's."""
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


def skip_ticks(session: Session, condition: ColumnElement[bool]) -> None:
    """Record that all ticks up to now of the schedules that meet the condition are done."""
    now = utc_now()
    session.execute(
        update(ScheduleRow)
        .where(condition, _up_to(now))
        .values(last_tick_at=now)
        .execution_options(synchronize_session=False)
    )


def _up_to(tick: datetime) -> ColumnElement[bool]:
    return or_(ScheduleRow.last_tick_at.is_(None), ScheduleRow.last_tick_at < tick)


def _found(session: Session, slug: str, name: str) -> Schedule:
    named = (ScheduleRow.organisation_id == row_of(session, slug).id) & (ScheduleRow.name == name)
    # No schedule has such a name, and PostgreSQL fails on some of this text, such as a NUL.
    row = session.scalar(select(ScheduleRow).where(named)) if name.isprintable() else None
    if row is None:
        raise NoSuchName("schedule", name)
    return _schedule(row, slug)


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
