"""Entity ids: one canonical text for every way to write the same UUID, and ids derived from natural keys."""

import re
import uuid

import shortuuid

# Must never change: with another namespace every entity with a derived id would get a new one.
NAMESPACE = uuid.UUID("b6d7a0f4-3c0e-5b7e-9a51-2f1c5e0d8a77")
# A control character cannot occur in a key's parts, so different natural keys give different names.
SEPARATOR = "\x1f"

_UUID = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
)
_SHORTUUID = re.compile(r"[2-9A-HJ-NP-Za-km-z]{22}")


def canonical_id(text: str) -> str:
    """Return the id as it is stored: lower-case hyphenated where it is a UUID, else unchanged.

    A UUID may come in any case, with or without hyphens, or as its 22-character shortuuid. A text that
    decodes to 2^128 or more is not a UUID and stays unchanged.

    >>> canonical_id("6BA7B8109DAD11D180B400C04FD430C8")
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    >>> canonical_id("abc123def456")
    'abc123def456'
    """
    if _UUID.fullmatch(text):
        return str(uuid.UUID(text))
    if _SHORTUUID.fullmatch(text):
        try:
            return str(shortuuid.decode(text))
        except ValueError:
            return text
    return text


def derived_id(organisation: str, entity_type: str, *natural_key: str) -> str:
    """Return the id of an entity imported without one: a UUID version 5 of organisation and natural key.

    The catalogue's SQL macro `derived_id` gives the same id; a test compares them.
    """
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join((organisation, entity_type, *natural_key))))
