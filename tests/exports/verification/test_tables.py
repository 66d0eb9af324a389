"""The reports are read in blocks, whose borders do not show."""

import polars as pl
import pytest

from exports.artefacts import ArtefactStore
from exports.ports import Report
from exports.reports.csv_rows import csv_bytes
from exports.reports.files import COLUMNS, head, key
from exports.verification import tables
from exports.verification.findings import CountsDisagree

JOB = "22222222222222222222Ab"


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BLOCK_BYTES", 1_000)


def report(store: ArtefactStore, which: Report, numbers: list[int | None]) -> None:
    rows = pl.DataFrame({"row": numbers}, schema={"row": pl.Int64})
    cells = [name if name == "row" else pl.lit(f"{name}, 'x'").alias(name) for name in COLUMNS[which]]
    with store.write(key(JOB, which)) as out:
        out.write(head(which) + csv_bytes(rows.select(cells)))


@pytest.mark.parametrize("each", [1, 2])
def test_rows_in_order_are_counted_and_the_sampled_ones_kept(store: ArtefactStore, each: int) -> None:
    report(store, Report.MANIFEST, [number for number in range(1, 101) for _ in range(each)])
    report(store, Report.ERRORS, [101, 103, None, None])
    found = tables.read(JOB, store, [1, 57, 100, 103], each)
    assert (found.symbols, found.errors, found.failed_rows.tolist()) == (100 * each, 4, [101, 103])
    assert {number: len(rows) for number, rows in found.drawn.items()} == {1: each, 57: each, 100: each}
    assert found.drawn[57][0]["payload"] == "payload, 'x'"
    assert found.failed[103]["row"] == "103"


@pytest.mark.parametrize("place", range(2, 60, 3))
@pytest.mark.parametrize("each", [1, 2])
def test_a_row_out_of_order_is_found_wherever_it_is(store: ArtefactStore, each: int, place: int) -> None:
    numbers: list[int | None] = [number for number in range(1, 41) for _ in range(each)]
    numbers[place % len(numbers)] = 1
    report(store, Report.MANIFEST, numbers)
    with pytest.raises(CountsDisagree, match="out of order"):
        tables.read(JOB, store, [], each)


def test_a_failed_row_twice_is_found(store: ArtefactStore) -> None:
    report(store, Report.MANIFEST, [1])
    report(store, Report.ERRORS, [*range(2, 50), 49])
    with pytest.raises(CountsDisagree, match="out of order"):
        tables.read(JOB, store, [], 1)
