"""How large a job may be, and how much an organisation stores."""

from dataclasses import dataclass

from exports.errors import StorageIsFull


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_items` are the entities of a job, `max_labels` its labels and `max_pages` those of a PDF, copies counted.

    `max_storage_bytes` is the size of all artefacts of an organisation, from which on it gets no new jobs. None for
    no limit.
    """

    max_items: int = 5_000_000
    max_labels: int = 20_000_000
    max_pages: int = 1_000_000
    max_storage_bytes: int | None = None

    def require_room(self, stored_bytes: int) -> None:
        """Raise StorageIsFull if an organisation with so many bytes of artefacts may have no more."""
        if self.max_storage_bytes is not None and stored_bytes >= self.max_storage_bytes:
            raise StorageIsFull(stored_bytes, self.max_storage_bytes)
