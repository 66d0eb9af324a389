"""Why an export failed and what to do: as tags of its run, and as the failure event on the run's page."""

import dagster as dg

from exports.errors import StorageFailed
from exports.next_steps import next_step
from exports.storage.failures import storage_words
from gs1.errors import LabelError
from pipelines import tags

_INTERNAL = "internal_error"


def final(error: Exception, makes: str) -> Exception:
    """Return the error with which the job fails: StorageFailed for a storage error, otherwise the error itself.

    `makes` names in the client's message what could not be stored or read.
    """
    words = storage_words(error)
    return error if isinstance(error, LabelError) or words is None else StorageFailed(makes, words)


def tags_of(error: Exception) -> dict[str, str]:
    """Return the tags of a run that ends with this error. Only the message of a LabelError is shown to the client."""
    reason = {tags.ERROR_CODE: _code(error), tags.NEXT_STEP: next_step(_code(error))}
    return reason | {tags.ERROR: str(error)} if isinstance(error, LabelError) else reason


def sentences(error: Exception) -> str:
    """Return the error message and the next step, for operators."""
    message = str(error) or type(error).__name__
    return f"{message.rstrip('.')}. {next_step(_code(error))}"


def failure(error: Exception, job_id: str) -> dg.Failure:
    """Return the exception that ends a step of the job at once."""
    more = {"job": job_id, "code": _code(error)}
    return dg.Failure(sentences(error), metadata=more, allow_retries=False)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, LabelError) else _INTERNAL
