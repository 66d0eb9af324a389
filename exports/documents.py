"""The JSON documents of a job. They have a version. Fields that this release does not know are ignored.

So a release can add fields, and the release before it can still read the documents.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import UnreadableDocument

#: Increase it only if an older release would misread the documents. Documents of releases before 0.2 have no version.
VERSION = 1

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class _Envelope:
    version: int = VERSION


_ENVELOPE = TypeAdapter(_Envelope)


def versioned(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with these fields."""
    return {"version": VERSION, **fields}


def load(
    kind: type[_Kind],
    key: str,
    store: ArtefactStore,
    *,
    absent: Mapping[str, Any] | None = None,
    context: object = None,
    upgrade: Callable[[dict[str, Any]], None] | None = None,
) -> _Kind:
    """Return the stored document as an instance of the dataclass `kind`.

    `absent` has values for missing fields, if they differ from the defaults of `kind`. `upgrade` changes a document of
    an earlier release in place. `context` is for pydantic's validators. Raises FileNotFoundError. Raises
    UnreadableDocument if the document is not JSON, lacks a field or has a later version.
    """
    text = store.read(key)
    try:
        version = _ENVELOPE.validate_json(text).version
        if version > VERSION:
            raise UnreadableDocument(key, f"it has version {version}, and this release knows {VERSION}")
        if absent or upgrade:
            fields = {**(absent or {}), **json.loads(text)}
            if upgrade:
                upgrade(fields)
            text = canonical_json(fields)
        return _adapter(kind).validate_json(text, context=context)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise UnreadableDocument(key, f"{where}: {fault['msg']}") from error


def find(kind: type[_Kind], key: str, store: ArtefactStore) -> _Kind | None:
    """Return the stored document as an instance of `kind`, or None. Raises UnreadableDocument."""
    try:
        return load(kind, key, store)
    except FileNotFoundError:
        return None


@cache
def _adapter(kind: type[_Kind]) -> TypeAdapter[_Kind]:
    return TypeAdapter(kind)
