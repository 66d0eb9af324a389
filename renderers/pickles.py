"""Pickles of values that steps hand on, also those that an earlier release wrote."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

_Kind = TypeVar("_Kind", bound=type)


def restorable(kind: _Kind) -> _Kind:
    """Let a frozen dataclass read the pickles of releases that had fewer of its fields.

    This decorator must be above `@dataclass(slots=True)`, which in Python 3.11 replaces the class's own `__setstate__`.
    """
    kind.__setstate__ = _restore  # pyright: ignore[reportAttributeAccessIssue]
    return kind


def _restore(value: Any, state: Sequence[Any]) -> None:
    """Set the fields from their pickled state. Fields that it lacks come last and take their defaults."""
    members = fields(value)
    for field, stored in zip(members, state, strict=False):
        object.__setattr__(value, field.name, stored)
    for field in members[len(state) :]:
        object.__setattr__(value, field.name, field.default_factory())  # type: ignore[misc]
