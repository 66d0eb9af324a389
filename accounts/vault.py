"""Encryption of the secrets that the database keeps, with keys that follow from the service's secret keys."""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.errors import InvalidAccountValue, UnreadableSecret

_SHORTEST = 16

#: How secrets begin that releases before 0.2 stored in plain text. Encrypted ones begin with `gAAAA`.
_PLAIN = "whsec_"

#: Never change it: the derived keys would be others.
_PURPOSE = b"gs1-label-exporter webhook secrets"


def split_keys(text: str) -> list[str]:
    """Return the secret keys, which commas separate. The first is the newest.

    Raises InvalidAccountValue, without the text, if one has fewer than 16 characters.
    """
    found = [key.strip() for key in text.split(",")]
    if any(len(key) < _SHORTEST for key in found):
        raise InvalidAccountValue(
            "a secret key is too short",
            expected=f"keys of {_SHORTEST} characters or more, separated by commas",
            field="LABELS_SECRET_KEY",
        )
    return found


def derived_keys(secret_keys: Sequence[str]) -> list[str]:
    """Return the vault's key for each secret key. The secret key does not follow from it."""
    return [
        base64.urlsafe_b64encode(
            HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
        ).decode()
        for key in secret_keys
    ]


class Vault:
    """Encrypts with the first of its keys and decrypts with any. Without keys it does neither."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._newest = Fernet(keys[0]) if keys else None
        self._any = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, plain: str) -> str:
        """Return the secret encrypted. Raises UnreadableSecret if there is no key: nobody could read it."""
        if self._newest is None:
            raise UnreadableSecret
        return self._newest.encrypt(plain.encode()).decode()

    def unseal(self, stored: str) -> str:
        """Return the secret. Raises UnreadableSecret if none of the keys is the one that encrypted it."""
        if stored.startswith(_PLAIN):
            return stored
        if self._any is None:
            raise UnreadableSecret
        try:
            return self._any.decrypt(stored).decode()
        except InvalidToken as error:
            raise UnreadableSecret from error

    def resealed(self, stored: str) -> str:
        """Return the secret encrypted with the first key. One that is so already is returned as it is."""
        if self._newest is not None and not stored.startswith(_PLAIN):
            try:
                self._newest.decrypt(stored)
            except InvalidToken:
                pass
            else:
                return stored
        return self.seal(self.unseal(stored))
