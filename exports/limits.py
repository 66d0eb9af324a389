"""Limits of the size of a job and of an organisation's storage."""

from dataclasses import dataclass

from exports.errors import StorageIsFull


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_items` limits the entities of a job, `max_labels` its labels with copies, `max_pages` the pages of a PDF.

    An organisation gets no new jobs while its artefacts have `max_storage_bytes` or more (None: no limit), or while
    `max_open_jobs` of its jobs have not ended.
    """

    max_items: int = 5_000_000
    max_labels: int = 20_000_000
    max_pages: int = 1_000_000
    max_storage_bytes: int | None = None
    max_open_jobs: int = 200

    def require_room(self, stored_bytes: int) -> None:
        """Raise StorageIsFull if `stored_bytes` of artefacts reach the limit."""
        if self.max_storage_bytes is not None and stored_bytes >= self.max_storage_bytes:
            raise StorageIsFull(stored_bytes, self.max_storage_bytes)
