"""The designs that an organisation has: those that everybody has, and its own with their versions."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.errors import NoSuchDesign
from accounts.labels.designs import Designs, StoredDesign
from exports.designs.chosen import of_stored
from exports.designs.document import BUILT_IN, Design


@dataclass(frozen=True, slots=True)
class KnownDesign:
    """One version of a design. A built-in one has version 1, no `created_at` and no `created_by`."""

    name: str
    version: int
    design: Design
    document: dict[str, Any]
    created_at: datetime | None = None
    created_by: str | None = None

    @property
    def built_in(self) -> bool:
        return self.created_at is None

    @classmethod
    def of(cls, found: StoredDesign) -> "KnownDesign":
        """Return a design of the organisation, its document as it was stored."""
        document = json.loads(found.document)
        return cls(found.name, found.version, of_stored(found), document, found.created_at, found.created_by)


_BUILT_IN = {
    name: KnownDesign(name, 1, design, design.model_dump(mode="json", exclude_none=True))
    for name, design in BUILT_IN.items()
}


def newest(designs: Designs, organisation: str) -> list[KnownDesign]:
    """Return the newest version of every design, built-in ones first. Raises NoSuchOrganisation."""
    return [*_BUILT_IN.values(), *map(KnownDesign.of, designs.list(organisation))]


def versions(designs: Designs, organisation: str, name: str) -> list[KnownDesign]:
    """Return the design's versions, newest first. Raises NoSuchOrganisation, NoSuchDesign."""
    if name in _BUILT_IN:
        return [_BUILT_IN[name]]
    return [KnownDesign.of(each) for each in designs.versions(organisation, name)]


def find(designs: Designs, organisation: str, name: str, version: int | None = None) -> KnownDesign:
    """Return a version of the design, the newest if none is named. Raises NoSuchOrganisation, NoSuchDesign."""
    if name not in _BUILT_IN:
        return KnownDesign.of(designs.get(organisation, name, version))
    if version not in {None, 1}:
        raise NoSuchDesign(name, version)
    return _BUILT_IN[name]
