"""Every page of a running service with 100,000 jobs and ten million serials, beside /healthz, and the catalogue's lists.

A fifth of the serials was printed, by twenty jobs. Each request is sent in turn, so that a busy machine slows all of them
alike. `--home` keeps what was made for the next time. Exits 1 unless every request was answered well.

    python benchmarks/service/pages.py --serials 10_000_000 --jobs 100_000 --home FOLDER
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _catalogue_data import LARGEST as ORGANISATION
from _catalogue_data import files
from _figures import median, p95
from _process_memory import kind_of
from job_lists import BODY, UNLIMITED, fill

from catalogue.imports.ingest import import_files
from catalogue.lifecycle import Printing, record_printed
from catalogue.queries.selected import resolve_tables
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue, catalogue_url
from tests.service import Service, create_organisation, running_service

#: A page's median may take this long, in milliseconds.
MOST_MS = 100

_BY_HTMX = {"HX-Request": "true"}

#: What a page loads when it is shown, and may take longer.
LATER = "later"

_PRINT_JOBS = 20
_PRINTED_OF_ALL = 5


@dataclass(frozen=True, slots=True)
class Made:
    """What a home has: its key, a job with an artefact, and some of its codes."""

    key: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the table. One with a form is sent as a form."""

    name: str
    path: str
    query: Mapping[str, str | int] | None = None
    form: dict[str, str] | None = None
    headers: dict[str, str] | None = None


def main(serials: int, jobs: int, rounds: int, home: Path, only: str) -> int:
    """Make the home unless it is there, measure its pages and print a table. Return the exit code."""
    made = _made(home, serials, jobs)
    settings = {"LABELS_RATE_PER_MINUTE": UNLIMITED, "LABELS_RATE_PER_DAY": UNLIMITED}
    with (
        running_service(home, settings) as service,
        httpx.Client(base_url=service.url, timeout=120) as http,
    ):
        http.post("/sign-in", data={"key": made.key})
        codes = Codes.of(Catalogue(catalogue_url(str(home / "storage"))))
        every = asked(http.cookies["csrftoken"], made, codes)
        wanted = [each for each in every if only in each.name or each.path == "/healthz"]
        return measure(service, http, wanted, rounds)


def _made(home: Path, serials: int, jobs: int) -> Made:
    """Return what the home has, after making it if it is not complete."""
    marker = home / "made.json"
    if marker.exists():
        return Made(**json.loads(marker.read_text()))
    key = create_organisation(home, ORGANISATION)
    catalogue = Catalogue(catalogue_url(str(home / "storage")))
    with tempfile.TemporaryDirectory() as folder:
        # Half of the serials that are counted there belong to the largest organisation.
        paths = files(Path(folder), ORGANISATION, 2 * serials)
        began = time.perf_counter()
        report = import_files(
            catalogue,
            ORGANISATION,
            products=paths["products"],
            lots=paths["lots"],
            serials=paths["serials"],
            rejects_dir=Path(folder),
        )
    if any(table.rejected for table in report.tables):
        raise SystemExit(f"rows were refused: {report}")
    print(f"{serials:,} serials imported in {time.perf_counter() - began:.0f} s", flush=True)
    _print_some(catalogue, serials)
    with running_service(home) as service, service.client(key) as client:
        product = client.http.get("/products/api/v1/catalogue/products/").json()["data"][0]["gtin"]
        done = client.finish(client.submit({**BODY, "filters": {"gtins": [product]}}))
        fill(home, done["job_id"], jobs)
    made = Made(key, done["job_id"])
    marker.write_text(json.dumps({"key": made.key, "job_id": made.job_id}))
    return made


def _print_some(catalogue: Catalogue, serials: int) -> None:
    """Record the printing of every fifth serial, by some jobs, one an hour."""
    each = serials // _PRINTED_OF_ALL // _PRINT_JOBS
    frames = (
        pl.DataFrame(table).filter(pl.col("row") % _PRINTED_OF_ALL == 0)
        for table in resolve_tables(catalogue, Selection(ORGANISATION, Scope.SERIALS))
    )
    rows = pl.concat(frames).with_columns(
        pl.col("lot_number").alias("carried_lot"),
        pl.col("expiry").alias("carried_expiry"),
        pl.lit(None, pl.String).alias("carried_best_before"),
        pl.format("(21){}", "serial_number").alias("lines"),
    )
    for number in range(_PRINT_JOBS):
        at = datetime.now(UTC) - timedelta(hours=number + 1)
        printing = Printing(f"bench-{number}", at, symbols="datamatrix")
        record_printed(catalogue, ORGANISATION, printing, [rows.slice(number * each, each)])


