"""Bearer tokens: every way to get one wrong, and the issuer's keys."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.testclient import TestClient

from api.auth.oauth import MAX_AGE_SECONDS, REFETCH_SECONDS, SigningKeys, fetch_jwks, parse_jwks
from api.auth.settings import AuthSettings
from api.wire import paths
from exports.errors import Unavailable
from tests.api.auth.issuer import (
    AUDIENCE,
    CLAIMS,
    EC,
    FAR,
    JWKS,
    RSA,
    SETTINGS,
    STRANGER,
    bearer,
    is_unauthorized,
    jwk,
    service,
    token,
    unsigned,
)


@pytest.mark.parametrize(
    "good",
    [
        token(),
        token(EC, "ES256", "ec"),
        token(aud=["https://elsewhere.example", AUDIENCE]),
        token(scope="labels:export"),
    ],
)
def test_a_good_token(client, good):
    for scheme in ("Bearer", "bearer", "BEARER"):
        response = client.get("/", headers={"Authorization": f"{scheme} {good}"})
        assert response.json() == {
            "organisation": "acme",
            "role": "editor",
            "id": "oauth:user-42",
            "limits": [None, None],
        }


PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256_with_the_public_key():
    """Return a token signed with the public key as if it were a shared secret."""
    import hashlib
    import hmac

    signed = unsigned({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).rstrip(".")
    digest = hmac.digest(PUBLIC_PEM, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "empty"),
        ("a.b.c", "no token"),
        ("é.ü.ö", "not ASCII"),
        (token()[:-4], "cut"),
        (token()[:-8] + "AAAAAAAA", "altered signature"),
        (token().rsplit(".", 1)[0] + ".", "no signature"),
        (token(exp=1_000_000_000), "expired"),
        (token(exp=None), "never expires"),
        (token(exp=float("inf")), "expires beyond all numbers"),
        (token(nbf=FAR), "not yet good"),
        (token(iat=FAR), "issued in the future"),
        (token(iss="https://evil.example/"), "another issuer"),
        (token(iss="https://login.example"), "almost the issuer"),
        (token(iss=None), "no issuer"),
        (token(aud="https://elsewhere.example"), "another audience"),
        (token(aud=None), "no audience"),
        (token(aud=[]), "empty audience"),
        (token(STRANGER), "another's key under our key id"),
        (token(kid="nobody"), "unknown key id"),
        (token(headers={"kid": ""}), "empty key id"),
        (jwt.encode(CLAIMS, RSA, "RS256"), "no key id"),
        (unsigned({"alg": "RS256", "kid": 7}), "key id of another type"),
        (unsigned({"alg": "none", "kid": "rsa"}), "alg none"),
        (unsigned({"alg": "NONE", "kid": "rsa"}), "alg none in capitals"),
        (unsigned({"kid": "rsa"}), "no alg"),
        (hs256_with_the_public_key(), "public key as a shared secret"),
        (token("s" * 32, "HS256", "shared"), "a shared secret that the set publishes"),
        (token(RSA, "RS512"), "an algorithm not allowed"),
        (token(RSA, "PS256"), "an algorithm not allowed"),
        (token(STRANGER, "RS512", "rs512"), "a key of an algorithm not allowed"),
        (token(STRANGER, kid="for encryption"), "a key for encryption"),
        (token(EC, "ES256", "rsa"), "algorithm of another key"),
        (token(headers={"crit": ["exp"]}), "an extension nobody knows"),
        (token(headers={"jwk": jwk(STRANGER, "x")}, key=STRANGER, kid="x"), "a key it brings itself"),
        (token(scope=None), "no scope"),
        (token(scope="openid"), "another scope"),
        (token(scope="labels:exports"), "almost the scope"),
        (token(scope=["labels:export"]), "scope of another type"),
        (token(org=None), "no organisation"),
        (token(org="nobody"), "unknown organisation"),
        (token(org=["acme"]), "organisation of another type"),
        (token(org="acme\x00"), "NUL"),
        (token(role=None), "no role"),
        (token(role="owner"), "unknown role"),
        (token(role=["manager"]), "role of another type"),
        (token(role={}), "role of another type"),
        (token(sub=None), "no subject"),
        (token(sub=""), "empty subject"),
        (token(sub="a\nb"), "subject over two lines"),
        (token(sub="a" * 256), "subject too long"),
        (unsigned({"alg": "RS256", "kid": "rsa", "x": "y" * 10_000}), "long header"),
    ],
)  # fmt: skip
def test_a_bad_token(client, bad, reason):
    response = client.get("/", headers={"Authorization": f"Bearer {bad}".encode()})
    assert is_unauthorized(response), reason


def test_a_header_that_nests_without_end(client):
    header = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 20_000).rstrip(b"=").decode()
    assert is_unauthorized(client.get("/", headers=bearer(f"{header}.e30.x")))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=60), st.data())
def test_no_text_crashes_the_check(text, data):
    from api.auth.oauth import BearerTokens
    from api.errors import Unauthorized

    tokens = BearerTokens(AuthSettings(**SETTINGS), lambda url: json.dumps(JWKS).encode())
    good = GOOD
    at = data.draw(st.integers(0, len(good)))
    for candidate in (text, good[:at] + text + good[at:], text + "." + text + "." + text):
        try:
            assert tokens.check(candidate).subject == "user-42"
            assert candidate in {good, good[:at] + text + good[at:]}
        except Unauthorized:
            pass


GOOD = token()


def test_another_scheme_is_no_bearer_token(client, plain):
    assert is_unauthorized(client.get("/", headers={"Authorization": "Basic YTpi"}))
    client.post(paths.SESSION, headers={"X-API-Key": plain})
    assert client.get("/", headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_two_tokens_are_one_too_many(client):
    headers = [("Authorization", f"Bearer {token()}")] * 2
    assert is_unauthorized(client.get("/", headers=headers))


def test_without_an_issuer_no_token_is_good(accounts):
    def fetch(url):
        raise AssertionError("nothing is fetched")

    with TestClient(service(accounts, AuthSettings(), fetch=fetch)) as http:
        assert is_unauthorized(http.get("/", headers=bearer(token())))


def test_claims_may_have_other_names(accounts):
    settings = AuthSettings(
        **SETTINGS, oauth_organisation_claim="https://x/org", oauth_role_claim="labels_role"
    )
    with TestClient(service(accounts, settings, fetch=lambda url: json.dumps(JWKS).encode())) as http:
        named = token(org=None, role=None, **{"https://x/org": "acme", "labels_role": "viewer"})
        assert http.get("/", headers=bearer(named)).json()["role"] == "viewer"
        assert is_unauthorized(http.get("/", headers=bearer(token())))


def test_while_the_keys_cannot_be_had_nobody_is_blamed(accounts):
    def fetch(url):
        raise OSError("down")

    with TestClient(service(accounts, AuthSettings(**SETTINGS), fetch=fetch)) as http:
        response = http.get("/", headers=bearer(token()))
    assert response.status_code == 503
    assert response.headers["retry-after"] == str(REFETCH_SECONDS)


# --- the issuer's keys


class Issuer:
    """Publishes keys; counts how often it is asked."""

    def __init__(self, *kids):
        self.kids = kids
        self.asked = 0
        self.is_down = False
        self.now = 0.0

    def fetch(self, url):
        self.asked += 1
        if self.is_down:
            raise OSError("down")
        return json.dumps({"keys": [jwk(RSA, kid) for kid in self.kids]}).encode()

    def keys(self):
        return SigningKeys("https://login.example/jwks", self.fetch, clock=lambda: self.now)


def test_keys_are_fetched_once():
    issuer = Issuer("a")
    signing = issuer.keys()
    assert issuer.asked == 0
    assert all(signing.get("a") for _ in range(5))
    assert issuer.asked == 1


def test_an_unknown_key_id_asks_again_at_most_once_a_minute():
    issuer = Issuer("a")
    signing = issuer.keys()
    signing.get("a")
    issuer.kids = ("a", "b")
    assert [signing.get(f"made up {n}") for n in range(20)] == [None] * 20
    assert issuer.asked == 1
    issuer.now = REFETCH_SECONDS
    assert signing.get("b") is not None
    assert issuer.asked == 2


def test_a_withdrawn_key_is_forgotten():
    issuer = Issuer("a", "b")
    signing = issuer.keys()
    signing.get("a")
    issuer.kids = ("b",)
    issuer.now = MAX_AGE_SECONDS
    assert signing.get("a") is None
    assert signing.get("b") is not None


def test_an_issuer_that_is_down_does_not_end_its_good_keys():
    issuer = Issuer("a")
    signing = issuer.keys()
    signing.get("a")
    issuer.is_down = True
    issuer.now = MAX_AGE_SECONDS
    assert all(signing.get("a") for _ in range(5))
    assert issuer.asked == 2


def test_an_issuer_that_was_never_up():
    issuer = Issuer("a")
    issuer.is_down = True
    signing = issuer.keys()
    for _ in range(5):
        with pytest.raises(Unavailable):
            signing.get("a")
    assert issuer.asked == 1
    issuer.is_down, issuer.now = False, REFETCH_SECONDS
    assert signing.get("a") is not None


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": {}}', b"null", b"<html>", b"\xff\xfe"])
def test_a_document_that_is_no_jwk_set(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse_jwks(text)


def test_only_usable_keys_are_taken():
    assert set(parse_jwks(json.dumps(JWKS).encode())) == {"rsa", "ec"}


def test_a_jwk_set_in_a_file(accounts, tmp_path):
    path = tmp_path / "keys of the issuer.json"
    path.write_text(json.dumps(JWKS))
    assert json.loads(fetch_jwks(path.as_uri())) == JWKS
    settings = AuthSettings(**(SETTINGS | {"oauth_jwks_url": path.as_uri()}))
    with TestClient(service(accounts, settings)) as http:
        assert http.get("/", headers=bearer(token())).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"oauth_issuer": None},
        {"oauth_audience": ""},
        {"oauth_jwks_url": None},
        {"oauth_jwks_url": "http://login.example/jwks"},
        {"oauth_jwks_url": "ftp://login.example/jwks"},
        {"oauth_jwks_url": "file://elsewhere/jwks"},
        {"oauth_jwks_url": "https://"},
        {"session_ttl_seconds": 0},
    ],
)
def test_settings_that_do_not_fit_are_refused(changes):
    with pytest.raises(ValidationError):
        AuthSettings(**(SETTINGS | changes))
