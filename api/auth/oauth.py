"""OAuth bearer tokens: JWTs signed by an authorization server, checked with its published keys."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx
import jwt
from jwt import PyJWK

from accounts.identity import Role
from api.auth.settings import AuthSettings
from api.errors import Unauthorized
from exports.errors import Unavailable

SCOPE = "labels:export"

#: Asymmetric algorithms only. With HMAC allowed, a token could be signed with a public key as the secret.
ALGORITHMS = frozenset({"RS256", "ES256"})

#: Allowed difference between the clocks of the issuer and of this service.
LEEWAY_SECONDS = 30

#: Shortest time between two fetches, so that made-up key ids cannot flood the issuer with requests.
REFETCH_SECONDS = 60
#: Time after which the keys are fetched again. A key that the issuer withdrew is refused from then on.
MAX_AGE_SECONDS = 3600

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_log = logging.getLogger(__name__)

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Bearer:
    """The claims of a valid token. `organisation` is a slug that may not exist."""

    subject: str
    organisation: str
    role: Role


class BearerTokens:
    """Checks tokens of the issuer in the settings, which must name one. May block: call it from a thread."""

    def __init__(self, settings: AuthSettings, fetch: Fetch) -> None:
        self._settings = settings
        self._keys = SigningKeys(settings.oauth_jwks_url or "", fetch)

    def check(self, token: str) -> Bearer:
        """Return the claims of the token.

        The token must name its key (`kid`), be signed with that key's own algorithm, be in time, be of the
        configured issuer and audience, and have the scope, a subject, an organisation and a role. There are no
        defaults. Raises Unauthorized; Unavailable if the issuer's keys have never been fetched.
        """
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthorized
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._settings.oauth_issuer,
                audience=self._settings.oauth_audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        # The library itself fails on deeply nested headers (RecursionError) and on huge times (OverflowError).
        except (jwt.PyJWTError, RecursionError, OverflowError) as error:
            raise Unauthorized from error
        return self._bearer(claims)

    def _bearer(self, claims: Mapping[str, Any]) -> Bearer:
        scope = claims.get("scope")
        subject = claims["sub"]
        organisation = claims.get(self._settings.oauth_organisation_claim)
        role = claims.get(self._settings.oauth_role_claim)
        if not isinstance(scope, str) or SCOPE not in scope.split(" "):
            raise Unauthorized
        if not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None:
            raise Unauthorized
        if not isinstance(organisation, str) or role not in list(Role):
            raise Unauthorized
        return Bearer(subject, organisation, Role(role))


class SigningKeys:
    """The issuer's public keys by key id, fetched on first use and cached. Thread-safe."""

    def __init__(self, url: str, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, PyJWK] | None = None
        self._fetched_at = self._tried_at = float("-inf")

    def get(self, kid: str) -> PyJWK | None:
        """Return the key, or None if the issuer has none of that id. Raises Unavailable."""
        if not self._is_known(kid):
            with self._lock:
                if not self._is_known(kid) and self._clock() - self._tried_at >= REFETCH_SECONDS:
                    self._refresh()
        if self._keys is None:
            raise Unavailable("Bearer tokens cannot be checked just now.", retry_after=REFETCH_SECONDS)
        return self._keys.get(kid)

    def _is_known(self, kid: str) -> bool:
        fresh = self._clock() - self._fetched_at < MAX_AGE_SECONDS
        return fresh and self._keys is not None and kid in self._keys

    def _refresh(self) -> None:
        self._tried_at = self._clock()
        try:
            self._keys = parse_jwks(self._fetch(self._url))
        except (OSError, httpx.HTTPError, ValueError) as error:
            # Keep the keys fetched before: tokens signed with them are still valid.
            _log.warning("the JWK Set could not be fetched: %s", error)
        else:
            self._fetched_at = self._tried_at


def parse_jwks(text: bytes) -> dict[str, PyJWK]:
    """Return the usable signature keys of a JWK Set by key id. Others are ignored (RFC 7517, 5).

    Raises ValueError if the text is not a JWK Set.
    """
    content: Any = json.loads(text)
    members: Any = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(members, list):
        msg = "the document is no JWK Set"
        raise ValueError(msg)  # noqa: TRY004 - the same error as for text that is not JSON
    found: dict[str, PyJWK] = {}
    for member in members:
        try:
            key = PyJWK.from_dict(member)
        except (jwt.PyJWTError, TypeError, AttributeError, ValueError):
            continue
        if key.key_id and key.algorithm_name in ALGORITHMS and key.public_key_use in {None, "sig"}:
            found[key.key_id] = key
    return found


def fetch_jwks(url: str) -> bytes:
    """Return the document at a `file:`, `https:` or `http:` URL. Raises OSError, httpx.HTTPError."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path)).read_bytes()
    return httpx.get(url, timeout=5, follow_redirects=False).raise_for_status().content
