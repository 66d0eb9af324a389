"""The `LABELS_*` variables that ops, schedules and sensors read at each evaluation."""

from dataclasses import fields

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from exports.limits import Limits
from renderers.engine import Engine
from renderers.sheets.cells import MOST_PAGES


class LimitSettings(BaseSettings):
    """The limits of jobs, which every process of the service reads."""

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    max_items: int = Field(default=Limits().max_items, ge=1)
    max_labels: int = Field(default=Limits().max_labels, ge=1)
    max_pages: int = Field(default=Limits().max_pages, ge=1, le=MOST_PAGES)
    max_storage_bytes: int | None = Field(default=Limits().max_storage_bytes, ge=0)
    max_open_jobs: int = Field(default=Limits().max_open_jobs, ge=1)

    @property
    def limits(self) -> Limits:
        return Limits(**{limit.name: getattr(self, limit.name) for limit in fields(Limits)})


class PipelineSettings(LimitSettings):
    """`public_url` is the root of the API's addresses, if it is not the one that clients call.

    `retention_days` counts from a job's last change. Private webhook addresses are for tests and closed networks.
    `webhook_keys` decrypt webhook secrets. The supervisor derives them and passes them to the code server.
    """

    engine: Engine = Engine.BATCH
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    retention_days: int = Field(default=30, ge=1, le=36_500)
    webhook_allow_private: bool = False
    webhook_keys: SecretStr = SecretStr("")
