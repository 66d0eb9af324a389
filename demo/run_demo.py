"""The demo: two organisations, exports of several kinds over HTTP, and every symbol read back.

The expected text of each symbol is derived here a second time, from the catalogue's CSV files only: without
the service's GS1 rules and without the artefact's manifest. Run it with `make demo`; `make demo KEEP=1` leaves the
service running, to look at its pages.
"""

import argparse
import contextlib
import csv
import io
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.decoding import Reading, UnreadableSymbol, read_archive, read_sheet
from tests.service import (
    Exports,
    ServiceError,
    create_organisation,
    labels,
    running_service,
    survivors,
)

DEMO = Path(__file__).resolve().parent
OUT = DEMO / "out"
GS = "\x1d"

Row = dict[str, str]


class DemoFailed(Exception):
    """The result differs from the catalogue."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entity to be labelled, with the values that its symbol has to carry."""

    gtin: str
    lot: str = ""
    serial: str = ""
    # ("17", "270331") or ("15", "270300"): the date's AI and its YYMMDD; None where no date is known.
    date: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A demo organisation: its folder of CSV files and the resolver its links point to."""

    slug: str
    name: str
    resolver: str = "https://id.gs1.org"
    options: tuple[str, ...] = field(default=())

    @property
    def folder(self) -> Path:
        return DEMO / self.slug

    def rows(self, table: str) -> list[Row]:
        with (self.folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    def products(self) -> Iterator[Item]:
        for row in self.rows("products"):
            if active(row):
                yield Item(row["gtin"].zfill(14))

    def lots(self) -> Iterator[Item]:
        sold = {item.gtin for item in self.products()}
        for row in self.rows("lots"):
            gtin = row["gtin"].zfill(14)
            if active(row) and gtin in sold:
                yield Item(gtin, lot=row["lot_number"], date=date_of(row))

    def serials(self) -> Iterator[Item]:
        """Return the serials that are active, with an active product and, if they have one, an active lot."""
        sold = {item.gtin for item in self.products()}
        made = {(item.gtin, item.lot): item for item in self.lots()}
        for row in self.rows("serials"):
            gtin, lot = row["gtin"].zfill(14), row.get("lot_number") or ""
            if not active(row) or gtin not in sold or (lot and (gtin, lot) not in made):
                continue
            yield Item(gtin, lot, row["serial_number"], made[gtin, lot].date if lot else None)

    def digital_link(self, item: Item) -> Reading:
        path = f"/01/{item.gtin}"
        path += f"/10/{quote(item.lot, safe='')}" if item.lot else ""
        path += f"/21/{quote(item.serial, safe='')}" if item.serial else ""
        query = f"?{item.date[0]}={item.date[1]}" if item.date else ""
        return "]Q1", f"{self.resolver}{path}{query}".encode()

    def carrier(self, item: Item) -> Reading:
        """Return the GTIN's barcode: the declared one, else by its number of digits without leading zeros."""
        declared = {row["gtin"].zfill(14): row.get("carrier") or "" for row in self.rows("products")}
        zeros = len(item.gtin) - len(item.gtin.lstrip("0"))
        kind = declared[item.gtin] or (
            "itf14" if zeros == 0 else "ean13" if zeros == 1 else "upca" if zeros <= 5 else "ean8"
        )
        # A scanner reports a UPC-A as an EAN-13 with a leading zero.
        identifier, digits = {
            "ean8": ("]E4", 8),
            "upca": ("]E0", 13),
            "ean13": ("]E0", 13),
            "itf14": ("]I1", 14),
        }[kind]
        return identifier, item.gtin[-digits:].encode()

    def gs1_128(self, item: Item) -> Reading:
        _, message = self.element_string(item)
        return "]C1", f"01{item.gtin}21{item.serial}".encode() if item.serial else message

    def element_string(self, item: Item) -> Reading:
        """Return the message that a scanner sends: no leading FNC1, <GS> after a variable-length AI if not last."""
        fixed = f"01{item.gtin}" + ("".join(item.date) if item.date else "")
        variable = [f"10{item.lot}"] if item.lot else []
        variable += [f"21{item.serial}"] if item.serial else []
        return "]d2", (fixed + GS.join(variable)).encode()


ACME = Organisation("acme-foods", "Acme Foods")
NORDIC = Organisation(
    "nordic-tools",
    "Nordic Tools",
    resolver="https://id.nordic-tools.example",
    options=("--resolver", "https://id.nordic-tools.example"),
)


@dataclass(frozen=True, slots=True)
class Export:
    """One request of the demo and where its expected symbols come from."""

    organisation: Organisation
    scope: str
    export_type: str
    file_format: str
    items: Callable[[], Iterator[Item]]
    # Returns the text of each symbol of one item.
    readings: tuple[Callable[[Item], Reading], ...]
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.organisation.slug}: {self.export_type} as {self.file_format}, {self.scope}"

    def body(self) -> dict[str, Any]:
        body = {"scope": self.scope, "export_type": self.export_type, "file_format": self.file_format}
        return body | ({"asset_config": self.config} if self.config else {})


EXPORTS = (
    Export(ACME, "lots", "qr_codes", "svg", ACME.lots, (ACME.digital_link,)),
    Export(ACME, "serials", "datamatrix", "png", ACME.serials, (ACME.element_string,)),
    Export(ACME, "products", "barcodes_1d", "svg", ACME.products, (ACME.carrier,)),
    Export(
        ACME,
        "lots",
        "sheet_pdf",
        "pdf",
        ACME.lots,
        (ACME.element_string,),
        {"sheet_template": "63up_1in_letter", "symbology": "datamatrix"},
    ),
    Export(NORDIC, "lots", "codes_combined", "png", NORDIC.lots, (NORDIC.digital_link, NORDIC.gs1_128)),
)


