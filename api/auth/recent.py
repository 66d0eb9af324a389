"""Credentials that were valid lately, known by their digests."""

import hashlib

from starlette.requests import Request

from api.auth.principals import SESSION_COOKIE

#: About one megabyte.
_MOST = 10_000


class RecentCredentials:
    """The newest credentials that were valid when they were last seen.

    Bad credentials from an address use up its attempts. Those who share the address, such as behind a proxy, and
    have authenticated before are not affected, because their credentials are known here.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._digests: dict[bytes, None] = {}

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._digests

    def add(self, digest: bytes) -> None:
        """Remember the credential as the newest. The oldest is forgotten if there are too many."""
        self._digests.pop(digest, None)
        self._digests[digest] = None
        if len(self._digests) > self._most:
            del self._digests[next(iter(self._digests))]

    def discard(self, digest: bytes) -> None:
        """Forget the credential."""
        self._digests.pop(digest, None)


def digest_of(request: Request) -> bytes | None:
    """Return the SHA-256 of the request's credentials, valid or not. None if it has none."""
    given = [request.headers.getlist(name) for name in ("x-api-key", "authorization")]
    session = request.cookies.get(SESSION_COOKIE)
    if not session and not any(given):
        return None
    return hashlib.sha256(repr((given, session)).encode()).digest()
