"""What the façade is configured with: the environment's `LABELS_*`."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """The façade's settings.

    `secret_key` signs download URLs: every façade process of one service needs the same.
    `public_url` is the root of absolute URLs where a proxy hides it; else the request's own is taken.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore", frozen=True)

    secret_key: SecretStr = Field(min_length=16)
    download_ttl_seconds: int = Field(default=900, ge=1)
    max_body_bytes: int = Field(default=1_048_576, ge=1)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
