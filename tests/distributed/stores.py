"""Postgres, Redis and SeaweedFS for tests: real servers on free ports, with their data in a temporary folder.

`guard.py` kills them when the test process ends in any way.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import boto3
import psycopg
import redis
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import sql

from tests.faults import until
from tests.object_store import BUCKET, aws_variables
from tests.service import free_ports

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


class Server:
    """A server process. It keeps its port and its data over restarts."""

    def __init__(self, folder: Path, command: Sequence[str], is_ready: Callable[[], bool]) -> None:
        self.log = folder / "log"
        self._command = command
        self._is_ready = is_ready
        self.start()

    def start(self) -> None:
        """Start the server and wait until it serves."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(self._serves, f"{self._command[0]} serves", _START_SECONDS)

    def _serves(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
        with suppress(OSError, psycopg.OperationalError, redis.RedisError):
            return self._is_ready()
        return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait until the process has ended."""
        self.process.send_signal(number)
        self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)


class Postgres(Server):
    """A cluster that survives a killed process but, with fsync off, not a killed machine."""

    def __init__(self, folder: Path) -> None:
        (self._port,) = free_ports(1)
        folder.mkdir(parents=True)
        # Not below pytest's own folder, because each pytest session restricts that folder to its own user.
        self._data = tempfile.TemporaryDirectory(prefix="labels-postgres-")
        data = self._data.name
        as_user: list[str] = []
        if os.geteuid() == 0:  # Postgres' programs refuse root
            user = pwd.getpwnam("postgres")
            os.chown(data, user.pw_uid, user.pw_gid)
            as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        programs = _postgres_programs()
        subprocess.run(
            [
                *as_user, f"{programs}/initdb", "--pgdata", data, "--username", "labels", "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
            ],
            check=True, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "500",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        super().__init__(
            folder, [*as_user, f"{programs}/postgres", "-D", data, *settings], self._takes_connections
        )

    def url(self, database: str) -> str:
        return f"postgresql://labels@127.0.0.1:{self._port}/{database}"

    def new_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def restart(self) -> None:
        """Restart like `pg_ctl restart -m immediate`: all connections are lost, and the log is replayed."""
        self.stop(signal.SIGQUIT)
        self.start()

    def remove(self) -> None:
        """Kill the server and remove its data."""
        self.kill()
        self._data.cleanup()

    def _takes_connections(self) -> bool:
        psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        return True


def _postgres_programs() -> Path:
    """Return the folder of the newest version's programs, which Debian does not put on the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    return max(versions, key=lambda path: int(path.parent.name))


class Redis(Server):
    """Redis that writes every command to its log each second, as in production."""

    def __init__(self, folder: Path) -> None:
        (self._port,) = free_ports(1)
        folder.mkdir(parents=True)
        command = [
            "redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(folder),
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            # A process title would overwrite the environment, by which the guard finds the process.
            "--set-proc-title", "no",
        ]  # fmt: skip
        super().__init__(folder, command, lambda: self._connected(0).ping() is True)

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self._port}/{database}"

    def restart(self) -> None:
        """Kill Redis and restart it from its log."""
        self.kill()
        self.start()

    def empty(self) -> None:
        """Drop every key of every database."""
        self._connected(0).flushall()

    def _connected(self, database: int) -> "redis.Redis":
        return redis.Redis.from_url(self.url(database), socket_timeout=2)


class ObjectStore(Server):
    """SeaweedFS: master, volumes, filer and S3 in one process, with one bucket."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        names = ("master", "volume", "filer", "s3")
        ports = free_ports(2 * len(names))
        self.port = ports[3]
        identity = {
            "name": "labels",
            "credentials": [{"accessKey": "labels", "secretKey": "secret"}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
        pairs = zip(names, ports[:4], ports[4:], strict=True)
        where = [
            option
            for name, port, grpc in pairs
            for option in (f"-{name}.port={port}", f"-{name}.port.grpc={grpc}")
        ]
        command = [
            str(Path(sys.executable).with_name("weed")), "server", f"-dir={folder}", "-ip=127.0.0.1", *where,
            "-s3", f"-s3.config={folder / 'identities.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-volume.max=300", "-master.telemetry=false",
        ]  # fmt: skip
        super().__init__(folder, command, self._takes_objects)

    def environment(self, port: int | None = None) -> Mapping[str, str]:
        """Return the environment variables for the server, or for the proxy at `port` in front of it."""
        return aws_variables(f"http://127.0.0.1:{port or self.port}")

    def url(self, folder: str) -> str:
        return f"s3://{BUCKET}/{folder}"

    def restart(self) -> None:
        self.kill()
        self.start()

    def _takes_objects(self) -> bool:
        """Return whether an object can be written, which also needs the volumes."""
        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="labels",
            aws_secret_access_key="secret",
            region_name="us-east-1",
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
        )
        try:
            if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
                s3.create_bucket(Bucket=BUCKET)
            s3.put_object(Bucket=BUCKET, Key="ready", Body=b"")
        except (ClientError, BotoCoreError):
            return False
        finally:
            s3.close()
        return True


class Shared:
    """The three servers. They give each service its own settings."""

    def __init__(self, postgres: Postgres, redis: Redis, object_store: ObjectStore) -> None:
        self.postgres = postgres
        self.redis = redis
        self.object_store = object_store
        self._services = 0

    def settings(self, s3_port: int | None = None) -> dict[str, str]:
        """Return the settings of all machines of a new service: empty databases, an empty folder of the bucket.

        `s3_port` is the port of a proxy in front of the object store.
        """
        self._services += 1
        name = f"service_{self._services}"
        return {
            **self.object_store.environment(s3_port),
            "LABELS_DAGSTER_URL": self.postgres.new_database(f"{name}_dagster"),
            "LABELS_DATABASE_URL": self.postgres.new_database(f"{name}_accounts"),
            "LABELS_STORAGE_URL": self.object_store.url(name),
            # Redis has sixteen databases. Two services may share one for their request counts.
            "LABELS_REDIS_URL": self.redis.url(),
            "LABELS_BROKER_URL": self.redis.url(self._services % 15 + 1),
            "LABELS_SECRET_KEY": secrets.token_urlsafe(48),
        }
