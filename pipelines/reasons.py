"""Why an export failed and what to do: as tags of its run, and as the failure event on the run's page."""

import dagster as dg

from exports.next_steps import next_step
from gs1.errors import LabelError
from pipelines import tags

_INTERNAL = "internal_error"


def tags_of(error: Exception) -> dict[str, str]:
    """Return the tags of a run that ends with this error. Only the message of a LabelError is shown to the client."""
    reason = {tags.ERROR_CODE: _code(error), tags.NEXT_STEP: next_step(_code(error))}
    return reason | {tags.ERROR: str(error)} if isinstance(error, LabelError) else reason


def sentences(error: Exception) -> str:
    """Return the error message and the next step, for operators."""
    told = str(error) or type(error).__name__
    return f"{told.rstrip('.')}. {next_step(_code(error))}"


def failure(error: Exception, job_id: str) -> dg.Failure:
    """Return the exception that ends a step of the job at once."""
    more = {"job": job_id, "code": _code(error)}
    return dg.Failure(sentences(error), metadata=more, allow_retries=False)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, LabelError) else _INTERNAL
