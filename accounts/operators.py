"""Operators: people who may change things in the Dagster UI, with their keys and sessions. They have no organisation."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import forms, keys
from accounts.database import Database, utc_now
from accounts.errors import NoSuchOperator, OperatorExists
from accounts.tables import OperatorRow, OperatorSessionRow

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Operator:
    """What is stored of an operator, without the key."""

    name: str
    created_at: datetime


class Operators:
    """The operators in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str) -> str:
        """Return the new operator's key in plain text. It cannot be read again later.

        Raises OperatorExists; InvalidAccountValue for a name that is not 1–64 letters, digits and `.`, `_`, `@`, `+`, `-`.
        """
        plain = keys.new_key()
        row = OperatorRow(name=forms.operator(name), sha256=keys.digest(plain), created_at=utc_now())
        try:
            with self._database.session() as session:
                session.add(row)
        except IntegrityError as error:
            raise OperatorExists(name) from error
        return plain

    def list(self) -> list[Operator]:
        """Return all operators, by name."""
        with self._database.session() as session:
            rows = session.scalars(select(OperatorRow).order_by(OperatorRow.name))
            return [Operator(row.name, row.created_at) for row in rows]

    def remove(self, name: str) -> None:
        """Remove the operator, and with it the key and all sessions. Raises NoSuchOperator."""
        with self._database.session() as session:
            statement = delete(OperatorRow).where(OperatorRow.name == name)
            if session.execute(statement.returning(OperatorRow.id)).first() is None:
                raise NoSuchOperator(name)

    def begin_session(self, plain: str, ttl: timedelta) -> str | None:
        """Return the secret id of a new session for the key, valid for `ttl`; None if no operator has that key.

        Delete the expired sessions.
        """
        if not keys.is_well_formed(plain):
            return None
        now = utc_now()
        session_id = secrets.token_urlsafe(_SECRET_BYTES)
        with self._database.session() as session:
            owner = session.scalar(select(OperatorRow.id).where(OperatorRow.sha256 == keys.digest(plain)))
            if owner is None:
                return None
            session.execute(delete(OperatorSessionRow).where(OperatorSessionRow.expires_at <= now))
            session.add(
                OperatorSessionRow(
                    sha256=keys.digest(session_id),
                    operator_id=owner,
                    created_at=now,
                    expires_at=now + ttl,
                )
            )
        return session_id

    def of_session(self, session_id: str) -> str | None:
        """Return the name of the session's operator. None if it is unknown, ended or expired."""
        found = (
            select(OperatorRow.name)
            .join(OperatorSessionRow, OperatorSessionRow.operator_id == OperatorRow.id)
            .where(
                OperatorSessionRow.sha256 == keys.digest(session_id),
                OperatorSessionRow.expires_at > utc_now(),
            )
        )
        with self._database.session() as session:
            return session.scalar(found)

    def end_session(self, session_id: str) -> None:
        """End the session. No error if it is unknown."""
        with self._database.session() as session:
            session.execute(
                delete(OperatorSessionRow).where(OperatorSessionRow.sha256 == keys.digest(session_id))
            )
