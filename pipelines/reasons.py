"""How a failed export says why, and what to do: in the tags of its run, and in the event that the run's page shows."""

import dagster as dg

from exports.next_steps import next_step
from gs1.errors import LabelError
from pipelines import tags

_INTERNAL = "internal_error"


def tags_of(error: Exception) -> dict[str, str]:
    """Return the tags of a run that ends with this error. The client is told the message of a LabelError only."""
    reason = {tags.ERROR_CODE: _code(error), tags.NEXT_STEP: next_step(_code(error))}
    return reason | {tags.ERROR: str(error)} if isinstance(error, LabelError) else reason


def sentences(error: Exception) -> str:
    """Return the error and what to do about it, for operators."""
    told = str(error) or type(error).__name__
    return f"{told.rstrip('.')}. {next_step(_code(error))}"


def failure(error: Exception, job_id: str) -> dg.Failure:
    """Return the exception that ends a step of the job at once."""
    more = {"job": job_id, "code": _code(error)}
    return dg.Failure(sentences(error), metadata=more, allow_retries=False)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, LabelError) else _INTERNAL
