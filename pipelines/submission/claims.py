"""Idempotency keys: the run that a key stands for, and the claim to answer for it, as two at once must not make two jobs."""

import logging
import uuid
from collections.abc import Generator
from contextlib import contextmanager

from accounts.store import Accounts
from exports.errors import StillInFlight
from exports.ports import ANSWER_SECONDS

log = logging.getLogger(__name__)

#: Longer than an answer takes. A façade that dies holds a key's claim for so long.
_CLAIM_SECONDS = 3 * ANSWER_SECONDS


def run_id_of(namespace: uuid.UUID, organisation: str, key: str | None) -> str:
    """Return the id of the run that the organisation's key stands for, a new one without a key."""
    if key is None:
        return str(uuid.uuid4())
    # A slug holds no line feed, so different pairs have different names.
    return str(uuid.uuid5(namespace, f"{organisation}\n{key}"))


@contextmanager
def answering(accounts: Accounts, run_id: str, key: str) -> Generator[None]:
    """Hold the claim to answer for the run. Raises StillInFlight if another request with the key has it."""
    claim, holder = f"answer:{run_id}", str(uuid.uuid4())
    if not accounts.acquire_lease(claim, holder, _CLAIM_SECONDS):
        raise StillInFlight(key)
    try:
        yield
    finally:
        try:
            accounts.release_lease(claim, holder)
        except Exception:
            # It expires. The job may have started, so the answer must not be an error.
            log.exception("the claim on run %s cannot be released", run_id)
