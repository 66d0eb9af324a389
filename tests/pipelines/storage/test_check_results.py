"""The results of asset checks are removed by age, however many there are."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import select, update

from pipelines.storage import check_results
from pipelines.storage.dagster_storage import AssetCheckExecutionsTable, SqlEventLogStorage

NOW = datetime.now(UTC)
RESULTS = AssetCheckExecutionsTable.c


def report(dagster: dg.DagsterInstance, ages: list[timedelta]) -> SqlEventLogStorage:
    """Report a result of each of these ages."""
    storage = dagster.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    for number, age in enumerate(ages, 1):
        dagster.report_runless_asset_event(
            dg.AssetCheckEvaluation(check_name="decodes", passed=True, asset_key=dg.AssetKey("labels"))
        )
        created = (NOW - age).replace(tzinfo=None)
        with storage.index_connection() as connection:
            moved = update(AssetCheckExecutionsTable).where(RESULTS.id == number)
            connection.execute(moved.values(create_timestamp=created))
    return storage


@pytest.mark.parametrize("old", [0, 1, 2, 3, 4, 5])
def test_what_is_old_goes_and_the_rest_stays(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, old: int
) -> None:
    monkeypatch.setattr(check_results, "_AT_ONCE", 2)
    day = timedelta(days=1)
    storage = report(dagster, [3 * day] * old + [day] * 3)
    assert check_results.forget(dagster, NOW - 2 * day) == old
    with storage.index_connection() as connection:
        kept = list(connection.scalars(select(RESULTS.create_timestamp)))
    assert kept == [(NOW - day).replace(tzinfo=None)] * 3
