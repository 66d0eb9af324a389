"""The `LABELS_*` environment variables and their defaults."""

import os
import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from exports.limits import Limits
from renderers.engine import Engine
from renderers.sheets.pdf import MOST_PAGES


class Settings(BaseSettings):
    """The `LABELS_*` environment. Paths that are not set are below the home."""

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    home: Path = Path(".labels")
    storage_url: str = ""
    database_url: str = ""
    secret_key: str = ""
    sync_threshold: int = Field(default=1000, ge=0)
    max_items: int = Field(default=Limits().max_items, ge=1)
    max_pages: int = Field(default=Limits().max_pages, ge=1, le=MOST_PAGES)
    warm_workers: int = Field(default=2, ge=1, le=64)
    engine: Engine = Engine.BATCH

    def resolved(self) -> "Settings":
        """Return the settings with an absolute home, which is created, and every value set."""
        home = self.home.expanduser().resolve()
        home.mkdir(parents=True, exist_ok=True)
        return self.model_copy(
            update={
                "home": home,
                "storage_url": self.storage_url or str(home / "storage"),
                "database_url": self.database_url or f"sqlite:///{home / 'accounts.sqlite'}",
                "secret_key": self.secret_key or _secret_of(home),
            }
        )

    def environment(self) -> dict[str, str]:
        """Return the environment that gives a child process these same settings."""
        return {
            "LABELS_HOME": str(self.home),
            "LABELS_STORAGE_URL": self.storage_url,
            "LABELS_DATABASE_URL": self.database_url,
            "LABELS_SECRET_KEY": self.secret_key,
            "LABELS_SYNC_THRESHOLD": str(self.sync_threshold),
            "LABELS_MAX_ITEMS": str(self.max_items),
            "LABELS_MAX_PAGES": str(self.max_pages),
            "LABELS_WARM_WORKERS": str(self.warm_workers),
            "LABELS_ENGINE": self.engine.value,
            "DAGSTER_HOME": str(self.home / "dagster"),
        }


def _secret_of(home: Path) -> str:
    """Return the home's secret. It is created at first use, readable by its owner only."""
    path = home / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        secret = secrets.token_urlsafe(48)
        stream.write(secret)
    return secret
