"""The whole service from outside, without its modules: the command, HTTP, files on disk, signals."""

import io
import os
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import LOTS, PRODUCTS, SERIALS_OF_A_LOT, SYNC_THRESHOLD, Shop, open_shop
from tests.decoding import Reading, read_archive
from tests.service import (
    EXPORTS,
    Exports,
    Service,
    create_organisation,
    environment,
    free_ports,
    labels,
    processes_of,
    running_service,
    survivors,
)
from tests.service import LABELS as LABELS_COMMAND

pytestmark = pytest.mark.service

RESOLVER = "https://id.gs1.org"
HISTORY = "/products/api/v1/labels/print-history/"
LOTS_QR = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
SERIALS_DATAMATRIX = {"scope": "serials", "export_type": "datamatrix", "file_format": "png"}

EXPECTED_LOTS_QR = Counter(
    ("]Q1", f"{RESOLVER}/01/{gtin}{link}".encode()) for gtin, *_, link, _ in LOTS if link
)
EXPECTED_LOTS_DATAMATRIX = Counter(
    ("]d2", f"01{gtin}{message}".encode()) for gtin, *_, message in LOTS if message
)
EXPECTED_SERIALS_DATAMATRIX = Counter(
    [("]d2", f"01095060001343521727033110ABC123\x1d21S{n:04d}".encode()) for n in range(SERIALS_OF_A_LOT)]
    + [("]d2", b"010001234567890521no/lot")]
)
EXPECTED_SERIALS_QR = Counter(
    [
        ("]Q1", f"{RESOLVER}/01/09506000134352/10/ABC123/21/S{n:04d}?17=270331".encode())
        for n in range(SERIALS_OF_A_LOT)
    ]
    + [("]Q1", f"{RESOLVER}/01/00012345678905/21/no%2Flot".encode())]
)
EXPECTED_PRODUCTS_QR = Counter(
    ("]Q1", f"{RESOLVER}/01/{gtin}".encode()) for gtin, active, _ in PRODUCTS if active == "true"
)
EXPECTED_PRODUCTS_DATAMATRIX = Counter(
    ("]d2", f"01{gtin}".encode()) for gtin, active, _ in PRODUCTS if active == "true"
)


@pytest.fixture
def exports(service: Service, shop: Shop) -> Iterator[Exports]:
    with service.client(shop.key) as client:
        yield client


def readings(archive: bytes) -> Counter[Reading]:
    return Counter(reading for _, reading in read_archive(archive))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(LOTS_QR, EXPECTED_LOTS_QR, id="lots-qr-svg"),
        pytest.param(LOTS_QR | {"file_format": "png"}, EXPECTED_LOTS_QR, id="lots-qr-png"),
        pytest.param(
            LOTS_QR | {"export_type": "datamatrix"}, EXPECTED_LOTS_DATAMATRIX, id="lots-datamatrix-svg"
        ),
        pytest.param(
            {"scope": "products", "export_type": "qr_codes", "file_format": "png"},
            EXPECTED_PRODUCTS_QR,
            id="products-qr-png",
        ),
        pytest.param(
            {"scope": "products", "export_type": "datamatrix", "file_format": "svg"},
            EXPECTED_PRODUCTS_DATAMATRIX,
            id="products-datamatrix-svg",
        ),
    ],
)
def test_a_small_export_is_done_when_the_receipt_comes(
    exports: Exports, body: dict[str, Any], expected: Counter[Reading]
) -> None:
    assert expected.total() <= SYNC_THRESHOLD
    receipt = exports.submit(body)
    assert receipt["status"] == "completed"
    status = exports.poll(receipt)
    assert (status["status"], status["progress_percent"]) == ("completed", 100)
    assert status["total_items"] == status["processed_items"] == expected.total()
    archive = exports.download(status)
    assert len(archive) == status["file_size_bytes"]
    assert readings(archive) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(SERIALS_DATAMATRIX, EXPECTED_SERIALS_DATAMATRIX, id="serials-datamatrix-png"),
        pytest.param(LOTS_QR | {"scope": "serials"}, EXPECTED_SERIALS_QR, id="serials-qr-svg"),
    ],
)
def test_a_large_export_is_queued_and_completes(
    exports: Exports, body: dict[str, Any], expected: Counter[Reading]
) -> None:
    assert expected.total() > SYNC_THRESHOLD
    receipt = exports.submit(body)
    assert receipt["status"] == "pending"
    polls = list(exports.wait(receipt))
    percents = [poll["progress_percent"] for poll in polls]
    assert percents == sorted(percents)
    assert polls[-1]["status"] == "completed"
    assert polls[-1]["total_items"] == expected.total()
    assert readings(exports.download(polls[-1])) == expected


@pytest.mark.parametrize("body", [LOTS_QR, SERIALS_DATAMATRIX], ids=["small", "queued"])
def test_the_same_request_again_gives_the_same_bytes(exports: Exports, body: dict[str, Any]) -> None:
    first, second = exports.submit(body), exports.submit(body)
    assert first["job_id"] != second["job_id"]
    assert exports.download(exports.finish(first)) == exports.download(exports.finish(second))