@dataclass(frozen=True, slots=True)
class Codes:
    """A serial in the middle of the catalogue, with its lot and GTIN, and one that was printed."""

    gtin: str
    lot: str
    lot_id: str
    serial: str
    serial_id: str
    printed_gtin: str
    printed_lot: str
    printed_serial: str

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Codes":
        with catalogue.session(ORGANISATION) as cursor:
            [middle] = cursor.execute(
                "SELECT gtin14, lot_number, lot_id, serial_number, id FROM serials"
                " ORDER BY gtin14, lot_number, serial_number LIMIT 1 OFFSET (SELECT count(*) // 2 FROM serials)"
            ).fetchall()
            [printed] = cursor.execute(
                "SELECT gtin14, lot_number, serial_number FROM lifecycle_events WHERE job_id = 'bench-7' LIMIT 1"
            ).fetchall()
        return cls(*middle, *printed)

    @property
    def searches(self) -> dict[str, str]:
        return {
            "by GTIN": self.gtin,
            "by lot, scanned": f"(01){self.gtin}(10){self.lot}",
            "by serial, scanned": f"(01){self.gtin}(21){self.serial}",
            "a serial": self.serial,
            "beginning of serials": self.serial[:3],
            "beginning of few serials": self.serial[:-1],
            "a lot": self.lot,
            "part of a name": "duct 7",
            "part of a GTIN": self.gtin[4:11],
            "nothing": "no such thing",
            "wildcards": "%_",
        }


def asked(csrf: str, made: Made, codes: Codes) -> Iterator[Asked]:
    """Yield the requests, /healthz first."""
    yield Asked("/healthz", "/healthz")
    yield from _of_jobs(f"/jobs/{made.job_id}")
    yield Asked("/exports/new", "/exports/new")
    yield Asked("/exports/new, again", "/exports/new", {"again": made.job_id})
    yield from _previews(csrf, codes)
    yield from _of_catalogue(codes)
    yield from _of_history(codes)
    yield Asked("/schedules", "/schedules")
    yield Asked("/settings", "/settings")
    yield from _of_api({"X-API-Key": made.key}, codes)


def _of_jobs(job: str) -> Iterator[Asked]:
    yield Asked("/jobs", "/jobs")
    yield Asked("/jobs, last page", "/jobs", {"page": 40})
    yield Asked("/jobs, its table", "/jobs", headers=_BY_HTMX)
    for status in ("pending", "failed", "completed"):
        yield Asked(f"/jobs, {status}", "/jobs", {"status": status})
    for part in ("", "/state", "/picture", "/rows"):
        yield Asked(f"/jobs/…{part}", job + part)
    yield Asked("/jobs/…/rows, searched", f"{job}/rows", {"search": "P"})


def _previews(csrf: str, codes: Codes) -> Iterator[Asked]:
    path = "/exports/new/preview"
    base = {"csrf": csrf, "export_type": "datamatrix", "file_format": "png"}
    states = ("any", "never", "changed", "due")
    for scope in Scope:
        for state in states:
            form = {**base, "scope": scope.value, "printing": state}
            yield Asked(f"preview, {scope}, {state}", path, form=form, headers=_BY_HTMX)
    serials = {**base, "scope": "serials"}
    yield Asked("preview, serials of a GTIN", path, form={**serials, "gtins": codes.gtin}, headers=_BY_HTMX)
    yield Asked(
        "preview, serials of a lot", path, form={**serials, "lot_ids": codes.lot_id}, headers=_BY_HTMX
    )
    yield Asked("preview, a serial", path, form={**serials, "serial_ids": codes.serial_id}, headers=_BY_HTMX)
    sheet = {**serials, "export_type": "sheet_pdf", "file_format": "pdf"}
    yield Asked(
        "preview, a serial, sheet", path, form={**sheet, "serial_ids": codes.serial_id}, headers=_BY_HTMX
    )
    yield Asked("preview, serials, sheet", path, form=sheet, headers=_BY_HTMX)
    for state in states:
        form = {**serials, "printing": state, "whole": "on"}
        yield Asked(f"{LATER}: all serials, {state}", path, form=form, headers=_BY_HTMX)


