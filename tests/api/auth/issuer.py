"""An issuer's tokens, and a small service that returns the caller."""

import base64
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from api.auth.principals import WWW_AUTHENTICATE, Authenticator, require_writer
from api.auth.sessions import SessionRoutes
from api.problems import EXCEPTION_HANDLERS
from api.routes.resource import resource
from api.wire import paths

ISSUER = "https://login.example/"
AUDIENCE = "https://labels.example"
FAR = 4_102_444_800  # the year 2100
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "user-42",
    "exp": FAR,
    "scope": "openid labels:export",
    "org": "acme",
    "role": "editor",
}


def jwk(key, kid, **extra):
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **extra}


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
JWKS = {
    "keys": [
        jwk(RSA, "rsa", alg="RS256"),
        jwk(EC, "ec", alg="ES256"),
        jwk(STRANGER, "for encryption", use="enc"),
        jwk(STRANGER, "rs512", alg="RS512"),
        {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "alg": "HS256"},
        {"kty": "unheard of", "kid": "new"},
        "no key at all",
    ]
}
SETTINGS = {
    "oauth_issuer": ISSUER,
    "oauth_audience": AUDIENCE,
    "oauth_jwks_url": "https://login.example/jwks",
}


def token(key=RSA, algorithm="RS256", kid="rsa", headers=None, **changes):
    """Return a token; a claim changed to None is left out."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} | (headers or {}))


def unsigned(header, claims=CLAIMS):
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def service(accounts, settings, **options):
    """Return a small service that tells who asks; a POST needs a writer."""
    authenticator = Authenticator(accounts, settings, **options)
    sessions = SessionRoutes(accounts, settings, public_url=None)

    async def who(request):
        principal = await authenticator(request)
        if request.method == "POST":
            require_writer(principal)
        return JSONResponse(
            {
                "organisation": principal.organisation.slug,
                "role": principal.role,
                "id": principal.id,
                "limits": [principal.per_minute, principal.per_day],
            }
        )

    return Starlette(
        routes=[
            resource("/", get=who, post=who, delete=who),
            resource(paths.SESSION, post=sessions.begin, delete=sessions.end),
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def is_unauthorized(response):
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == WWW_AUTHENTICATE
    return True
