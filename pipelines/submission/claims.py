"""Idempotency keys: the run id of a key, and a lock so that two requests at once do not make two jobs."""

import logging
import uuid
from collections.abc import Generator
from contextlib import contextmanager

from accounts.store import Accounts
from exports.errors import StillInFlight
from exports.ports import ANSWER_SECONDS

log = logging.getLogger(__name__)

#: Longer than a response takes. If a façade dies, its claim on a key expires after this time.
_CLAIM_SECONDS = 3 * ANSWER_SECONDS


def run_id_of(namespace: uuid.UUID, organisation: str, key: str | None) -> str:
    """Return the run id derived from the organisation and its key, or a random one without a key."""
    if key is None:
        return str(uuid.uuid4())
    # A slug has no line feed, so different pairs have different names.
    return str(uuid.uuid5(namespace, f"{organisation}\n{key}"))


@contextmanager
def answering(accounts: Accounts, run_id: str, key: str) -> Generator[None]:
    """Hold the claim on the run for the block. Raises StillInFlight if another request with the key holds it."""
    claim, holder = f"answer:{run_id}", str(uuid.uuid4())
    if not accounts.acquire_lease(claim, holder, _CLAIM_SECONDS):
        raise StillInFlight(key)
    try:
        yield
    finally:
        try:
            accounts.release_lease(claim, holder)
        except Exception:
            # The claim expires. The job may have started, so the response must not be an error.
            log.exception("the claim on run %s cannot be released", run_id)
