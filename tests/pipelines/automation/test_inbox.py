"""Files dropped into an inbox are imported once, in order, and moved."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from accounts.store import Accounts
from catalogue.queries.selected import count
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from pipelines import tags
from pipelines.automation.inbox import INBOX_JOB, due, inbox_job, inbox_of, inbox_sensor

FILES = {
    "serials-monday.csv": "gtin,serial_number\n9506000134352,S1\n9506000134352,S2\n",
    "products.csv": "gtin,name\n9506000134352,Tea\n",
    "lots.csv": "gtin,lot_number\n9506000134352,L1\n9506000134353,L2\n",
    "prices.csv": "gtin,price\n1,2\n",
    "notes.txt": "not for us",
}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, object]:
    accounts = Accounts(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    accounts.create_organisation("acme")
    for organisation in ("acme", "stranger"):
        folder = tmp_path / "inbox" / organisation
        folder.mkdir(parents=True)
        for name, text in FILES.items():
            (folder / name).write_text(text)
    return {
        "catalogue": Catalogue(str(tmp_path / "catalogue")),
        "artefacts": ArtefactStore(str(tmp_path)),
        "accounts": accounts,
    }


def look(
    instance: dg.DagsterInstance, resources: dict[str, object], cursor: str | None
) -> tuple[list[dg.RunRequest], str | None]:
    asked = {name: resources[name] for name in ("artefacts", "accounts")}
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources=asked)
    data = inbox_sensor.evaluate_tick(context)
    return list(data.run_requests or ()), data.cursor


def test_dropped_files_are_imported_once(
    tmp_path: Path, instance: dg.DagsterInstance, resources: dict[str, object]
) -> None:
    requests, cursor = look(instance, resources, None)
    assert requests == [], "they may still be written"
    (request,), cursor = look(instance, resources, cursor)
    assert request.tags[tags.INBOX] == "acme", "a folder of nobody's is left alone"

    done = inbox_job.execute_in_process(
        run_config=request.run_config,
        instance=instance,
        resources={name: resources[name] for name in ("catalogue", "artefacts")},
    )

    assert done.success
    told = [event.asset_key.path for event in done.all_events if event.is_step_materialization]
    assert told == [["catalogue", "products"], ["catalogue", "lots"], ["catalogue", "serials"]]
    catalogue = Catalogue(str(tmp_path / "catalogue"))
    assert [count(catalogue, Selection("acme", scope)) for scope in Scope] == [1, 1, 2]
    inbox = tmp_path / "inbox" / "acme"
    assert {path.name for path in inbox.iterdir()} == {"processing", "done", "rejected"}
    assert list((inbox / "processing").iterdir()) == []
    assert {path.name.split(".")[0] for path in (inbox / "done").iterdir()} == {"products", "serials-monday"}
    rejected = {path.name.split(".")[0]: path for path in (inbox / "rejected").glob("*.rejects.csv")}
    assert set(rejected) == {"lots"}
    assert pl.read_csv(rejected["lots"], infer_schema=False)["row"].to_list() == ["3"]
    reasons = {
        path.name.split(".")[0]: path.read_text() for path in (inbox / "rejected").glob("*.reason.txt")
    }
    assert set(reasons) == {"prices", "notes"}
    assert "a name that begins with catalogue, products" in reasons["prices"]
    assert len(list((inbox / "rejected").glob("lots*.refused.csv"))) == 1
    assert len(list((inbox / "rejected").iterdir())) == 7

    assert look(instance, resources, cursor)[0] == []


def test_a_file_waits_for_its_organisations_run(
    resources: dict[str, object], instance: dg.DagsterInstance
) -> None:
    _, cursor = look(instance, resources, None)
    run = instance.create_run_for_job(
        inbox_job, status=dg.DagsterRunStatus.STARTED, tags={tags.INBOX: "acme"},
        run_config={"ops": {"import_arrivals": {"config": {"organisation": "acme", "names": [], "fingerprints": []}}}},
    )  # fmt: skip
    assert run.job_name == INBOX_JOB
    requests, cursor = look(instance, resources, cursor)
    assert requests == []
    instance.delete_run(run.run_id)
    assert len(look(instance, resources, cursor)[0]) == 1


def test_a_changed_file_waits_for_the_next_look(tmp_path: Path, resources: dict[str, object]) -> None:
    store = resources["artefacts"]
    assert isinstance(store, ArtefactStore)
    inbox = inbox_of(store)
    before = inbox.arrivals("acme")
    last_time = {arrival.fingerprint for arrival in before}
    assert due(before, last_time, {"acme"}) == {}
    path = tmp_path / "inbox" / "acme" / "products.csv"
    path.write_text(path.read_text() + "\n")
    now = inbox.arrivals("acme")
    (changed,) = {arrival.fingerprint for arrival in now} - last_time
    found = due(now, last_time, set())
    assert changed not in found["acme"]
    assert len(found["acme"]) == len(before) - 1
    assert changed in due(now, last_time | {changed}, set())["acme"]


def test_what_a_killed_run_claimed_is_taken_up(
    tmp_path: Path, instance: dg.DagsterInstance, resources: dict[str, object]
) -> None:
    store, catalogue = resources["artefacts"], resources["catalogue"]
    assert isinstance(store, ArtefactStore)
    assert isinstance(catalogue, Catalogue)
    inbox = inbox_of(store)
    fingerprints = [arrival.fingerprint for arrival in inbox.arrivals("acme")]
    # The first file is imported, and the process is gone: what it claimed lies in processing/.
    next(iter(inbox.take("acme", fingerprints, catalogue)))
    assert len(list((tmp_path / "inbox" / "acme" / "processing").iterdir())) == len(FILES) - 1

    _, cursor = look(instance, resources, None)
    (request,), _ = look(instance, resources, cursor)
    done = inbox_job.execute_in_process(
        run_config=request.run_config,
        instance=instance,
        resources={name: resources[name] for name in ("catalogue", "artefacts")},
    )

    assert done.success
    assert [count(catalogue, Selection("acme", scope)) for scope in Scope] == [1, 1, 2]
    assert inbox.arrivals("acme") == []


def test_the_inbox_of_a_suspended_organisation_waits(
    instance: dg.DagsterInstance, resources: dict[str, object]
) -> None:
    accounts = resources["accounts"]
    accounts.create_organisation("stranger")
    accounts.suspend("acme")
    _, cursor = look(instance, resources, None)
    requests, cursor = look(instance, resources, cursor)
    assert [request.tags[tags.INBOX] for request in requests] == ["stranger"]
    accounts.resume("acme")
    _, cursor = look(instance, resources, cursor)
    requests, _ = look(instance, resources, cursor)
    # Nothing ran here, so the other organisation's files are still there too.
    assert {request.tags[tags.INBOX] for request in requests} == {"acme", "stranger"}
