"""Stored label designs. A change is a new version; versions are never changed. What a document says is not known here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.database import Database, row_of, utc_now
from accounts.errors import DesignChanged, NoSuchDesign, TooManyDesigns
from accounts.tables import DesignRow

#: Versions that an organisation may keep, of all its designs together. A removed design has none.
MAX_VERSIONS = 500


@dataclass(frozen=True, slots=True)
class StoredDesign:
    """One version of a design. `document` is JSON."""

    name: str
    version: int
    document: str
    created_at: datetime
    created_by: str


class Designs:
    """The designs in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, slug: str, name: str, document: str, *, created_by: str) -> StoredDesign:
        """Return the new version of the design, or the newest one if it has the same document.

        The caller has validated name and document. Raises NoSuchOrganisation; TooManyDesigns; DesignChanged if another
        version is added at the same moment.
        """
        try:
            with self._database.session() as session:
                owner = row_of(session, slug).id
                newest = _newest(session, owner, name)
                if newest is not None and newest.removed_at is None and newest.document == document:
                    return _value(newest)
                kept = select(func.count()).where(
                    DesignRow.organisation_id == owner, DesignRow.removed_at.is_(None)
                )
                if (session.scalar(kept) or 0) >= MAX_VERSIONS:
                    raise TooManyDesigns(MAX_VERSIONS)
                row = DesignRow(
                    organisation_id=owner,
                    name=name,
                    version=1 if newest is None else newest.version + 1,
                    document=document,
                    created_at=utc_now(),
                    created_by=created_by,
                )
                session.add(row)
                session.flush()
                return _value(row)
        except IntegrityError as error:
            raise DesignChanged(name) from error

    def get(self, slug: str, name: str, version: int | None = None) -> StoredDesign:
        """Return a version of the design, the newest if none is named.

        Raises NoSuchOrganisation; NoSuchDesign, also for another organisation's and for a removed one.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            asked = _kept(owner).where(DesignRow.name == name)
            if version is not None:
                asked = asked.where(DesignRow.version == version)
            row = session.scalar(asked.order_by(DesignRow.version.desc()).limit(1))
            if row is None:
                raise NoSuchDesign(name, version)
            return _value(row)

    def versions(self, slug: str, name: str) -> list[StoredDesign]:
        """Return all versions of the design, newest first.

        Raises NoSuchOrganisation; NoSuchDesign, also for another organisation's and for a removed one.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                _kept(owner).where(DesignRow.name == name).order_by(DesignRow.version.desc())
            ).all()
            if not rows:
                raise NoSuchDesign(name)
            return [_value(row) for row in rows]

    def list(self, slug: str) -> list[StoredDesign]:
        """Return the newest version of each of the organisation's designs, by name. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            newest = (
                select(func.max(DesignRow.id))
                .where(DesignRow.organisation_id == owner, DesignRow.removed_at.is_(None))
                .group_by(DesignRow.name)
            )
            rows = session.scalars(select(DesignRow).where(DesignRow.id.in_(newest)).order_by(DesignRow.name))
            return [_value(row) for row in rows]

    def remove(self, slug: str, name: str) -> None:
        """Remove the design with all its versions. Their numbers are not given again.

        Raises NoSuchOrganisation; NoSuchDesign, also for another organisation's.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            newest = _newest(session, owner, name)
            if newest is None or newest.removed_at is not None:
                raise NoSuchDesign(name)
            session.execute(
                delete(DesignRow).where(
                    DesignRow.organisation_id == owner, DesignRow.name == name, DesignRow.id != newest.id
                )
            )
            newest.removed_at, newest.document = utc_now(), ""


def _kept(owner: int) -> Select[DesignRow]:
    return select(DesignRow).where(DesignRow.organisation_id == owner, DesignRow.removed_at.is_(None))


def _newest(session: Session, owner: int, name: str) -> DesignRow | None:
    """Return the last version there was, removed or not."""
    return session.scalar(
        select(DesignRow)
        .where(DesignRow.organisation_id == owner, DesignRow.name == name)
        .order_by(DesignRow.version.desc())
        .limit(1)
    )


def _value(row: DesignRow) -> StoredDesign:
    return StoredDesign(row.name, row.version, row.document, row.created_at, row.created_by)
