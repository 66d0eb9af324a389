"""Stored printer profiles, and the sheets in their trays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.sql.elements import ColumnElement

from accounts.database import Database, utc_now
from accounts.errors import NoSuchName
from accounts.labels.named import Named, NamedDocuments
from accounts.tables import PrinterRow


@dataclass(frozen=True, slots=True)
class StoredPrinter(Named):
    """A printer profile. Its tray holds a sheet of `sheet_template` whose first free cell is `next_position`.

    The job `taken_by` prints from there on. `reserved_at` is None once that job is sure to exist.
    """

    sheet_template: str | None
    next_position: int
    taken_by: str | None
    reserved_at: datetime | None


class Printers(NamedDocuments[PrinterRow, StoredPrinter]):
    """The printer profiles in a database.

    Each change of a tray is one statement that names what it changes. Of two at once, one takes effect.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, PrinterRow, StoredPrinter, "printer")

    def load(self, slug: str, name: str, sheet_template: str, next_position: int) -> None:
        """Tell which sheet is in the tray, whatever job had it. Raises NoSuchOrganisation, NoSuchName."""
        sheet = {"sheet_template": sheet_template, "next_position": next_position}
        if not self._change(slug, name, {**sheet, "taken_by": None, "reserved_at": None}):
            raise NoSuchName("printer", name)

    def take(self, slug: str, name: str, job_id: str, sheet_template: str, position: int) -> bool:
        """Reserve the tray for the job, which need not exist yet. Return False if the tray is not as named, or taken.

        Raises NoSuchOrganisation.
        """
        return self._change(
            slug,
            name,
            {"taken_by": job_id, "reserved_at": utc_now()},
            PrinterRow.sheet_template == sheet_template,
            PrinterRow.next_position == position,
            or_(PrinterRow.taken_by.is_(None), PrinterRow.taken_by == job_id),
        )

    def hold(self, slug: str, name: str, job_id: str) -> bool:
        """Record that the job of the reservation exists. Return False if the job has lost the tray.

        Raises NoSuchOrganisation.
        """
        return self._change(slug, name, {"reserved_at": None}, PrinterRow.taken_by == job_id)

    def free(self, slug: str, seen: StoredPrinter, next_position: int) -> bool:
        """Free the tray of the job that had it when `seen` was read. Return False if it is no longer so.

        Raises NoSuchOrganisation.
        """
        return self._change(
            slug,
            seen.name,
            {"next_position": next_position, "taken_by": None, "reserved_at": None},
            PrinterRow.taken_by == seen.taken_by,
            PrinterRow.reserved_at.is_not_distinct_from(seen.reserved_at),
        )

    def _change(self, slug: str, name: str, values: dict[str, Any], *conditions: ColumnElement[bool]) -> bool:
        with self._database.session() as session:
            statement = (
                update(PrinterRow)
                .where(self._is(session, slug, name), *conditions)
                .values(values)
                .returning(PrinterRow.id)
                .execution_options(synchronize_session=False)
            )
            return session.execute(statement).first() is not None
