"""Exclusive creation of objects in an object store."""

from collections.abc import Mapping
from typing import Any

#: S3's error codes for an object that exists, and for one that another request is writing or removing. Source: Amazon
#: S3 API Reference, PutObject, and User Guide, "How to prevent object overwrites".
_EXISTS, _CONFLICT = "PreconditionFailed", "ConditionalRequestConflict"

#: Attempts to create an object that others are writing or removing.
_ATTEMPTS = 10


def create(files: Any, path: str, data: bytes) -> bool:
    """Create the object exclusively. Return True to the one writer that created it, False to all others.

    Raises OSError, or the error of the storage's driver.
    """
    for _ in range(_ATTEMPTS):
        try:
            files.pipe_file(path, data, mode="create")
        except Exception as error:
            refusal = _refusal(error)
            if refusal is None:
                raise
            if refusal is not _CONFLICT and not _was_repeated(error):
                return False
            # An earlier request of ours may have created the object and its answer was lost. Or it was removed again.
            try:
                return bytes(files.cat_file(path)) == data
            except FileNotFoundError:
                continue
        else:
            return True
    raise BlockingIOError(f"{path} is being written and removed by others")


def _refusal(error: Exception) -> str | None:
    """Return the code with which the store refused the creation, or None for another error.

    s3fs has its own exception for only one of the answers by which servers report that an object exists.
    """
    if isinstance(error, FileExistsError):
        return _EXISTS
    code = _answer(error).get("Error", {}).get("Code")
    return next((refusal for refusal in (_EXISTS, _CONFLICT) if refusal == code), None)


def _was_repeated(error: Exception) -> bool:
    """Return whether the driver sent the request more than once."""
    return bool(_answer(error).get("ResponseMetadata", {}).get("RetryAttempts"))


def _answer(error: Exception) -> Mapping[str, Any]:
    """Return S3's answer from botocore's error."""
    answers = (getattr(each, "response", None) for each in (error, error.__cause__))
    return next((answer for answer in answers if isinstance(answer, Mapping)), {})
