"""How a manifest is cut: into chunks that many workers can share, and always in the same way."""

import pytest

from catalogue.tables import CatalogueVersion
from exports.jobs import manifest
from exports.jobs.manifest import Manifest

NO_VERSION = CatalogueVersion(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "chunks", "size", "why"),
    [
        (30_000, 1, 25_000, "one machine"),
        (199_999, 1, 25_000, "one machine"),
        (200_000, 1, 50_000, "one machine, a large job"),
        (10_000, 32, 10_000, "no smaller chunks"),
        (200_000, 32, 10_000, "no smaller chunks"),
        (1_000_000, 32, 31_250, "as many as are wanted"),
        (1_000_001, 32, 31_251, "not one more"),
        (5_000_000, 32, 50_000, "never larger"),
    ],
)
def test_the_size_of_the_chunks(rows: int, chunks: int, size: int, why: str) -> None:
    assert manifest.chunk_rows(rows, chunks) == size, why
    cut = Manifest(rows, "", NO_VERSION, 0, size).chunks()
    assert [cut[0].start, *(chunk.stop for chunk in cut)] == [*(chunk.start for chunk in cut), rows]
    assert {chunk.stop - chunk.start for chunk in cut[:-1]} <= {size}


def test_a_manifest_of_an_earlier_release_is_cut_as_it_was() -> None:
    assert [chunk.stop for chunk in Manifest(60_000, "", NO_VERSION, 0).chunks()] == [25_000, 50_000, 60_000]
