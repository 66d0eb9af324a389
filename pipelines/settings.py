"""The `LABELS_*` variables that ops, schedules and sensors read at each evaluation."""

import os
from dataclasses import fields
from enum import StrEnum
from importlib.util import find_spec

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from accounts.database import with_driver
from exports.limits import Limits
from renderers.engine import Engine
from renderers.sheets.cells import MOST_PAGES


class LimitSettings(BaseSettings):
    """The limits of jobs. Every process of the service reads them."""

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
    """Settings of ops, schedules and sensors.

    `public_url` is the root of the API's addresses, if it differs from the one that clients call.

    `retention_days` counts from a job's last change. Private webhook addresses are for tests and closed networks.
    `webhook_keys` decrypt webhook secrets. The supervisor derives them and passes them to the code server.
    """

    engine: Engine = Engine.BATCH
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    retention_days: int = Field(default=30, ge=1, le=36_500)
    webhook_allow_private: bool = False
    webhook_keys: SecretStr = SecretStr("")


class Executor(StrEnum):
    """Where the steps of large exports execute: on the run worker's machine, or on those that run `labels worker`."""

    LOCAL = "local"
    CELERY = "celery"


#: Added to the time limit of a step, so that a killed step has ended before its message is delivered again.
_REDELIVERY_MARGIN_SECONDS = 600


class ExecutorSettings(BaseSettings):
    """Where and how the steps of large exports execute, and how many at once.

    `exports_at_once` and `exports_per_organisation` limit the queued exports that run at once; `steps_at_once` limits
    the steps of one export. The defaults depend on the executor.

    On Celery a step that nobody has begun is sent again after `resend_seconds`, and killed after `step_seconds`. A
    worker replaces a child after `child_steps` steps, and after a step that leaves it with more than `child_memory_mb`
    MiB. Services that share a broker have different names for their `queue`.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore", hide_input_in_errors=True)

    executor: Executor = Executor.LOCAL
    broker_url: SecretStr = SecretStr("")
    queue: str = Field(default="labels", pattern=r"^[a-z0-9_-]{1,64}$")
    exports_at_once: int | None = Field(default=None, ge=1, le=1000)
    exports_per_organisation: int | None = Field(default=None, ge=1, le=1000)
    steps_at_once: int | None = Field(default=None, ge=1, le=1000)
    step_seconds: int = Field(default=3_600, ge=1)
    resend_seconds: float = Field(default=30.0, gt=0)
    child_steps: int = Field(default=500, ge=1)
    child_memory_mb: int = Field(default=1024, ge=256)

    @property
    def exports(self) -> int:
        """Queued exports that run at once. On one machine they share the cores with the warm workers."""
        return self.exports_at_once or (2 if self.executor is Executor.LOCAL else 10)

    @property
    def exports_of_each(self) -> int:
        """Queued exports of one organisation that run at once. Low, so that other organisations do not wait long."""
        return self.exports_per_organisation or (1 if self.executor is Executor.LOCAL else 2)

    @property
    def steps(self) -> int:
        """Steps of one export that run at once."""
        return self.steps_at_once or (len(os.sched_getaffinity(0)) if self.executor is Executor.LOCAL else 16)

    @property
    def chunks(self) -> int:
        """Minimum number of chunks of a large job: on Celery two for each step that runs at once."""
        return 1 if self.executor is Executor.LOCAL else 2 * self.steps

    @property
    def redelivery_seconds(self) -> int:
        """Time after which the broker delivers an unacknowledged message again."""
        return self.step_seconds + _REDELIVERY_MARGIN_SECONDS
