"""OAuth bearer tokens: JWTs that an authorization server signed, checked against its published keys."""

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

#: Asymmetric only: a public key can then never be passed off as a shared secret.
ALGORITHMS = frozenset({"RS256", "ES256"})

#: How far the clocks of issuer and service may be apart.
LEEWAY_SECONDS = 30

#: An unknown key id asks the issuer again at most this often, whoever makes key ids up.
REFETCH_SECONDS = 60
#: A key that the issuer has withdrawn is forgotten after so long.
MAX_AGE_SECONDS = 3600

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_log = logging.getLogger(__name__)

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a good token speaks for; `organisation` is a slug that nobody has looked up yet."""

    subject: str
    organisation: str
    role: Role


class BearerTokens:
    """Checks tokens of the issuer in the settings, which must name one. Blocks: call it from a thread."""

    def __init__(self, settings: AuthSettings, fetch: Fetch) -> None:
        self._settings = settings
        self._keys = SigningKeys(settings.oauth_jwks_url or "", fetch)

    def check(self, token: str) -> Bearer:
        """Return whom the token speaks for.

        It must name its key (`kid`), be signed with that key's own algorithm, be in time and of our issuer
        and audience, and hold the scope, a subject, an organisation and a role: nothing is guessed.
        Raises Unauthorized; Unavailable while the issuer's keys were never to be had.
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
        # Beside what the library refuses: headers nested too deeply, numbers too large for a time.
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
    """The issuer's public keys by key id, fetched when first needed and kept. Safe to share between threads."""

    def __init__(self, url: str, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, PyJWK] | None = None
        self._fetched_at = self._tried_at = float("-inf")

    def get(self, kid: str) -> PyJWK | None:
        """Return the key, or None where the issuer has none of that id. Raises Unavailable."""
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
            # What was fetched before goes on being good: an issuer that is down signs nothing new.
            _log.warning("the JWK Set could not be fetched: %s", error)
        else:
            self._fetched_at = self._tried_at


def parse_jwks(text: bytes) -> dict[str, PyJWK]:
    """Return the usable signature keys of a JWK Set (RFC 7517, 5); others are passed over, as it asks.

    Raises ValueError where the text is no JWK Set.
    """
    content: Any = json.loads(text)
    members: Any = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(members, list):
        msg = "the document is no JWK Set"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for all that is no JWK Set
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
