"""The committed gallery equals its script's output, shows every kind, and decodes to the text it states."""

import io
import re
import runpy

import zxingcpp
from PIL import Image

from gs1.symbol_size import SymbolKind
from tests.decoding import read_symbol
from tests.symbols import pictures

SCRIPT = "docs/make_gallery.py"


def test_the_gallery_is_current(request) -> None:
    root = request.config.rootpath
    made = runpy.run_path(str(root / SCRIPT))["gallery"]()
    kept = {path.name: path.read_bytes() for path in (root / "docs/gallery").iterdir()}
    assert kept.keys() == made.keys()
    stale = [name for name in made if not same(name, made[name], kept[name])]
    assert stale == [], "run `make gallery`, and look at it"


def same(name: str, made: bytes, kept: bytes) -> bool:
    """Whether the files are equal. Pictures are compared by their pixels: another zlib writes other bytes."""
    if not name.endswith(".png"):
        return made == kept
    one, other = (Image.open(io.BytesIO(content)) for content in (made, kept))
    return one.size == other.size and one.tobytes() == other.tobytes()


def test_labels_read_as_they_should(request) -> None:
    """Every label of two symbols has both, and each symbol carries the product."""
    folder = request.config.rootpath / "docs/gallery"
    pictures_of_labels = sorted(folder.glob("label-*.png"))
    assert len(pictures_of_labels) == 10
    for path in pictures_of_labels:
        found = zxingcpp.read_barcodes(Image.open(path))
        assert len(found) == (2 if "-dual-" in path.name else 1), path.name
        assert any("L20260331" in each.text for each in found), path.name


def test_every_kind_is_shown_and_reads_as_it_says(request) -> None:
    folder = request.config.rootpath / "docs/gallery"
    page = (folder / "README.md").read_text(encoding="utf-8")
    sections = page.split("\n## ")[1:]
    assert set(re.findall(r"^\| symbology \| `(.*)` \|$", page, re.MULTILINE)) == set(SymbolKind)
    for section in sections:
        [name] = re.findall(r"\]\((\S+\.svg)\)$", section, re.MULTILINE)
        [carried] = re.findall(r"^\| carries \| `(.*)` \|$", section, re.MULTILINE)
        [reported] = re.findall(r"^\| a scanner reports \| (.*) \|$", section, re.MULTILINE)
        svg = (folder / name).read_bytes()
        identifier, message = read_symbol(name, svg)
        assert f"`{identifier}`" in reported
        # Element strings are shown with parentheses around their AIs; a UPC-A is read as an EAN-13.
        shown = re.sub(r"\((\d\d)\)", r"\1", carried)
        assert message.decode().replace("\x1d", "").removeprefix("0" * (len(carried) == 12)) == shown
        [picture] = pictures.resvg([svg], 600, folder)
        width, height = re.findall(r"([\d.]+) × ([\d.]+) mm", section)[0]
        assert abs(picture.width - float(width) / 25.4 * 600) < 1.5
        assert abs(picture.height - float(height) / 25.4 * 600) < 1.5
