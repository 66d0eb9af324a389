"""Who asks: organisations, API keys and their roles, as values."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What the holder of a key may do."""

    MANAGER = "manager"
    EDITOR = "editor"
    VIEWER = "viewer"

    @property
    def may_submit(self) -> bool:
        return self is not Role.VIEWER


@dataclass(frozen=True, slots=True)
class Organisation:
    """A brand owner. `resolver` is the https root of its Digital Links, None for GS1's own."""

    slug: str
    name: str
    resolver: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An authenticated key: never the key itself."""

    id: int
    organisation: Organisation
    role: Role