def test_what_was_printed_is_not_never_printed(service: Service, tmp_path: Path) -> None:
    shop = open_shop(service.home, "prints-once", tmp_path)
    body = LOTS_QR | {"filters": {"never_printed": True}}
    with service.client(shop.key) as client:
        proof = client.finish(client.submit(body | {"asset_config": {"record_printed": False}}))
        assert proof["total_items"] == EXPECTED_LOTS_QR.total()
        first = client.finish(client.submit(body))
        assert (first["status"], first["total_items"]) == ("completed", EXPECTED_LOTS_QR.total())
        second = client.finish(client.submit(body))
        assert (second["status"], second["error_code"]) == ("failed", "empty_selection")
        assert second["error"]
        assert second["download_url"] is None


def test_a_correction_is_printed_once_more_and_rows_after_a_jam(service: Service, tmp_path: Path) -> None:
    shop = open_shop(service.home, "corrects", tmp_path)
    gtin = "09506000134352"
    changed = LOTS_QR | {"filters": {"changed_since_print": True}}
    with service.client(shop.key) as client:
        first = client.finish(client.submit(LOTS_QR))
        nothing = client.finish(client.submit(changed))
        assert (nothing["status"], nothing["error_code"]) == ("failed", "empty_selection")

        lots = tmp_path / "corrected.csv"
        lots.write_text(f"gtin,lot_number,expiration_date\n{gtin},ABC123,2028-12-24\n")
        labels(service.home, "import", "--org", "corrects", "--lots", str(lots))
        preview = client.send("POST", f"{EXPORTS}preview/", json=LOTS_QR).json()
        counts = [preview[f"{name}_items"] for name in ("never_printed", "changed", "unknown")]
        assert counts == [0, 1, 0]
        done = client.finish(client.submit(changed))
        expected = Counter([("]Q1", f"{RESOLVER}/01/{gtin}/10/ABC123?17=281224".encode())])
        assert readings(client.download(done)) == expected
        again = client.finish(client.submit(changed))
        assert (again["status"], again["error_code"]) == ("failed", "empty_selection")

        rows = {"reason": "jam", "rows": "2-3"}
        receipt = client.send("POST", f"{EXPORTS}{first['job_id']}/reprint/", json=rows).json()
        reprinted = client.finish(receipt)
        assert (reprinted["status"], reprinted["total_items"]) == ("completed", 2)
        beyond = client.http.post(f"{EXPORTS}{first['job_id']}/reprint/", json=rows | {"rows": "1,99"})
        assert (beyond.status_code, beyond.json()["details"][0]["loc"]) == (422, ["body", "rows"])
        history = client.http.get(HISTORY, params={"gtin": gtin, "lot": "ABC123"}).json()["data"]
        assert [event["carried"]["17"] for event in history if event["event_type"] == "PRINTED"] == [
            "281224",
            "270331",
        ]
        assert {event["resolver"] for event in history} == {RESOLVER}
        every = client.http.get(HISTORY, params={"page_size": 100}).json()["data"]
        assert [event["job_id"] for event in every].count(reprinted["job_id"]) == 2


def test_another_organisations_key_sees_no_job(service: Service, exports: Exports) -> None:
    receipt = exports.submit(LOTS_QR)
    stranger = create_organisation(service.home, "stranger")
    with service.client(stranger) as client:
        answer = client.http.get(receipt["poll_url"])
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["error_code"] == "not_found"
        # Another's job looks exactly like one that never was.
        unknown = client.http.get(f"{EXPORTS}{'2' * 22}/")
        assert unknown.status_code == 404
        assert unknown.json()["detail"] == answer.json()["detail"]


def test_without_a_key_nothing_is_told(service: Service) -> None:
    answer = httpx.post(f"{service.url}{EXPORTS}", json=LOTS_QR)
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_only_who_needs_a_secret_key_is_given_it(service: Service) -> None:
    environments = [each.environ() for each in processes_of(service.home)]
    assert len(environments) >= 9, "supervisor, guard, fork servers, façade, workers, code server, daemon, UI"
    given = {name for environment in environments for name in environment if name.startswith("LABELS_")}
    assert "LABELS_DATABASE_URL" in given
    # The façade and the code server are told theirs after they were forked, where /proc does not show it.
    assert not given & {"LABELS_SECRET_KEY", "LABELS_WEBHOOK_KEYS"}


