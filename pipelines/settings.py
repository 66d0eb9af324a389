"""The `LABELS_*` variables that ops, schedules and sensors read at each evaluation."""

from dataclasses import fields
from importlib.util import find_spec

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from accounts.database import with_driver
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


class DagsterSettings(BaseSettings):
    """The PostgreSQL database of Dagster's runs, events and schedules. Without a URL they are SQLite files in the home.

    `dagster_url` is stored with its driver. `dagster_pool_size` is how many connections a process keeps.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore", hide_input_in_errors=True)

    dagster_url: SecretStr = SecretStr("")
    dagster_pool_size: int = Field(default=4, ge=1, le=100)

    @field_validator("dagster_url")
    @classmethod
    def _with_driver(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value():
            return url
        try:
            whole = with_driver(url.get_secret_value(), "psycopg2")
        except ArgumentError:
            raise ValueError("expected postgresql://user:password@host/database") from None
        if whole.drivername != "postgresql+psycopg2":
            raise ValueError(f"expected an address that begins with postgresql://, not {whole.drivername}://")
        if find_spec("dagster_postgres") is None:
            raise ValueError("PostgreSQL needs the package dagster-postgres: install the extra `postgres`")
        return SecretStr(whole.render_as_string(hide_password=False))


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
