"""Plans: exports that an organisation wants made again and again. Nothing runs them here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from accounts import forms
from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchPlan, PlanExists
from accounts.tables import OrganisationRow, PlanRow


@dataclass(frozen=True, slots=True)
class Plan:
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


class Plans:
    """The plans in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, slug: str, name: str, *, cron: str, time_zone: str, request: str) -> Plan:
        """Return the organisation's new plan. `cron` and `request` are taken as validated by the caller.

        Raises NoSuchOrganisation; PlanExists; InvalidAccountValue for a bad name or an unknown time zone.
        """
        row = PlanRow(
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
                return _plan(row, slug)
        except IntegrityError as error:
            raise PlanExists(name) from error

    def active(self) -> list[Plan]:
        """Return the plans that do not rest, of all organisations, oldest first."""
        with self._database.session() as session:
            rows = session.execute(
                select(PlanRow, OrganisationRow.slug)
                .join(OrganisationRow, PlanRow.organisation_id == OrganisationRow.id)
                .where(PlanRow.active)
                .order_by(PlanRow.id)
            )
            return [_plan(row, slug) for row, slug in rows]

    def list(self, slug: str) -> list[Plan]:
        """Return the organisation's plans, oldest first. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                select(PlanRow).where(PlanRow.organisation_id == owner).order_by(PlanRow.id)
            )
            return [_plan(row, slug) for row in rows]

    def record_tick(self, plan_id: int, tick: datetime) -> None:
        """Record that the plan's ticks up to this one are dealt with; a later one recorded before stays."""
        with self._database.session() as session:
            session.execute(
                update(PlanRow)
                .where(PlanRow.id == plan_id, _up_to(tick))
                .values(last_tick_at=tick)
                .execution_options(synchronize_session=False)
            )

    def pause(self, slug: str, plan_id: int) -> None:
        """Let the plan rest. Raises NoSuchOrganisation; NoSuchPlan, also for another organisation's."""
        self._set_active(slug, plan_id, active=False)

    def resume(self, slug: str, plan_id: int) -> None:
        """Let the plan go on from now: ticks while it rested are passed over, not made up for.

        Raises NoSuchOrganisation; NoSuchPlan, also for another organisation's.
        """
        now = utc_now()
        with self._database.session() as session:
            owner = row_of(session, slug).id
            session.execute(
                update(PlanRow)
                .where(
                    PlanRow.id == plan_id,
                    PlanRow.organisation_id == owner,
                    PlanRow.active.is_(False),
                    _up_to(now),
                )
                .values(last_tick_at=now)
                .execution_options(synchronize_session=False)
            )
        self._set_active(slug, plan_id, active=True)

    def remove(self, slug: str, plan_id: int) -> None:
        """Forget the plan. Raises NoSuchOrganisation; NoSuchPlan, also for another organisation's."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            statement = delete(PlanRow).where(PlanRow.id == plan_id, PlanRow.organisation_id == owner)
            if session.execute(statement.returning(PlanRow.id)).first() is None:
                raise NoSuchPlan(plan_id)

    def _set_active(self, slug: str, plan_id: int, *, active: bool) -> None:
        with self._database.session() as session:
            owner = row_of(session, slug).id
            statement = update(PlanRow).where(PlanRow.id == plan_id, PlanRow.organisation_id == owner)
            if session.execute(statement.values(active=active).returning(PlanRow.id)).first() is None:
                raise NoSuchPlan(plan_id)


def _up_to(tick: datetime) -> ColumnElement[bool]:
    return or_(PlanRow.last_tick_at.is_(None), PlanRow.last_tick_at < tick)


def _plan(row: PlanRow, slug: str) -> Plan:
    return Plan(
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
