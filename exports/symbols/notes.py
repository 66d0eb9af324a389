"""Notes: what the manifest says about a symbol that was drawn. Each kind has a stable code, to be counted by."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class NoteCode(StrEnum):
    """The kinds of notes, for programs."""

    NOT_CARRIED = "not_carried"
    EXPIRED = "expired"
    RESTRICTED_CIRCULATION = "restricted_circulation"
    COUPON_OR_REFUND = "coupon_or_refund"
    X_REDUCED = "x_reduced"
    NO_FONT = "no_font"
    SCALED = "scaled"


#: The text of each kind, for people; `{}` is the note's detail.
NOTES: Mapping[NoteCode, str] = MappingProxyType(
    {
        NoteCode.NOT_CARRIED: "not carried: {}",
        NoteCode.EXPIRED: "the lot had expired when the job was submitted",
        NoteCode.RESTRICTED_CIRCULATION: "restricted circulation number: not for open trade",
        NoteCode.COUPON_OR_REFUND: "number of a coupon or refund receipt: not for open trade",
        NoteCode.X_REDUCED: "X reduced from {} mm to stay within the greatest width GS1 allows",
        NoteCode.NO_FONT: "name not shown: no font for {}",
        NoteCode.SCALED: "pages are scaled to {} % for the printer",
    }
)


class Note(NamedTuple):
    """One note; `detail` stands in the text of its kind."""

    code: NoteCode
    detail: str = ""

    def __str__(self) -> str:
        return NOTES[self.code].format(self.detail)


def counts_by_code(notes: Iterable[Iterable[Note]]) -> dict[str, int]:
    """Return how many symbols have a note of each code, from the notes of every symbol.

    >>> counts_by_code([[Note(NoteCode.EXPIRED)], [], [Note(NoteCode.EXPIRED), Note(NoteCode.NO_FONT, "x")]])
    {'expired': 2, 'no_font': 1}
    """
    return dict(Counter(note.code.value for each in notes for note in each))


def note_text(notes: Iterable[Note]) -> str:
    """Return the notes as the manifest's column `note` has them.

    >>> note_text([Note(NoteCode.NOT_CARRIED, "lot, expiry"), Note(NoteCode.EXPIRED)])
    'not carried: lot, expiry; the lot had expired when the job was submitted'
    """
    return "; ".join(map(str, notes))
