"""Browser sessions. One begins with an API key, is found by the SHA-256 of its random id, and ends with the key."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from accounts import keys
from accounts.database import Database, utc_now
from accounts.identity import ApiKey, NewSession, Session
from accounts.tables import SessionRow

_SECRET_BYTES = 32


class Sessions:
    """The sessions in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: ApiKey, ttl: timedelta) -> NewSession:
        """Return a new session of the key, valid for `ttl`. Delete the expired sessions."""
        now = utc_now()
        made = NewSession(
            session_id=secrets.token_urlsafe(_SECRET_BYTES),
            csrf_token=secrets.token_urlsafe(_SECRET_BYTES),
            expires_at=now + ttl,
        )
        with self._database.session() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            session.add(
                SessionRow(
                    sha256=keys.digest(made.session_id),
                    csrf_sha256=keys.digest(made.csrf_token),
                    key_id=key.id,
                    created_at=now,
                    expires_at=made.expires_at,
                )
            )
        return made

    def find(self, session_id: str) -> Session | None:
        """Return the session. None if it, or its key, is unknown, ended, expired or suspended."""
        now = utc_now()
        with self._database.session() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.sha256 == keys.digest(session_id)))
            if row is None or row.expires_at <= now or not row.key.authenticates_at(now):
                return None
            return Session(row.key.value(), row.csrf_sha256)

    def end(self, session_id: str) -> None:
        """End the session. No error if it is unknown."""
        with self._database.session() as session:
            session.execute(delete(SessionRow).where(SessionRow.sha256 == keys.digest(session_id)))
