"""Members that a fragment refuses, and data that the assembler refuses as a fragment."""

import io
from collections.abc import Callable

import pytest

from renderers.archive.assembler import Assembler
from renderers.archive.fragments import ArchiveFragment, ArchiveFragmentWriter
from renderers.archive.records import CorruptArchive
from renderers.archive.verification import verify_fragment
from renderers.digested_stream import DigestedStream
from renderers.errors import RenderError
from tests.renderers.archive.samples import MEMBERS, OneWay, fragment


@pytest.mark.parametrize("name", ["", "x" * 65_536])
def test_a_name_must_be_one(name: str) -> None:
    with pytest.raises(RenderError, match="name"):
        ArchiveFragmentWriter(OneWay()).add(["good", name], [b"", b""])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: b"", "empty"),
        (lambda content: content + b"x", "too long: the next fragment's directory would not fit"),
        (lambda content: content[:50] + bytes([content[50] ^ 1]) + content[51:], "a bit of the data"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "a bit of a name"),
    ],
)
def test_a_damaged_fragment_is_refused(damage: Callable[[bytes], bytes], reason: str) -> None:
    content, made = fragment(MEMBERS[:4])
    damaged = damage(content)
    if reason.startswith("too long"):
        made = ArchiveFragment(
            made.data_bytes, made.directory_bytes + 1, made.members, made.sha256, made.crc32
        )
    with Assembler(DigestedStream(OneWay())) as assembler, pytest.raises(CorruptArchive):
        assembler.append_fragment(io.BytesIO(damaged), made)
    with pytest.raises(CorruptArchive):
        verify_fragment(io.BytesIO(damaged), made)
