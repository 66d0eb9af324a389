"""What to do about a job that has failed."""

import pytest

from catalogue.errors import CommitContention
from exports import errors
from exports.next_steps import _CORRECT, _STEPS, next_step
from gs1.errors import LabelError

#: The errors that end a job and are no fault of its request.
ENDS = (
    CommitContention,
    errors.AllItemsFailed,
    errors.EmptySelection,
    errors.ExportCancelled,
    errors.Stalled,
    errors.StockIsBusy,
    errors.StorageFailed,
    errors.SymbolDoesNotDecode,
    errors.TooManyPages,
    errors.UnreadableDocument,
    errors.WorkerDied,
)


@pytest.mark.parametrize("error", ENDS)
def test_an_error_that_ends_a_job_has_its_own_step(error: type[LabelError]) -> None:
    assert next_step(error.code) != _CORRECT


def test_others_are_corrected() -> None:
    assert next_step("unknown_template") == _CORRECT


def test_every_step_belongs_to_an_error() -> None:
    codes = {kind.code for kind in _below(LabelError)}
    assert _STEPS.keys() - codes <= {"another_step_failed", "internal_error"}, "those of the pipelines"


def _below(kind: type[LabelError]) -> list[type[LabelError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _below(child))]
