"""A server that all machines need fails while jobs are running. The jobs end as if nothing had happened.

Clients see no error except 503 with Retry-After. A proxy in front of the object store makes it fail.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from tests.distributed.fault_proxy import FaultProxy, fault_proxy
from tests.distributed.machines import Machine, machines
from tests.distributed.patience import PatientExports
from tests.distributed.stores import Shared
from tests.faults import FULL, digest, serials_of
from tests.service import EXPORTS

GTIN, SMALL_GTIN = "09506000134352", "00012345678905"
ENTITIES = {GTIN: 30_000, SMALL_GTIN: 20}
#: The first is queued and executed on the daemon's machine, the second by the façade's warm worker while its client
#: waits.
JOB, SMALL_JOB = (serials_of(gtin) for gtin in ENTITIES)
OUTAGE_SECONDS = 20.0

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


class Stage:
    """A façade on one machine, code server and daemon on another; the object store behind a proxy."""

    def __init__(
        self, shared: Shared, proxy: FaultProxy, storage: str, facade: Machine, hub: Machine
    ) -> None:
        self.shared, self.proxy, self.storage = shared, proxy, storage
        self.facade, self.hub = facade, hub
        self.key = ""

    @contextmanager
    def client(self) -> Generator[PatientExports]:
        url = self.facade.running["facade"].url
        with PatientExports(
            httpx.Client(base_url=url, headers={"X-API-Key": self.key}, timeout=120)
        ) as client:
            yield client

    def printed(self, *job_ids: str) -> Counter[tuple[str, str]]:
        """Count the PRINTED events of these jobs by job and entity."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.shared.object_store.environment().items():
                patch.setenv(name, value)
            events, _ = lifecycle.history(Catalogue(f"{self.storage}/catalogue"), "acme", limit=10_000_000)
        mine = events.filter(events["job_id"].is_in(job_ids))
        return Counter(mine.select("job_id", "entity_id").iter_rows())


@pytest.fixture(scope="module")
def stage(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("faults")
    with fault_proxy(shared.object_store.port) as proxy:
        settings = shared.settings(proxy.port) | {
            "LABELS_WARM_WORKERS": "1",
            "LABELS_SYNC_THRESHOLD": "1000",
            "LABELS_RATE_PER_MINUTE": "100000",
            "LABELS_RATE_PER_DAY": "1000000",
        }
        with machines(folder, settings, "facade", "hub") as (facade, hub):
            made = Stage(shared, proxy, settings["LABELS_STORAGE_URL"], facade, hub)
            hub.labels("org", "create", "acme")
            made.key = hub.labels("keys", "create", "--org", "acme").splitlines()[-1]
            _import(hub, folder)
            code = hub.start("code-server")
            settings["LABELS_CODE_SERVER"] = f"127.0.0.1:{code.ports[0]}"
            hub.start("daemon")
            facade.await_health(facade.start("facade"))
            yield made


def _import(machine: Machine, folder: Path) -> None:
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text("gtin,name\n" + "".join(f"{gtin},Some product\n" for gtin in ENTITIES))
    lines = (f"{gtin},{number:07d}\n" for gtin, count in ENTITIES.items() for number in range(count))
    serials.write_text("gtin,serial_number\n" + "".join(lines))
    machine.labels("import", "--org", "acme", "--products", str(products), "--serials", str(serials))


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> Mapping[str, str]:
    """Return the digests of both jobs without faults."""
    with stage.client() as client:
        ended = {name: client.finish(client.submit(body)) for name, body in BODIES.items()}
        assert {status["status"] for status in ended.values()} == {"completed"}, ended
        return {name: digest(client, status) for name, status in ended.items()}


BODIES = {"queued": JOB, "small": SMALL_JOB}


@contextmanager
def _for_a_while(begin: Callable[[], None], end: Callable[[], None]) -> Generator[float]:
    begin()
    try:
        yield OUTAGE_SECONDS
    finally:
        end()


@contextmanager
def _at_once(happen: Callable[[], None]) -> Generator[float]:
    happen()
    yield 0.0


FAULTS: Mapping[str, Callable[[Stage], Any]] = {
    "Postgres restarted": lambda stage: _at_once(stage.shared.postgres.restart),
    "Redis emptied": lambda stage: _at_once(stage.shared.redis.empty),
    "Redis restarted": lambda stage: _at_once(stage.shared.redis.restart),
    "object store gone": lambda stage: _for_a_while(stage.proxy.vanish, stage.proxy.forward),
    "object store refuses": lambda stage: _for_a_while(lambda: stage.proxy.refuse(30), stage.proxy.forward),
    "object store slow": lambda stage: _for_a_while(lambda: stage.proxy.delay(2.0), stage.proxy.forward),
}


#: Faults of an ordinary test run. LABELS_TEST_FULL=1 runs all.
ORDINARY = {"Postgres restarted", "object store gone"}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault in ORDINARY else FULL) for fault in FAULTS]
)
def test_jobs_end_as_if_nothing_had_happened(
    stage: Stage, undisturbed: Mapping[str, str], fault: str
) -> None:
    """One job is running, and small ones are submitted until the fault has passed."""
    over = Event()
    with stage.client() as client, stage.client() as other, ThreadPoolExecutor(1) as pool:
        receipt = client.submit(JOB)
        while not client.poll(receipt)["total_items"]:
            pass
        with FAULTS[fault](stage) as seconds:
            small = pool.submit(_keep_submitting, other, over)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                client.poll(receipt)
        over.set()
        receipts = small.result(240)
        ended = [client.finish(each, 240) for each in (receipt, *receipts)]
        answers = client.answers + other.answers
        assert {status["status"] for status in ended} == {"completed"}, ended
        assert [digest(client, status) for status in ended] == [
            undisturbed["queued"],
            *(undisturbed["small"] for _ in receipts),
        ]
        for status in ended:
            assert status["processed_items"] + status["failed_items"] == status["total_items"]
    assert set(answers) <= {200, 202, 503}, answers
    printed = stage.printed(*(status["job_id"] for status in ended))
    assert printed.total() == ENTITIES[GTIN] + len(receipts) * ENTITIES[SMALL_GTIN]
    assert set(printed.values()) == {1}


def _keep_submitting(client: PatientExports, over: Event) -> list[dict[str, Any]]:
    receipts: list[dict[str, Any]] = []
    while not receipts or not over.is_set():
        key = {"Idempotency-Key": str(uuid.uuid4())}
        answer = client.send("POST", EXPORTS, json=SMALL_JOB, headers=key)
        assert answer.status_code == 202, answer.text
        receipts.append(answer.json())
    return receipts
