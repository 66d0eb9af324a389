"""The daily upkeep of the catalogue, as Dagster runs it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from accounts.store import Accounts
from catalogue import maintenance
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import Printing, record_printed
from catalogue.maintenance import LEAST_RETENTION
from catalogue.queries.selected import count, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from pipelines.automation.maintenance import (
    catalogue_maintenance_job,
    lease,
    retention,
    small_files_sensor,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PRODUCTS = Selection("acme", Scope.PRODUCTS)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_small_files_are_joined(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    catalogue = Catalogue(str(tmp_path / "catalogue"))
    accounts = Accounts(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    products = tmp_path / "products.csv"
    products.write_text("gtin,name\n09506000134352,Tea\n")
    import_files(catalogue, "acme", products=products, rejects_dir=tmp_path)
    for number in range(16):
        record_printed(catalogue, "acme", Printing(str(number), NOW), resolve(catalogue, PRODUCTS))
    assert len(catalogue.files("acme")["lifecycle_events"]) == 16
    resources = {"catalogue": catalogue, "accounts": accounts}

    result = catalogue_maintenance_job.execute_in_process(instance=instance, resources=resources)

    assert result.success
    assert len(catalogue.files("acme")["lifecycle_events"]) == 1
    assert count(catalogue, PRODUCTS) == 1
    assert accounts.acquire_lease("compact:lifecycle_events:acme", "somebody else", 60), "it is free again"


def test_an_upkeep_starts_where_small_files_are_many(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MANY_FILES", 3)
    catalogue = Catalogue(str(tmp_path / "catalogue"))
    products = tmp_path / "products.csv"
    products.write_text("gtin,name\n09506000134352,Tea\n")
    for organisation in ("acme", "other"):
        import_files(catalogue, organisation, products=products, rejects_dir=tmp_path)

    def look() -> int:
        context = dg.build_sensor_context(instance=instance, resources={"catalogue": catalogue})
        return len(small_files_sensor.evaluate_tick(context).run_requests or ())

    def record(organisation: str, job_id: str) -> None:
        rows = resolve(catalogue, Selection(organisation, Scope.PRODUCTS))
        record_printed(catalogue, organisation, Printing(job_id, NOW), rows)

    for number in range(2):
        record("acme", f"acme-{number}")
        record("other", f"other-{number}")
    assert look() == 0, "two organisations' files do not add up"
    record("acme", "acme-2")
    assert look() == 1
    run = instance.create_run_for_job(catalogue_maintenance_job, status=dg.DagsterRunStatus.STARTED)
    assert look() == 0, "one at a time"
    instance.delete_run(run.run_id)
    assert look() == 1


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    accounts = Accounts(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    with lease(accounts, "one")("name") as first, lease(accounts, "two")("name") as second:
        assert (first, second) == (True, False)
    with lease(accounts, "two")("name") as again:
        assert again


def test_what_a_running_job_pinned_is_kept(instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    assert retention(instance, now) == LEAST_RETENTION
    instance.create_run_for_job(catalogue_maintenance_job, status=dg.DagsterRunStatus.STARTED)
    assert retention(instance, now) == LEAST_RETENTION
    assert retention(instance, now + timedelta(days=9)) > timedelta(days=9, hours=23)
