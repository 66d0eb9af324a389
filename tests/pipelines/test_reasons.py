"""What a failed run says: to clients in tags, to operators in its events."""

import pytest

from exports.errors import ExportCancelled, StockIsBusy
from exports.next_steps import next_step
from pipelines import reasons, tags

BUSY = "Another export of stock due for printing is still running for acme."


def test_an_error_of_ours_is_told_to_clients() -> None:
    assert reasons.tags_of(StockIsBusy("acme")) == {
        tags.ERROR_CODE: "stock_is_busy",
        tags.ERROR: BUSY,
        tags.NEXT_STEP: next_step("stock_is_busy"),
    }


def test_the_message_of_another_error_is_not() -> None:
    assert reasons.tags_of(OSError("/srv/labels is full")) == {
        tags.ERROR_CODE: "internal_error",
        tags.NEXT_STEP: next_step("internal_error"),
    }


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StockIsBusy("acme"), f"{BUSY} {next_step('stock_is_busy')}"),
        (ExportCancelled(), f"cancelled. {next_step('cancelled')}"),
        (OSError("/srv/labels is full"), f"/srv/labels is full. {next_step('internal_error')}"),
        (KeyError(), f"KeyError. {next_step('internal_error')}"),
    ],
)
def test_operators_read_what_to_do(error: Exception, told: str) -> None:
    failure = reasons.failure(error, "22222222222222222222Ab")
    assert failure.description == told
    assert not failure.allow_retries
    assert failure.metadata["job"].value == "22222222222222222222Ab"
