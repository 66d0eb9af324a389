"""The `LABELS_*` environment variables and their defaults."""

import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from accounts.database import PoolSettings
from accounts.vault import Vault, derived_keys, split_keys
from cli import rules
from pipelines.settings import DagsterSettings, ExecutorSettings, LimitSettings
from renderers.engine import Engine

SIGNING_VARIABLE = "LABELS_SECRET_KEY"
SENDING_VARIABLE = "LABELS_WEBHOOK_KEYS"
_KEY_VARIABLES = frozenset({SIGNING_VARIABLE, SENDING_VARIABLE})


class Settings(LimitSettings, DagsterSettings, ExecutorSettings, PoolSettings):
    """The `LABELS_*` environment. Paths that are not set are below the home.

    `code_server` is the code server's `host:port`, if it does not listen at a Unix socket of the home.
    `storage_public_url` is the S3 endpoint for clients, if it differs from the service's.
    """

    home: Path = Path(".labels")
    storage_url: str = ""
    storage_public_url: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    database_url: str = ""
    code_server: str = ""
    secret_key: str = ""
    sync_threshold: int = Field(default=1000, ge=0)
    warm_workers: int = Field(default=2, ge=1, le=64)
    engine: Engine = Engine.BATCH

    def resolved(self) -> "Settings":
        """Return the settings with an absolute home, which is created, and every value set.

        On several machines no secret key is created, because all must have the same one. Raises SettingRefused.
        """
        rules.require_consistent(os.environ)
        home = self.home.expanduser().resolve()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        restrict(home, 0o700)
        return self.model_copy(
            update={
                "home": home,
                "storage_url": self.storage_url or str(home / "storage"),
                "database_url": self.database_url or f"sqlite:///{home / 'accounts.sqlite'}",
                "secret_key": self.secret_key
                or ("" if self.dagster_url.get_secret_value() else _secret_of(home)),
            }
        )

    @property
    def webhook_keys(self) -> list[str]:
        """The keys that encrypt webhook secrets. Raises InvalidAccountValue if a secret key is short."""
        return derived_keys(split_keys(self.secret_key))

    def vault(self) -> Vault:
        """Return the vault that encrypts and decrypts webhook secrets. Without a secret key it has no keys."""
        return Vault(self.webhook_keys if self.secret_key else ())

    def environment(self) -> dict[str, str]:
        """Return the environment variables of these settings for a child process, without secret keys."""
        limits = asdict(self.limits)
        return {
            **{name: value for name, value in os.environ.items() if name not in _KEY_VARIABLES},
            "LABELS_HOME": str(self.home),
            "LABELS_STORAGE_URL": self.storage_url,
            "LABELS_DATABASE_URL": self.database_url,
            "LABELS_SYNC_THRESHOLD": str(self.sync_threshold),
            **{f"LABELS_{name.upper()}": str(value) for name, value in limits.items() if value is not None},
            "LABELS_WARM_WORKERS": str(self.warm_workers),
            "LABELS_ENGINE": self.engine.value,
            "DAGSTER_HOME": str(self.home / "dagster"),
            # Process titles must not overwrite the environment, by which the guard finds processes.
            "SPT_NOENV": "1",
        }

    def signing_environment(self) -> dict[str, str]:
        """Return the additional environment of the façade, which signs download addresses."""
        return {SIGNING_VARIABLE: self.secret_key}

    def sending_environment(self) -> dict[str, str]:
        """Return the additional environment of the code server, which sends to webhooks."""
        return {SENDING_VARIABLE: ",".join(self.webhook_keys)}


def _secret_of(home: Path) -> str:
    """Return the home's secret key. It is created at first use, readable by its owner only.

    The file is created with its content, so two processes that start at once read the same key.
    """
    path = home / "secret_key"
    if not path.exists():
        whole = home / f"secret_key.{secrets.token_hex(8)}"
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            with suppress(FileExistsError):
                os.link(whole, path)
        finally:
            whole.unlink()
    return path.read_text(encoding="ascii").strip()


def make_private(home: Path) -> None:
    """Let only the owner read the home's databases and secret key. Earlier releases created them readable."""
    for pattern in ("secret_key", "*.sqlite*", "dagster/storage/*.db*", "dagster/storage/*/*.db*"):
        for path in home.glob(pattern):
            with suppress(FileNotFoundError):  # SQLite removes files when the last process closes a database
                restrict(path, 0o600)


def restrict(path: Path, mode: int) -> None:
    """Set the mode of the file or folder if it is ours and others have any permission."""
    status = path.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        path.chmod(mode)
