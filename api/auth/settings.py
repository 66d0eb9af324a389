"""Settings of authentication, from the `LABELS_*` environment variables."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class AuthSettings(BaseSettings):
    """Settings of bearer tokens and sessions.

    Bearer tokens are accepted if `oauth_issuer`, `oauth_audience` and `oauth_jwks_url` are all set. The URL of
    the JWK Set is https, a local file (`file:///…`), or http on this machine.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore", frozen=True)

    oauth_issuer: str | None = None
    oauth_audience: str | None = None
    oauth_jwks_url: str | None = None
    oauth_organisation_claim: str = Field(default="org", min_length=1)
    oauth_role_claim: str = Field(default="role", min_length=1)
    session_ttl_seconds: int = Field(default=43_200, ge=60, le=604_800)

    @field_validator("oauth_issuer", "oauth_audience", "oauth_jwks_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @field_validator("oauth_jwks_url")
    @classmethod
    def _out_of_reach_of_others(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        known = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if url is None or (known and parts.hostname) or (parts.scheme == "file" and not parts.netloc):
            return url
        msg = "an https:// or file:/// URL, or http:// on this machine"
        raise ValueError(msg)

    @model_validator(mode="after")
    def _oauth_is_whole(self) -> Self:
        given = [self.oauth_issuer, self.oauth_audience, self.oauth_jwks_url]
        if any(given) and not all(given):
            msg = "LABELS_OAUTH_ISSUER, LABELS_OAUTH_AUDIENCE and LABELS_OAUTH_JWKS_URL go together"
            raise ValueError(msg)
        return self
