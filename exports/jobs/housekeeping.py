"""Remove expired jobs from the artefact store. The catalogue keeps their print history.

A running download is not interrupted: on a POSIX file system, an open file can be read to its end after it is removed,
and an object store completes a response that it has begun. Later requests get 404.
"""

import posixpath
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime

from catalogue.storage.object_stores import open_store
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of


def remove(job_id: str, store: ArtefactStore) -> None:
    """Remove the job's folder. No error if it is absent. The job's run must be removed first."""
    store.delete_folder(folder_of(job_id))


def left_over(
    store: ArtefactStore,
    jobs: Collection[str],
    before: datetime,
    folder_of: Callable[[str], str] = folder_of,
) -> Iterator[str]:
    """Yield the ids of folders that belong to no job in `jobs` and were last changed before `before`.

    They belong to partly removed jobs, or to requests that never became a job. A newer folder may belong to a job that
    is just being created, because the request is stored before the run. `folder_of` returns the folder of an id; the
    default is for label exports.
    """
    fs, root = open_store(store.root_url)
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
