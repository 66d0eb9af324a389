"""Organisations, API keys, sessions and roles, as values."""

from dataclasses import dataclass, field
from datetime import datetime
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
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An authenticated key, without its secret text.

    `per_minute` and `per_day` are its own rate limits in requests, None for the service's.
    """

    id: int
    organisation: Organisation
    role: Role
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is stored of a key, for its management. `active` is whether it works now."""

    id: int
    name: str | None
    role: Role
    per_minute: int | None
    per_day: int | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun, with its two secrets. They cannot be read again later."""

    session_id: str = field(repr=False)
    csrf_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session: the key it began with, and the SHA-256 of its CSRF token."""

    key: ApiKey
    csrf_sha256: str = field(repr=False)
