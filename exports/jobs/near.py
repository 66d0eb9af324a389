"""Local copies of a small job's objects, so that it does not read back from an object store what it has written."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catalogue import scratch
from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.jobs.job_id import folder_of
from exports.jobs.parts import FOLDER

_COPY_BYTES = 1 << 20


@contextmanager
def near(store: ArtefactStore, job_id: str) -> Generator[ArtefactStore]:
    """Yield the store for the process that executes the whole job. With a local disk it is `store` itself."""
    if store.is_local:
        yield store
        return
    with tempfile.TemporaryDirectory(prefix=scratch.prefix("export")) as folder:
        yield _Near(store, ArtefactStore(folder), job_id)


class _Near(ArtefactStore):
    """Reads from local copies of what it has written. Parts have only the local copy: a resumed job draws them again.

    The artefact has no local copy, because its verification must read the stored object. The objects that the job
    stored before are listed once, because only the decision may be written by other processes.
    """

    # The parts are local, so the store cannot copy them.
    _can_join = False

    def __init__(self, store: ArtefactStore, copies: ArtefactStore, job_id: str) -> None:
        super().__init__(store.root_url)
        self._copies = copies
        self._stored = store.keys(folder_of(job_id))
        self._job_id = job_id

    def exists(self, key: str) -> bool:
        return self._copies.exists(key) or (self._may_be_stored(key) and super().exists(key))

    def open(self, key: str, *, ahead: bool = True) -> BinaryIO:
        return (self._copies if self._is_near(key) else super()).open(key, ahead=ahead)

    def read(self, key: str) -> bytes:
        return self._copies.read(key) if self._is_near(key) else super().read(key)

    def local_path(self, key: str) -> Path | None:
        return self._copies.local_path(key)

    @contextmanager
    def write(self, key: str) -> Generator[BinaryIO]:
        if key.endswith("/artefact"):
            self._stored.add(key)
            with super().write(key) as stream:
                yield stream
            return
        with self._copies.write(key) as stream:
            yield stream
        if f"/{FOLDER}/" not in key:
            self._stored.add(key)
            with self._copies.open(key) as copy, super().write(key) as stored:
                shutil.copyfileobj(copy, stored, _COPY_BYTES)

    def delete(self, key: str) -> None:
        self._copies.delete(key)
        if key in self._stored:
            super().delete(key)

    def delete_folder(self, key: str) -> None:
        self._copies.delete_folder(key)
        if any(stored.startswith(f"{key}/") for stored in self._stored):
            super().delete_folder(key)

    def _is_near(self, key: str) -> bool:
        return self._copies.exists(key) or not self._may_be_stored(key)

    def _may_be_stored(self, key: str) -> bool:
        mine = key.startswith(f"{folder_of(self._job_id)}/")
        return not mine or key in self._stored or key == decision.key(self._job_id)