def test_only_an_operators_own_browser_changes_something_in_the_dagster_ui(service: Service) -> None:
    reload = {"query": "mutation { reloadWorkspace { __typename } }"}
    done = {"data": {"reloadWorkspace": {"__typename": "Workspace"}}}
    with service.operator("maria") as ui:
        assert ui.get("/graphql", params=reload).status_code == 405
        for foreign in ({"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}):
            assert ui.post("/graphql", json=reload, headers=foreign).status_code in {403, 421}
        own = {"origin": str(ui.base_url).rstrip("/")}
        assert ui.post("/graphql", json=reload, headers=own).json() == done
        ui.post("/labels/log-out")
        refused = ui.post("/graphql", json=reload, headers=own).json()
        assert "/labels/log-in" in refused["errors"][0]["message"]
    assert '"actor": "maria", "mutations": ["reloadWorkspace"]' in service.log.read_text(errors="replace")


def test_an_altered_download_token_is_refused(exports: Exports) -> None:
    status = exports.finish(exports.submit(LOTS_QR))
    url = str(status["download_url"])
    last = "A" if url[-1] != "A" else "B"
    # The character before the last: the last may carry unused base64 bits.
    altered = url[:-2] + ("A" if url[-2] != "A" else "B") + last
    assert httpx.get(altered).status_code == 403


@pytest.mark.parametrize("tool", [("7z", "t"), ("unzip", "-tq")], ids=["7z", "unzip"])
def test_other_archivers_find_the_zip_whole(exports: Exports, tmp_path: Path, tool: tuple[str, str]) -> None:
    if shutil.which(tool[0]) is None:
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail(f"{tool[0]} is missing")
        pytest.skip(f"{tool[0]} is not installed; make test-full needs it")
    path = tmp_path / "export.zip"
    path.write_bytes(exports.download(exports.finish(exports.submit(SERIALS_DATAMATRIX))))
    done = subprocess.run([*tool, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_zip_holds_a_manifest_with_a_row_for_each_file(exports: Exports) -> None:
    archive = exports.download(exports.finish(exports.submit(LOTS_QR)))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        manifest = opened.read("manifest.csv").decode("utf-8-sig")
        names = set(opened.namelist())
    assert len(manifest.splitlines()) == 1 + EXPECTED_LOTS_QR.total()
    files = {line.split(",")[1] for line in manifest.splitlines()[1:]}
    assert files == names - {"manifest.csv"}


# From here on each test has a service of its own, because it stops or kills it.


def test_stop_start_and_the_other_side_of_the_threshold(tmp_path: Path) -> None:
    """Queued before the restart, small after it: the same bytes, and SIGTERM leaves nothing behind."""
    home = tmp_path / "home"
    shop = open_shop(home, "restarted", tmp_path)
    with running_service(home, {"LABELS_SYNC_THRESHOLD": "2"}) as service:
        with service.client(shop.key) as client:
            receipt = client.submit(LOTS_QR)
            assert receipt["status"] == "pending"
            queued = client.download(client.finish(receipt))
        assert service.stop() == 0
        assert survivors(home) == []
    with running_service(home, {"LABELS_SYNC_THRESHOLD": "1000"}) as service:
        with service.client(shop.key) as client:
            before = client.finish(receipt)
            assert client.download(before) == queued, "the job of before the restart is still there"
            again = client.submit(LOTS_QR)
            assert again["status"] == "completed"
            assert client.download(client.finish(again)) == queued
        _assert_a_second_one_refuses(service)
        service.process.kill()
        service.process.wait(10)
        assert survivors(home) == [], "processes outlived a killed supervisor"


def _assert_a_second_one_refuses(service: Service) -> None:
    port, dagster_port = free_ports(2)
    second = subprocess.run(
        [str(LABELS_COMMAND), "serve", "--port", str(port), "--dagster-port", str(dagster_port)],
        env=environment(service.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode != 0
    assert "Traceback" not in second.stderr
    assert httpx.get(f"{service.url}/healthz").status_code == 200, "the first one goes on"


def test_a_home_that_was_killed_starts_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shop = open_shop(home, "crashed", tmp_path)
    with running_service(home) as service:
        everything = processes_of(home)
        assert len(everything) > 1
        for process in everything:
            process.kill()
        psutil.wait_procs(everything, timeout=10)
        assert survivors(home) == []
        service.process.wait(10)
    with running_service(home) as service, service.client(shop.key) as client:
        assert readings(client.download(client.finish(client.submit(LOTS_QR)))) == EXPECTED_LOTS_QR


def test_a_bad_row_is_rejected_with_its_reason_and_the_good_ones_land(tmp_path: Path) -> None:
    home, products = tmp_path / "home", tmp_path / "products.csv"
    labels(home, "org", "create", "careless")
    products.write_text("gtin,name\n09506000134352,Good\n09506000134353,Wrong check digit\n")
    first, again = (
        labels(home, "import", "--org", "careless", "--products", str(products), accept=(1,)).stdout
        for _ in range(2)
    )
    assert "2 read, 1 added, 0 updated, 0 unchanged, 1 rejected" in first
    assert "2 read, 0 added, 0 updated, 1 unchanged, 1 rejected" in again
    rejects = Path(first.partition("rejected rows: ")[2].strip()).read_text(encoding="utf-8-sig")
    assert "09506000134353" in rejects
    assert "products.csv" in rejects
