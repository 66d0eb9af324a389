"""Fixtures of several test files: one running service, for the tests that only send requests; one S3 server."""

import atexit
import csv
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from tests.service import Service, create_organisation, labels, running_service

# Every run draws the same examples, so that none passes by luck. LABELS_TEST_NEW=1 draws new ones and prints what
# reproduces a failure. A busy machine is no failure, so neither has a deadline.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile("new" if os.environ.get("LABELS_TEST_NEW") else "same")

# After some property tests DuckDB's types are there until the process is gone, though no connection is. Its bindings
# take them for leaks, and print pages of them after pytest's last line. Registered first, this is done last.
atexit.register(os.dup2, os.open(os.devnull, os.O_WRONLY), 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, lest one process is left with it at the end: the whole service, then large files."""
    size = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.parent != Path(__file__).parent, -size[item.path]))


# Small enough that a few dozen entities land on the queued side.
SYNC_THRESHOLD = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """An organisation with a small catalogue of its own, in the running service."""

    slug: str
    key: str


# Case table: GTIN, active, why it is here.
PRODUCTS = (
    ("09506000134352", "true", "the GS1 documents' example"),
    ("00012345678905", "true", "five leading zeros"),
    ("10614141000415", "true", "a grouping, indicator 1"),
    ("04006381333931", "false", "inactive: neither it nor its lots and serials are exported"),
)

# Case table: GTIN, lot, expiry, best before, active, link behind the resolver and GTIN, element string behind it.
LOTS = (
    ("09506000134352", "ABC123", "2027-03-31", "", "true", "/10/ABC123?17=270331", "1727033110ABC123"),
    ("09506000134352", "MONTH", "2027-04", "", "true", "/10/MONTH?17=270400", "1727040010MONTH"),
    ("09506000134352", "BB", "", "2027-05-06", "true", "/10/BB?15=270506", "1527050610BB"),
    ("09506000134352", "BOTH", "2027-06-30", "2027-06-01", "true", "/10/BOTH?17=270630", "1727063010BOTH"),
    ("09506000134352", "OFF", "2027-03-31", "", "false", None, None),
    ("00012345678905", "A/B+%&", "", "", "true", "/10/A%2FB%2B%25%26", "10A/B+%&"),
    ("10614141000415", "20CHARACTERS-LOT-NO-", "2026-12-31", "", "true",
     "/10/20CHARACTERS-LOT-NO-?17=261231", "1726123110" + "20CHARACTERS-LOT-NO-"),
    ("04006381333931", "GONE", "2027-03-31", "", "true", None, None),
)  # fmt: skip

SERIALS_OF_A_LOT = 30


def write_catalogue(folder: Path) -> list[str]:
    """Write the case tables as CSV files; return the options of `labels import` that name them."""
    serials = [("09506000134352", "ABC123", f"S{n:04d}", "true") for n in range(SERIALS_OF_A_LOT)]
    serials += [
        ("00012345678905", "", "no/lot", "true"),
        ("09506000134352", "ABC123", "SCRAPPED", "false"),
        ("09506000134352", "OFF", "LOT-OFF", "true"),
        ("04006381333931", "GONE", "PRODUCT-OFF", "true"),
    ]
    products = [(gtin, f"Product {n}", active) for n, (gtin, active, _) in enumerate(PRODUCTS)]
    lots = [lot[:5] for lot in LOTS]
    return [
        *_table(folder, "products", ("gtin", "name", "active"), products),
        *_table(
            folder, "lots", ("gtin", "lot_number", "expiration_date", "best_before_date", "active"), lots
        ),
        *_table(folder, "serials", ("gtin", "lot_number", "serial_number", "active"), serials),
    ]


def _table(folder: Path, name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, str]:
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return f"--{name}", str(path)


def open_shop(home: Path, slug: str, folder: Path) -> Shop:
    """Create the organisation with the small catalogue; works beside a running service too."""
    key = create_organisation(home, slug)
    labels(home, "import", "--org", slug, *write_catalogue(folder))
    return Shop(slug, key)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the whole session; a test that kills or restarts one starts its own."""
    home = tmp_path_factory.mktemp("shared") / "home"
    with running_service(home, {"LABELS_SYNC_THRESHOLD": str(SYNC_THRESHOLD)}) as running:
        yield running


@pytest.fixture(scope="module")
def shop(service: Service, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """An organisation of the test file's own, so that what one file prints is no other's history."""
    slug = request.path.stem.replace("_", "-")
    return open_shop(service.home, slug, tmp_path_factory.mktemp(slug))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of moto's server, which honours conditional writes."""
    pytest.importorskip("moto", reason="moto[server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    # Its log goes nowhere: a pipe that nobody reads would stop it.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield f"http://127.0.0.1:{port}"
        process.kill()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket, with an environment in which everybody finds it."""
    import fsspec
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "labels",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    filesystem = fsspec.filesystem("s3")
    filesystem.mkdir("labels")
    yield "s3://labels"
    filesystem.rm("labels", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
