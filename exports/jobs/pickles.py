"""Pickles of values that steps hand on, also those that an earlier release wrote."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any


def restore(value: Any, state: Sequence[Any]) -> None:
    """Set the fields of a frozen dataclass from its pickled state.

    Fields that the release which pickled it did not have come last and take their defaults.
    """
    members = fields(value)
    for field, stored in zip(members, state, strict=False):
        object.__setattr__(value, field.name, stored)
    for field in members[len(state) :]:
        object.__setattr__(value, field.name, field.default_factory())  # type: ignore[misc]
