"""A catalogue with a product, lots and serials of one organisation, for the tests that start processes."""

import hashlib
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

from catalogue.imports.ingest import import_files
from catalogue.queries.selected import resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue, CatalogueVersion

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GTIN = "09506000134352"
ORG = "acme"
# Real processes, forked from one that has imported everything and started nothing.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["catalogue.inspection", "catalogue.maintenance", "catalogue.lifecycle"])

SERIALS = Selection(ORG, Scope.SERIALS)


def serials_file(path: Path, numbers: range, **columns: str) -> Path:
    header = ",".join(("gtin", "serial_number", *columns))
    rest = "".join(f",{value}" for value in columns.values())
    path.write_text(f"{header}\n" + "".join(f"{GTIN},S{n:07d}{rest}\n" for n in numbers))
    return path


def stocked(folder: Path, serials: int, root: str | None = None) -> Catalogue:
    catalogue = Catalogue(root or str(folder / "catalogue"))
    products = folder / "products.csv"
    products.write_text(f"gtin,name\n{GTIN},Tea\n")
    import_files(
        catalogue, ORG, products=products, serials=serials_file(folder / "serials.csv", range(serials)),
        rejects_dir=folder, now=NOW,
    )  # fmt: skip
    return catalogue


def digest(catalogue: Catalogue, version: CatalogueVersion | None = None) -> str:
    """Return a hash of the manifest of all serials."""
    hashed = hashlib.sha256()
    for frame in resolve(catalogue, SERIALS, version=version):
        hashed.update(frame.write_ndjson().encode())
    return hashed.hexdigest()
