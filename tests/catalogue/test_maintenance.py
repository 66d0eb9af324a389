"""Vacuum removes only files that nobody can need."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from catalogue.errors import CatalogueError
from catalogue.maintenance import LEAST_RETENTION, vacuum
from catalogue.queries.selected import count
from catalogue.tables import Catalogue
from tests.catalogue.stock import SERIALS, digest, stocked


def test_only_old_files_without_a_version_go(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path, 10)
    folder = tmp_path / "catalogue" / "serials" / "org=acme"
    (kept,) = folder.iterdir()
    old, young = folder / "killed-last-month.parquet", folder / "being-written.parquet"
    for path in (old, young):
        path.write_bytes(b"half")
    for path in (old, kept):
        moment = time.time() - LEAST_RETENTION.total_seconds() - 3600
        os.utime(path, (moment, moment))
    before = digest(catalogue)

    removed = vacuum(catalogue)

    assert removed == {"products": 0, "lots": 0, "serials": 1, "lifecycle_events": 0}
    assert set(folder.iterdir()) == {kept, young}
    assert digest(catalogue) == before
    assert count(Catalogue(str(tmp_path / "catalogue")), SERIALS) == 10


def test_a_short_retention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="in use"):
        vacuum(Catalogue(str(tmp_path)), timedelta(days=6))
