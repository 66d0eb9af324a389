"""API keys: `csb_<32 alphanumerics>_<CRC-32 of those, 8 lowercase hex digits>`."""

import hashlib
import hmac
import re
import secrets
import string
import zlib

_ALPHANUMERICS = string.ascii_letters + string.digits
_BODY_LENGTH = 32
_FORM = re.compile(r"csb_([0-9A-Za-z]{32})_([0-9a-f]{8})")


def new_key() -> str:
    """Return a fresh random key: 32 alphanumerics are about 190 bits."""
    body = "".join(secrets.choice(_ALPHANUMERICS) for _ in range(_BODY_LENGTH))
    return f"csb_{body}_{checksum(body)}"


def checksum(body: str) -> str:
    """Return the CRC-32 of the body as 8 lowercase hexadecimal digits.

    >>> checksum("123456789")
    'cbf43926'
    """
    return f"{zlib.crc32(body.encode()):08x}"


def is_well_formed(key: str) -> bool:
    """Return whether the key has the right form and checksum. This needs no look-up.

    >>> is_well_formed("csb_" + "A" * 32 + "_00000000")
    False
    """
    match = _FORM.fullmatch(key)
    return match is not None and hmac.compare_digest(match[2], checksum(match[1]))


def digest(key: str) -> str:
    """Return the hexadecimal SHA-256 of a key or another random secret. Only this is stored.

    A fast hash is safe here: so many random bits cannot be guessed.
    """
    return hashlib.sha256(key.encode()).hexdigest()
