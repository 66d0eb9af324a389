"""JSON documents that an organisation keeps by name. What a document says is not known here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import delete, false, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchName, TooManyNames
from accounts.forms import PATH_NAME
from accounts.tables import NamedRow

#: Names of one kind that an organisation may keep.
MAX_NAMES = 500


@dataclass(frozen=True, slots=True)
class Named:
    """A stored document. `document` is JSON."""

    name: str
    document: str
    changed_at: datetime
    changed_by: str


Row = TypeVar("Row", bound=NamedRow)
Value = TypeVar("Value", bound=Named)


class NamedDocuments(Generic[Row, Value]):
    """The documents of one table. `kind` is what one of them is called, for errors."""

    def __init__(self, database: Database, row: type[Row], value: type[Value], kind: str) -> None:
        self._database = database
        self._row = row
        self._value = value
        self._kind = kind

    def save(self, slug: str, name: str, document: str, *, changed_by: str) -> Value:
        """Store the document under the name, in place of the one that has it, and return it.

        The caller has validated name and document. Raises NoSuchOrganisation, TooManyNames.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            others = select(func.count()).where(self._row.organisation_id == owner, self._row.name != name)
            if (session.scalar(others) or 0) >= MAX_NAMES:
                raise TooManyNames(self._kind, MAX_NAMES)
            changed = {"document": document, "changed_at": utc_now(), "changed_by": changed_by}
            insert = self._database.insert(self._row).values(organisation_id=owner, name=name, **changed)
            session.execute(
                insert.on_conflict_do_update(index_elements=["organisation_id", "name"], set_=changed)
            )
            return self._found(session, slug, name)

    def get(self, slug: str, name: str) -> Value:
        """Return what has the name. Raises NoSuchOrganisation; NoSuchName, also for another organisation's."""
        with self._database.session() as session:
            return self._found(session, slug, name)

    def list(self, slug: str) -> list[Value]:
        """Return all that the organisation has, by name. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owned = self._row.organisation_id == row_of(session, slug).id
            rows = session.scalars(select(self._row).where(owned).order_by(self._row.name))
            return [self._of(row) for row in rows]

    def remove(self, slug: str, name: str) -> None:
        """Remove what has the name. Raises NoSuchOrganisation; NoSuchName, also for another organisation's."""
        with self._database.session() as session:
            gone = delete(self._row).where(self._is(session, slug, name)).returning(self._row.id)
            if session.execute(gone).first() is None:
                raise NoSuchName(self._kind, name)

    def _found(self, session: Session, slug: str, name: str) -> Value:
        row = session.scalar(select(self._row).where(self._is(session, slug, name)))
        if row is None:
            raise NoSuchName(self._kind, name)
        return self._of(row)

    def _is(self, session: Session, slug: str, name: str) -> ColumnElement[bool]:
        """Return the condition for the row of that name. Raises NoSuchOrganisation."""
        owner = row_of(session, slug).id
        # Nothing has a name of another form, and PostgreSQL fails on some text, such as a NUL.
        named = self._row.name == name if PATH_NAME.fullmatch(name) else false()
        return (self._row.organisation_id == owner) & named

    def _of(self, row: Row) -> Value:
        return self._value(**{field: getattr(row, field) for field in self._value.__dataclass_fields__})
