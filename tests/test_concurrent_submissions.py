"""Twenty clients at once: more small exports than there are warm workers, and all of them complete."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import LOTS, PRODUCTS, Shop
from tests.decoding import read_archive
from tests.service import Service

pytestmark = pytest.mark.service

CLIENTS = 20
BODIES = (
    {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"},
    {"scope": "products", "export_type": "datamatrix", "file_format": "png"},
)
TOTALS = (
    sum(1 for lot in LOTS if lot[-1]),
    sum(1 for _, active, _ in PRODUCTS if active == "true"),
)


def test_twenty_simultaneous_submissions_all_complete(service: Service, shop: Shop) -> None:
    def export(number: int) -> tuple[str, int, bytes]:
        which = number % len(BODIES)
        with service.client(shop.key) as client:
            status = client.finish(client.submit(BODIES[which]))
            return str(status["job_id"]), which, client.download(status)

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = list(pool.map(export, range(CLIENTS)))

    assert len({job_id for job_id, _, _ in done}) == CLIENTS
    for which, total in enumerate(TOTALS):
        archives = {archive for _, kind, archive in done if kind == which}
        assert len(archives) == 1, "the same request gave different bytes"
        assert len(read_archive(archives.pop())) == total


def test_exactly_one_of_twenty_prints_what_was_never_printed(service: Service, shop: Shop) -> None:
    body = {
        "scope": "serials",
        "export_type": "datamatrix",
        "file_format": "svg",
        "filters": {"never_printed": True, "gtins": ["00012345678905"]},
    }

    def export(_: int) -> tuple[str, str | None]:
        with service.client(shop.key) as client:
            status = client.finish(client.submit(body))
            return str(status["status"]), status["error_code"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        outcomes = Counter(pool.map(export, range(CLIENTS)))

    assert outcomes == {("completed", None): 1, ("failed", "empty_selection"): CLIENTS - 1}
