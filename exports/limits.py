"""How large a job may be, and how much an organisation stores."""

from dataclasses import dataclass

from exports.errors import StorageIsFull


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_items` are the entities of a job, `max_labels` its labels and `max_pages` those of a PDF, copies counted.

    An organisation gets no new jobs while its artefacts have `max_storage_bytes` or more, None for no limit, or while
    `max_open_jobs` of its jobs have not ended.
    """

    max_items: int = 5_000_000
    max_labels: int = 20_000_000
    max_pages: int = 1_000_000
    max_storage_bytes: int | None = None
    max_open_jobs: int = 200

    def require_room(self, stored_bytes: int) -> None:
        """Raise StorageIsFull if an organisation with so many bytes of artefacts may have no more."""
        if self.max_storage_bytes is not None and stored_bytes >= self.max_storage_bytes:
            raise StorageIsFull(stored_bytes, self.max_storage_bytes)
