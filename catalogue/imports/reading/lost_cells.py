"""Find cells of an XLSX sheet that calamine reads as empty: errors, and formulas without a stored value."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

#: What stands for a formula whose value the program did not store. Errors have their own texts, such as #N/A.
NO_VALUE = "#FORMULA!"

_BOOK = "xl/workbook.xml"
# No XML parser: it would expand entities.
_SHEET = re.compile(rb'<(?:\w+:)?sheet\s[^>]*?\w+:id="([^"]*)"')
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^>/]*)>(.*?)</c>', re.DOTALL)
_VALUE = re.compile(rb"<v[^>]*>([^<]+)</v>")

_CHUNK_BYTES = 1 << 20
# A cell whose text is longer is no error's.
_CELL_BYTES = 1 << 16


def lost_cells(path: Path, sheet: int) -> Iterator[tuple[int, int, str]]:
    """Yield row and column (from 1 on), in the file's order, and the text of each error and formula without value.

    `sheet` is the sheet's place in the workbook, from 0 on. A workbook of another kind than XLSX has none.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        part = _part(archive, sheet) if _BOOK in names else None
        if part not in names:
            return
        with archive.open(part) as stream:
            rest = b""
            while chunk := stream.read(_CHUNK_BYTES):
                text = rest + chunk
                stop = text.rfind(b"</c>") + 4 if b"</c>" in text else 0
                if b't="e"' in text or b"<f" in text:
                    yield from _lost(text[:stop])
                rest = text[stop:][-_CELL_BYTES:]


def _part(archive: zipfile.ZipFile, sheet: int) -> str | None:
    """Return the name of the sheet's part of the archive."""
    sheets = _SHEET.findall(archive.read(_BOOK))
    targets: dict[bytes, str] = {}
    for relation in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
        attributes = dict(_ATTRIBUTE.findall(relation))
        targets[attributes.get(b"Id", b"")] = attributes.get(b"Target", b"").decode(errors="replace")
    target = targets.get(sheets[sheet]) if sheet < len(sheets) else None
    return None if target is None else posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _lost(text: bytes) -> Iterator[tuple[int, int, str]]:
    for letters, row, attributes, content in _CELL.findall(text):
        value = _VALUE.search(content)
        if b't="e"' in attributes:
            yield int(row), _number(letters), value[1].decode(errors="replace") if value else NO_VALUE
        elif b"<f" in content and value is None and b't="str"' not in attributes:
            yield int(row), _number(letters), NO_VALUE


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
