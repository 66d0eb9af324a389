"""Strict parsing of JSON bodies. Every fault is reported with its location."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, cast

from pydantic import BaseModel, ValidationError

from exports.errors import Detail, InvalidRequest
from exports.requests.details import MAX_NAME_LENGTH, details_of

#: Most faults reported. Without a limit, 5,000 wrong GTINs would make a response of a megabyte.
MAX_DETAILS = 100

#: Most levels of nesting. A valid body has three.
_MAX_DEPTH = 16

_Model = TypeVar("_Model", bound=BaseModel)


def parse(body: bytes, model: type[_Model]) -> _Model:
    """Return the model of a JSON body.

    Raises InvalidRequest with one detail per fault, if the body is not strict JSON (`json_invalid`, also for
    duplicate keys, NaN and too deep nesting), holds text that cannot be stored, or is refused by the model.
    """
    document = _strict_json(body)
    if faults := _unstorable(document):
        raise InvalidRequest(faults)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> InvalidRequest:
    details = details_of(error, "body")
    if len(details) > MAX_DETAILS:
        return InvalidRequest(
            details[:MAX_DETAILS],
            f"The request has {len(details)} faults; the first {MAX_DETAILS} are listed.",
        )
    return InvalidRequest(details)


def _malformed(message: str) -> InvalidRequest:
    return InvalidRequest([{"loc": ["body"], "msg": f"Invalid JSON: {message}", "type": "json_invalid"}])


def _strict_json(body: bytes) -> object:
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_object_of_distinct_keys, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise _malformed("nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise _malformed("a number is too long") from error


def _object_of_distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise _malformed(f"the key {twice[:MAX_NAME_LENGTH]!r} stands twice in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not a JSON value")


def _unstorable(document: object) -> list[Detail]:
    """Return a fault for each text that cannot be stored, because it has a NUL or an unpaired surrogate.

    Raises InvalidRequest if the document is nested too deeply.
    """
    faults: list[Detail] = []
    todo: list[tuple[list[str | int], object]] = [(["body"], document)]
    while todo:
        loc, value = todo.pop()
        if len(loc) > _MAX_DEPTH:
            raise _malformed("nested too deeply")
        if isinstance(value, dict):
            for key, member in cast("dict[str, object]", value).items():
                todo.append(([*loc, _shown(key)], member))
                faults += _text_faults([*loc, _shown(key)], key)
        elif isinstance(value, list):
            members = cast("list[object]", value)
            todo.extend(([*loc, index], member) for index, member in enumerate(members))
        elif isinstance(value, str):
            faults += _text_faults(loc, value)
    return sorted(faults, key=lambda fault: list(map(str, fault["loc"])))[:MAX_DETAILS]


def _text_faults(loc: list[str | int], value: str) -> Iterable[Detail]:
    if "\0" in value:
        yield {"loc": loc, "msg": "Input should have no NUL character", "type": "nul_character"}
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        yield {"loc": loc, "msg": "Input should be valid Unicode", "type": "string_unicode"}


def _shown(key: str) -> str:
    return key[:MAX_NAME_LENGTH].encode("utf-8", "backslashreplace").decode()
