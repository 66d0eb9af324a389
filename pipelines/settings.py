"""The `LABELS_*` variables that ops, schedules and sensors read at each evaluation."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from exports.limits import Limits
from renderers.engine import Engine
from renderers.sheets.pdf import MOST_PAGES


class PipelineSettings(BaseSettings):
    """`retention_days` counts from a job's last change. Private webhook addresses are for tests and closed networks."""

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    engine: Engine = Engine.BATCH
    max_items: int = Field(default=Limits().max_items, ge=1)
    max_pages: int = Field(default=Limits().max_pages, ge=1, le=MOST_PAGES)
    retention_days: int = Field(default=30, ge=1, le=36_500)
    webhook_allow_private: bool = False

    @property
    def limits(self) -> Limits:
        return Limits(self.max_items, self.max_pages)