def _of_catalogue(codes: Codes) -> Iterator[Asked]:
    for scope in Scope:
        path = f"/catalogue/{scope}"
        yield Asked(path, path)
        yield Asked(f"{path}, last page", path, {"page": 40})
        for name, text in codes.searches.items():
            yield Asked(f"{path}, {name}", path, {"search": text})
    for name in ("beginning of serials", "beginning of few serials", "nothing"):
        query = {"search": codes.searches[name], "beginning": "on"}
        yield Asked(f"{LATER}: {name}", "/catalogue/serials", query)


def _of_history(codes: Codes) -> Iterator[Asked]:
    yield Asked("/history", "/history")
    yield Asked("/history, last page", "/history", {"page": 40})
    gtin = f"(01){codes.printed_gtin}"
    yield Asked("/history of a GTIN", "/history", {"code": gtin})
    yield Asked("/history of a lot", "/history", {"code": f"{gtin}(10){codes.printed_lot}"})
    yield Asked("/history of a serial", "/history", {"code": f"{gtin}(21){codes.printed_serial}"})


def _of_api(headers: dict[str, str], codes: Codes) -> Iterator[Asked]:
    queries: dict[str, dict[str, str | int]] = {
        "": {},
        ", last page": {"page": 100, "page_size": 100},
        " of a GTIN": {"gtins": codes.gtin},
        ", never printed": {"never_printed": "true"},
        ", changed": {"changed_since_print": "true"},
        ", created after": {"created_after": "2020-01-01T00:00:00Z"},
    }
    for scope in Scope:
        for name, query in queries.items():
            yield Asked(f"API {scope}{name}", f"/products/api/v1/catalogue/{scope}/", query, headers=headers)


def measure(service: Service, http: httpx.Client, requests: list[Asked], rounds: int) -> int:
    """Print each request's median and 95th percentile, its ratio to the first one, the façade's processor time, and bytes."""
    facade = next(
        each
        for each in psutil.Process(service.process.pid).children(recursive=True)
        if kind_of(each) == "façade"
    )
    processor: dict[str, float] = defaultdict(float)
    seconds: dict[str, list[float]] = {each.name: [] for each in requests}
    sizes: dict[str, int] = {}
    for number in range(rounds + 1):
        for each in requests:
            method = "GET" if each.form is None else "POST"
            spent, began = _processor_seconds(facade), time.perf_counter()
            answer = http.request(method, each.path, params=each.query, data=each.form, headers=each.headers)
            # The first round warms.
            if number:
                seconds[each.name].append(time.perf_counter() - began)
                processor[each.name] += _processor_seconds(facade) - spent
            if answer.status_code != 200:
                print(f"{each.name}: {answer.status_code} {answer.text[:500]}\n{service.log_tail(2000)}")
                return 1
            sizes[each.name] = len(answer.content)
    peer = median(next(iter(seconds.values())))
    print(f"{'':44}{'median ms':>10}{'p95 ms':>10}{'× healthz':>10}{'CPU ms':>10}{'bytes':>10}")
    slow = bounded = 0
    for name, taken in seconds.items():
        middle = median(taken) * 1000
        if not name.startswith(LATER):
            bounded, slow = bounded + 1, slow + (middle > MOST_MS)
        print(
            f"{name:44}{middle:>10.1f}{p95(taken) * 1000:>10.1f}{middle / peer / 1000:>10.1f}{processor[name] / rounds * 1000:>10.0f}{sizes[name]:>10,}"
            + ("  *" if middle > MOST_MS and not name.startswith(LATER) else "")
        )
    print(f"{slow} of {bounded} pages above {MOST_MS} ms at the median (*)")
    print(f"the façade has {facade.memory_info().rss / 1e6:,.0f} MB")
    return 0


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _count(text: str) -> int:
    return int(text.replace("_", ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--serials", type=_count, default=10_000_000)
    parser.add_argument("--jobs", type=_count, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--home", type=Path, help="where the service's home is, or is made")
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        raise SystemExit(
            main(given.serials, given.jobs, given.rounds, given.home or Path(temporary) / "home", given.only)
        )
