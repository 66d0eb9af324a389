"""What jobs keep in the store goes when its time is over; what was printed stays known, in the catalogue.

A download in flight is not cut: on a POSIX file system a file that was opened can be read to its end after it is
removed, and an object store finishes an answer it has begun. A later request finds the job gone, with its run.
"""

import posixpath
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from fsspec.core import url_to_fs

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of


def remove(job_id: str, store: ArtefactStore) -> None:
    """Remove all the job keeps in the store; nothing there is fine. Its run is to be gone before."""
    store.delete_folder(folder_of(job_id))


def left_over(store: ArtefactStore, jobs: Collection[str], before: datetime) -> Iterator[str]:
    """Yield the ids of folders that belong to none of the jobs, and in which nothing changed since `before`.

    They are of jobs removed by halves, or of requests that never became a job. A young one may be a job's that
    comes into being just now: its request is stored before its run.
    """
    fs, root = url_to_fs(store.root_url)
    home = posixpath.join(root, posixpath.dirname(folder_of("any")))
    if not fs.exists(home):
        return
    for entry in fs.ls(home, detail=True):
        job_id = posixpath.basename(entry["name"].rstrip("/"))
        if entry["type"] != "directory" or job_id in jobs:
            continue
        changed = [fs.modified(path) for path in fs.find(entry["name"]) or [entry["name"]]]
        if max(moment.astimezone(UTC) for moment in changed) < before:
            yield job_id
