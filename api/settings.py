"""Settings of the façade, from the `LABELS_*` environment variables."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from accounts.vault import split_keys


class ApiSettings(BaseSettings):
    """The façade's settings.

    `secret_key` signs download URLs. It may be several keys, separated by commas: the first signs, and what any of
    them signed is accepted. All façade processes of one service need the same keys.
    `public_url` is the root of absolute URLs if a proxy hides it. Without it, the request's own URL is used.
    `redis_url` is the Redis in which all processes count requests. Without it, each process counts alone.
    `cors_origins` are the origins whose pages may call the API, separated by commas. The default is none.
    `trusted_proxies` are the networks of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed,
    separated by commas. The default is none.
    `warm_workers` is how many processes execute small exports. It bounds how many submissions of one organisation are
    answered at the same time.
    `metrics_key` is the bearer token for `/metrics`, which is not served without one. `metrics_port` is a port of
    their own at which metrics are served to everyone who can reach it.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore", frozen=True)

    secret_key: SecretStr = Field(min_length=16)
    download_ttl_seconds: int = Field(default=900, ge=1)
    max_body_bytes: int = Field(default=1_048_576, ge=1)
    max_import_bytes: int = Field(default=1 << 30, ge=1)
    body_timeout_seconds: float = Field(default=30.0, gt=0)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    rate_per_minute: int = Field(default=300, ge=1)
    rate_per_day: int = Field(default=10_000, ge=1)
    redis_url: SecretStr | None = None
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    warm_workers: int = Field(default=2, ge=1, le=64)
    metrics_key: SecretStr | None = Field(default=None, min_length=16)
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()

    @property
    def secret_keys(self) -> list[str]:
        """The secret keys, the newest first. Raises InvalidAccountValue if one is short."""
        return split_keys(self.secret_key.get_secret_value())

    @property
    def submissions_each(self) -> int:
        """How many submissions of one organisation have a thread: one for each warm worker, one being prepared.

        More would share one processor, and another organisation's submission would wait for all of them.
        """
        return self.warm_workers + 1

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())
