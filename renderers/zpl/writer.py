"""ZPL files: fragments are written separately and joined by copying. Both sides need constant memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, BinaryIO

from renderers.digested_stream import DigestedStream
from renderers.errors import RenderError
from renderers.sheets.document import SheetDocument
from renderers.sheets.placement import SheetLabels
from renderers.zpl import labels as zpl_labels

_BLOCK = 1 << 20


class CorruptZpl(RenderError):
    """A fragment of labels is not the one that was written."""

    code = "corrupt_fragment"


@dataclass(frozen=True, slots=True)
class ZplFragment:
    """Labels, copies not counted: their number, size in bytes, SHA-256 (hex)."""

    labels: int
    data_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ZplSummary:
    """A finished file: labels, copies not counted, size in bytes, SHA-256 (hex)."""

    labels: int
    size_bytes: int
    sha256: str


class ZplFragmentWriter:
    """Writes labels to a stream that need not seek."""

    def __init__(self, document: SheetDocument, stream: BinaryIO) -> None:
        self._document, self._stream = document, DigestedStream(stream)
        self._labels = 0

    def add(self, labels: SheetLabels, copies: Sequence[int]) -> None:
        """Write the labels that have a symbol, each to be printed as often as said. Others have no place on a roll."""
        drawn = zpl_labels.draw(self._document, labels, copies)
        self._stream.write("".join(drawn).encode("ascii"))
        self._labels += len(drawn) - drawn.count("")

    def close(self) -> ZplFragment:
        """Return the description of what was written. The stream stays open."""
        return ZplFragment(self._labels, self._stream.offset, self._stream.hexdigest())


def join(fragments: Iterable[tuple[ZplFragment, IO[bytes]]], out: BinaryIO) -> ZplSummary:
    """Copy the fragments, in the order of their rows, to a stream that need not seek.

    Raises CorruptZpl if one is damaged. Discard the file then.
    """
    file, labels = DigestedStream(out), 0
    for fragment, stream in fragments:
        digest = sha256()
        while block := stream.read(_BLOCK):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() != fragment.sha256:
            raise CorruptZpl(
                "A fragment of labels is not what was written",
                value=digest.hexdigest(),
                expected=fragment.sha256,
            )
        labels += fragment.labels
    return ZplSummary(labels, file.offset, file.hexdigest())
