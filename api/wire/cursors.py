"""Cursors of lists: opaque texts that stand for a job's place in the list of its organisation's jobs."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from pydantic_core import PydanticCustomError

from exports.errors import LabelError
from exports.jobs.job_id import run_id_for
from exports.ports import JobPosition

#: The alphabet of cursors: base64url without padding (RFC 4648, 5).
PATTERN = "^[A-Za-z0-9_-]{1,64}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def of(position: JobPosition) -> str:
    """Return the cursor of the position."""
    text = f"{(position.created_at - _EPOCH) // _MICROSECOND}.{position.job_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor: object) -> JobPosition:
    """Return the position of the cursor. Raises PydanticCustomError unless `of` returned it."""
    text = str(cursor)
    try:
        created, _, job_id = (
            base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode().partition(".")
        )
        run_id_for(job_id)
        found = JobPosition(_EPOCH + int(created) * _MICROSECOND, job_id)
    except (binascii.Error, ValueError, OverflowError, LabelError) as error:
        raise PydanticCustomError("cursor", "Input should be the `next_after` of an earlier page") from error
    if of(found) != text:
        raise PydanticCustomError("cursor", "Input should be the `next_after` of an earlier page")
    return found
