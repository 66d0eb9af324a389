"""Validation errors of pydantic, as the details of an `InvalidRequest`."""

from pydantic import ValidationError

from exports.errors import Detail

#: Longest name in a location, in characters. Clients choose the names of unknown keys and parameters.
MAX_NAME_LENGTH = 64


def bounded(step: str | int) -> str | int:
    """Return a step of a location, cut to `MAX_NAME_LENGTH`."""
    return step[:MAX_NAME_LENGTH] if isinstance(step, str) else step


def details_of(error: ValidationError, place: str) -> list[Detail]:
    """Return one detail per fault. Locations start with `place`, the part of the request: `body` or `query`."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"loc": [place, *map(bounded, fault["loc"])], "msg": fault["msg"], "type": fault["type"]}
        for fault in faults
    ]
