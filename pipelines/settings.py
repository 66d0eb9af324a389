"""The `LABELS_*` variables that ops, schedules and sensors read at each evaluation."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from exports.limits import Limits
from renderers.engine import Engine
from renderers.sheets.cells import MOST_PAGES


class PipelineSettings(BaseSettings):
    """`retention_days` counts from a job's last change. Private webhook addresses are for tests and closed networks.

    `webhook_keys` decrypt webhook secrets. The supervisor derives them and passes them to the code server.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    engine: Engine = Engine.BATCH
    max_items: int = Field(default=Limits().max_items, ge=1)
    max_labels: int = Field(default=Limits().max_labels, ge=1)
    max_pages: int = Field(default=Limits().max_pages, ge=1, le=MOST_PAGES)
    max_storage_bytes: int | None = Field(default=None, ge=0)
    max_open_jobs: int = Field(default=200, ge=1)
    retention_days: int = Field(default=30, ge=1, le=36_500)
    webhook_allow_private: bool = False
    webhook_keys: SecretStr = SecretStr("")

    @property
    def limits(self) -> Limits:
        return Limits(self.max_items, self.max_labels, self.max_pages, self.max_storage_bytes)
