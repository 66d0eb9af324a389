"""Parts are read exactly as they were stored."""

import pytest

from exports.artefacts import ArtefactStore
from exports.jobs import parts
from exports.jobs.parts import Fragment, Part
from renderers.archive.fragments import ArchiveFragment
from renderers.sheets.pdf import PdfFragment
from renderers.zpl.writer import ZplFragment


@pytest.mark.parametrize(
    "fragment",
    [ArchiveFragment(12, 34, 5, "ab"), PdfFragment(0, 2, 12, 34, "ab"), ZplFragment(3, 99, "ab"), None],
    ids=["members of a ZIP", "pages", "labels of a roll", "no page begins"],
)
def test_a_part_survives_being_written_down(fragment: Fragment | None, store: ArtefactStore) -> None:
    part = Part("exports/job/parts/0", 0, 25_000, 3, fragment)
    store.write_json(f"{part.key}.json", part.to_document())
    assert parts.stored(part.key, store) == part
