"""When keys were last used: noted in memory by a request, written to the database in the background."""

import logging
import threading
from datetime import datetime

from sqlalchemy import bindparam, or_, update
from sqlalchemy.exc import SQLAlchemyError

from accounts.database import Database, utc_now
from accounts.tables import ApiKeyRow

_INTERVAL_SECONDS = 60.0

_log = logging.getLogger(__name__)


class LastUses:
    """The last uses of keys by this process. A request neither waits for their writing nor fails with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._unwritten: dict[int, datetime] = {}
        self._closed = threading.Event()

    def note(self, key_id: int) -> None:
        """Remember that the key is used now. The database is not touched."""
        with self._lock:
            self._unwritten[key_id] = utc_now()

    def keep_writing(self) -> None:
        """Write the noted uses once a minute, until `close`. Call it from a thread of its own."""
        while not self._closed.wait(_INTERVAL_SECONDS):
            self.write()

    def write(self) -> None:
        """Write the noted uses. If the database refuses, log a warning and keep them for the next time."""
        with self._lock:
            uses, self._unwritten = self._unwritten, {}
        if not uses:
            return
        try:
            with self._database.session() as session:
                session.connection().execute(_LATER, [{"key": key, "at": at} for key, at in uses.items()])
        except (SQLAlchemyError, OSError) as error:
            _log.warning("the last uses of keys cannot be written: %s", type(error).__name__)
            with self._lock:
                self._unwritten = uses | self._unwritten

    def close(self) -> None:
        """Stop `keep_writing` and write what it has not written."""
        self._closed.set()
        self.write()


#: Another process may have written a later use of the key.
_LATER = (
    update(ApiKeyRow)
    .where(
        ApiKeyRow.id == bindparam("key"),
        or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < bindparam("at")),
    )
    .values(last_used_at=bindparam("at"))
)
