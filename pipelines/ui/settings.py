"""The `LABELS_UI_*` variables of the Dagster UI, and the account database's address."""

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_DEFAULT_PORTS = {"http": 80, "https": 443}


class UiSettings(BaseSettings):
    """Where the UI listens, the addresses that browsers use, and who may read it.

    `origins` are the UI's addresses behind a proxy or on the network, separated by commas, such as
    `https://dagster.example.com`. `login` is `always` if reading needs a log-in, and `writes` if only changes do.
    """

    model_config = SettingsConfigDict(env_prefix="LABELS_UI_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    login: Literal["writes", "always"] = "writes"
    database_url: str = Field(validation_alias="LABELS_DATABASE_URL")

    @field_validator("origins", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(origin_of(part.strip()) for part in value.split(",") if part.strip())

    @property
    def log_in_to_look(self) -> bool:
        """Whether reading needs a log-in. It always does if other machines can reach the UI."""
        return self.login == "always" or bool(self.origins) or not _is_loopback(self.host)

    def hosts(self, port: int) -> dict[str, str]:
        """Return the origin for each Host header that the UI accepts at this port."""
        local = (origin_of(f"http://{name}:{port}") for name in ("127.0.0.1", "localhost", "[::1]"))
        return {urlsplit(origin).netloc: origin for origin in (*local, *self.origins)}


def origin_of(url: str) -> str:
    """Return the origin as browsers send it: lower case, without the scheme's own port.

    Raises ValueError for anything but an http or https URL without path, query and credentials.

    >>> origin_of("https://Dagster.Example.com:443")
    'https://dagster.example.com'
    """
    parts = urlsplit(url.lower())
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        msg = f"{url!r} is not an origin, such as https://dagster.example.com"
        raise ValueError(msg)
    own = f":{_DEFAULT_PORTS[parts.scheme]}"
    return f"{parts.scheme}://{parts.netloc.removesuffix(own)}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
