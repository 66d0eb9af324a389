"""Check the property of the store that jobs rely on: if several writers create an object, one succeeds."""

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor

from exports.artefacts import ArtefactStore
from exports.errors import ExportError
from exports.storage.failures import storage_words

_LOG = logging.getLogger(__name__)

_CREATORS = 4


class UnfitStorage(ExportError):
    """The storage lets several writers create the same object, so jobs cannot use it."""

    code = "unfit_storage"


def fault(store: ArtefactStore) -> str | None:
    """Return why jobs cannot use the store, or None if they can.

    Several threads create an object at once, and another one creates it when it exists. Raises OSError or the storage
    driver's error if the store does not answer.
    """
    key = f"health/probe-{uuid.uuid4().hex}"

    def create(creator: int) -> bool:
        return store.create(key, b"%d" % creator)

    try:
        with ThreadPoolExecutor(_CREATORS) as pool:
            winners = sum(pool.map(create, range(_CREATORS))) + create(_CREATORS)
    finally:
        store.delete(key)
    if winners == 1:
        return None
    return (
        f"The storage {store.root_url} let {winners} of {_CREATORS + 1} writers create one object, where one must"
        " succeed and the others be refused. A job could be published and cancelled at once. Set LABELS_STORAGE_URL to"
        " a folder, or to a server that honours `If-None-Match: *` when an object is put, as Amazon S3 and SeaweedFS do."
    )


def require_fit(store: ArtefactStore) -> None:
    """Raise UnfitStorage if jobs cannot use the store. If it does not answer, only log that: it may recover."""
    try:
        found = fault(store)
    except Exception as error:
        words = storage_words(error)
        if words is None:
            raise
        _LOG.error("The storage %s does not answer: %s", store.root_url, words)
        return
    if found is not None:
        raise UnfitStorage(found)
