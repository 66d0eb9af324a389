"""What an operator should do about a failed job, by error code."""

from collections.abc import Mapping

_STEPS: Mapping[str, str] = {
    "all_items_failed": "errors.csv of the job has the reason for each entity (labels download JOB_ID --report errors)."
    " Correct them in the catalogue, and re-execute the run.",
    "another_step_failed": "See the step that failed first.",
    "cancelled": "Re-execute the run if the labels are needed after all.",
    "commit_contention": "Wait until imports and other exports have ended, and re-execute the run.",
    "does_not_fit": "Choose another sheet (labels templates lists them), or another symbology for it.",
    "empty_selection": "Check the filters, and whether the organisation's catalogue has been imported.",
    "internal_error": "Re-execute the run once. If it fails again, send the end of the service's log and the run's debug"
    " file to the maintainers of the service.",
    "stalled": "Check the machine's load, and whether its disk and storage answer. Then re-execute the run.",
    "stock_is_busy": "Wait until the organisation's other export has ended, or cancel it, and re-execute the run.",
    "storage_failed": "Free space or repair the storage: /readyz of the API says whether it works. Then re-execute the run.",
    "symbol_does_not_decode": "Re-execute the run once. If it fails again, send its debug file to the maintainers of the"
    " service: the checks of the asset name the symbol.",
    "too_many_pages": "Narrow the selection, and export in parts.",
    "unreadable_document": "Submit the export again. If another release wrote the document, start that release instead.",
    "worker_died": "Check whether the machine ran out of memory (see the kernel's log). Then re-execute the run.",
}

#: For errors of the request and of the catalogue, whose messages say what was found and what was expected.
_CORRECT = "Correct the value that the message names, in the request or in the catalogue, and submit the export again."


def next_step(code: str) -> str:
    """Return what to do about an error of this code, as sentences."""
    return _STEPS.get(code, _CORRECT)