def active(row: Row) -> bool:
    return (row.get("active") or "true").strip().lower() not in {"false", "0", "no"}


def date_of(row: Row) -> tuple[str, str] | None:
    """Return the expiry as AI 17, else the best-before date as AI 15. A month without a day gets day 00."""
    for column, identifier in (("expiration_date", "17"), ("best_before_date", "15")):
        if value := (row.get(column) or "").strip():
            year, month, *day = value.split("-")
            return identifier, f"{year[2:]}{month}{day[0] if day else '00'}"
    return None


def import_catalogue(home: Path, organisation: Organisation) -> str:
    """Create the organisation with its catalogue in the home; return its API key."""
    key = create_organisation(home, organisation.slug, "--name", organisation.name, *organisation.options)
    files = [
        argument
        for table in ("products", "lots", "serials", "events")
        if (path := organisation.folder / f"{table}.csv").exists()
        for argument in (f"--{table}", str(path))
    ]
    printed = labels(home, "import", "--org", organisation.slug, *files).stdout.strip()
    print(f"  {organisation.slug}: imported", *(f"    {line}" for line in printed.splitlines()), sep="\n")
    return key


def run(export: Export, client: Exports) -> Path:
    """Submit, poll to the end, download; return where the artefact was stored."""
    print(f"\n== {export.title}")
    started = time.monotonic()
    receipt = client.submit(export.body())
    print(f"  202 job {receipt['job_id']} {receipt['status']}")
    status: dict[str, Any] = {}
    shown = ""
    for status in client.wait(receipt, 75):
        line = (
            f"  {time.monotonic() - started:5.1f} s  {status['status']:<10} "
            f"{status['progress_percent']:3d} %  {status['processed_items']}/{status['total_items']}"
        )
        if line[10:] != shown:
            print(line, flush=True)
            shown = line[10:]
    if status["status"] != "completed":
        raise DemoFailed(f"{export.title}: the job failed: {status['error']}")
    target = OUT / str(status["output_filename"])
    target.write_bytes(client.download(status))
    return target


def verify(export: Export, artefact: Path) -> int:
    """Return how many symbols were read. Raises DemoFailed unless they agree exactly with the catalogue."""
    expected = Counter(reading(item) for item in export.items() for reading in export.readings)
    try:
        content = artefact.read_bytes()
        if artefact.suffix == ".pdf":
            read = Counter(read_sheet(content))
        else:
            read = Counter(reading for _, reading in read_archive(content))
    except UnreadableSymbol as error:
        raise DemoFailed(f"{export.title}: {error}") from error
    if not expected:
        raise DemoFailed(f"{export.title}: the demo catalogue has nothing to export")
    if missing := expected - read:
        raise DemoFailed(f"{export.title}: {missing.total()} symbols missing, such as {next(iter(missing))}")
    if surplus := read - expected:
        raise DemoFailed(f"{export.title}: {surplus.total()} symbols too many, such as {next(iter(surplus))}")
    return read.total()


def wait_for_interrupt() -> None:
    """Wait for Ctrl-C, or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def demonstrate(home: Path, *, keep: bool) -> None:
    print("Importing the demo catalogues")
    keys = {organisation: import_catalogue(home, organisation) for organisation in (ACME, NORDIC)}
    print("\nStarting the service")
    started = time.monotonic()
    with running_service(home) as service:
        print(
            f"  {service.url} after {time.monotonic() - started:.1f} s; Dagster UI on port {service.dagster_port}"
        )
        try:
            for export in EXPORTS:
                with service.client(keys[export.organisation]) as client:
                    artefact = run(export, client)
                count = verify(export, artefact)
                print(f"  {count} symbols decoded with zxing-cpp, every one as the catalogue says")
                print(f"  {artefact}")
        except (DemoFailed, ServiceError, httpx.HTTPError):
            shutil.copy(service.log, OUT / "service.log")
            print(f"The service's log: {OUT / 'service.log'}", file=sys.stderr)
            raise
        if keep:
            print(f"\nOpen {service.url}/ and sign in with the key of {ACME.name}: {keys[ACME]}")
            print(f"{NORDIC.name} has another one: {keys[NORDIC]}")
            print("Ctrl-C ends the service, and nothing of it is kept.")
            wait_for_interrupt()
        code = service.stop()
        if left := survivors(home):
            raise DemoFailed("processes outlived the service:\n" + "\n".join(left))
        print(f"\nStopped by SIGTERM with exit code {code}; no process left behind.")


def main() -> int:
    # Flush each line, so that piped output appears at once and in order with standard error.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="leave the service running until Ctrl-C")
    keep = parser.parse_args().keep
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="labels-demo-", ignore_cleanup_errors=True) as folder:
        try:
            demonstrate(Path(folder) / "home", keep=keep)
        except (DemoFailed, ServiceError, httpx.HTTPError) as error:
            print(f"\nDEMO FAILED: {error}", file=sys.stderr)
            return 1
    print(f"Demo passed in {time.monotonic() - started:.0f} s. The files are in {OUT}")
    if not keep:
        print(
            "To look at the pages: `make demo KEEP=1` leaves the service running, and tells address and key."
        )
    return 0


# The process pool's workers import this module again.
if __name__ == "__main__":
    sys.exit(main())
