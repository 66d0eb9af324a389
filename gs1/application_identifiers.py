"""All GS1 Application Identifiers, as data: what their values consist of, and what they may stand beside.

The table is `application_identifiers.csv`, which names its source and release in its first lines.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import dropwhile
from types import MappingProxyType

_COMPONENT = re.compile(r"\[?(?P<set>[NXYZ])(?P<up_to>\.\.)?(?P<length>[0-9]+)\]?(?:,(?P<linters>.+))?")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a value, in the notation of the Syntax Dictionary.

    `character_set` is N (digits), X (set 82), Y (set 39) or Z (base64url). `linters` are the dictionary's
    names of further checks.
    """

    character_set: str
    min_length: int
    max_length: int
    is_optional: bool
    linters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApplicationIdentifier:
    """One AI: its digits, data title and components, and the AIs it needs or excludes.

    `key_qualifiers` may follow it on the path of a Digital Link, `digital_link_attribute` says that it may stand in the
    query of one. `predefined_length` says that the length follows from the first two digits; every other value needs FNC1
    behind it unless it is the last. `requires` lists alternatives: of one alternative, each set must have
    a member in the message. `excludes` may not stand in the same message.
    """

    ai: str
    title: str
    components: tuple[Component, ...]
    predefined_length: bool
    digital_link_attribute: bool
    key_qualifiers: frozenset[str]
    requires: tuple[tuple[frozenset[str], ...], ...]
    excludes: frozenset[str]

    @property
    def needs_separator(self) -> bool:
        return not self.predefined_length

    @property
    def min_length(self) -> int:
        return sum(part.min_length for part in self.components if not part.is_optional)

    @property
    def max_length(self) -> int:
        return sum(part.max_length for part in self.components)


def _rows() -> list[dict[str, str]]:
    text = files("gs1").joinpath("application_identifiers.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(dropwhile(lambda line: line.startswith("#"), text.splitlines())))


def _members(ais: str) -> Iterator[str]:
    """Yield the AIs of one row: `10` is one, `3100-3105` are six."""
    first, _, last = ais.partition("-")
    for number in range(int(first), int(last or first) + 1):
        yield f"{number:0{len(first)}d}"


def _component(text: str) -> Component:
    match = _COMPONENT.fullmatch(text)
    if match is None:
        raise ValueError(f"application_identifiers.csv: {text!r} is not a component")
    length = int(match["length"])
    linters = tuple(match["linters"].split(",")) if match["linters"] else ()
    return Component(match["set"], 1 if match["up_to"] else length, length, text.startswith("["), linters)


def _matching(ais: Iterable[str], pattern: str) -> frozenset[str]:
    """Return the AIs a pattern names: `31nn` is every one that begins with 31 and has four digits."""
    prefix = pattern.rstrip("n")
    return frozenset(ai for ai in ais if ai.startswith(prefix) and len(ai) == len(pattern))


def _table() -> dict[str, ApplicationIdentifier]:
    rows = {ai: row for row in _rows() for ai in _members(row["ai"])}

    def known(pattern: str) -> frozenset[str]:
        return _matching(rows, pattern)

    # Many rows name the same AIs: each list is read once.
    alternatives = {
        text: tuple(tuple(known(part) for part in either.split("+")) for either in text.split(",") if either)
        for text in {row["requires"] for row in rows.values()}
    }
    excluded = {
        text: frozenset[str]().union(*(known(pattern) for pattern in text.split(",") if pattern))
        for text in {row["excludes"] for row in rows.values()}
    }
    return {
        ai: ApplicationIdentifier(
            ai=ai,
            title=row["title"],
            components=tuple(_component(part) for part in row["components"].split()),
            predefined_length=row["needs_no_fnc1"] == "yes",
            digital_link_attribute=row["digital_link_attribute"] == "yes",
            key_qualifiers=frozenset(re.findall("[0-9]+", row["primary_key_qualifiers"])),
            requires=alternatives[row["requires"]],
            # An AI does not exclude itself, even where it matches a pattern.
            excludes=excluded[row["excludes"]] - {ai},
        )
        for ai, row in rows.items()
    }


APPLICATION_IDENTIFIERS: Mapping[str, ApplicationIdentifier] = MappingProxyType(_table())


def matching(pattern: str) -> frozenset[str]:
    """Return the AIs that a pattern names, such as `310n` or `31nn`; `10` names itself.

    >>> sorted(matching("310n"))
    ['3100', '3101', '3102', '3103', '3104', '3105']
    """
    return _matching(APPLICATION_IDENTIFIERS, pattern)
