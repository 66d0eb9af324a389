"""An uploaded file on its way into the artefact store, block by block."""

import hashlib
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from exports.artefacts import ArtefactStore


def folder_of(job_id: str) -> str:
    """Return the import's folder in the artefact store."""
    return f"imports/{job_id}"


class Upload:
    """A file that is being received. `key` is its key when it is stored."""

    def __init__(self, job_id: str, key: str, stream: BinaryIO) -> None:
        self.job_id = job_id
        self.key = key
        self.size_bytes = 0
        self._stream = stream
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest of what was written, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Append a block."""
        self._stream.write(block)
        self._digest.update(block)
        self.size_bytes += len(block)


@contextmanager
def receive(store: ArtefactStore, job_id: str) -> Generator[Upload]:
    """Open an upload of the import. It is stored when the block ends, and removed if the block raises.

    Its name is random, so that two requests with the same idempotency key do not write to the same object.
    """
    key = f"{folder_of(job_id)}/{uuid.uuid4().hex}"
    with store.write(key) as stream:
        yield Upload(job_id, key, stream)
