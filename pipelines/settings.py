"""The `LABELS_*` variables that schedules and sensors read at each evaluation."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from renderers.engine import Engine


class PipelineSettings(BaseSettings):
    """`retention_days` counts from a job's last change. Private webhook addresses are for tests and closed networks."""

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    engine: Engine = Engine.BATCH
    max_open_jobs: int = Field(default=200, ge=1)
    retention_days: int = Field(default=30, ge=1, le=36_500)
    webhook_allow_private: bool = False
