"""Test the servers and faults that the other tests of this folder use."""

import subprocess
import sys
import textwrap
from pathlib import Path

import boto3
import psutil
import psycopg
import pytest
import redis as redis_client
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.conftest import LOTS, write_catalogue
from tests.distributed.fault_proxy import FaultProxy
from tests.distributed.machines import machines
from tests.distributed.stores import ObjectStore, Postgres, Redis, Shared
from tests.faults import until
from tests.object_store import BUCKET
from tests.service import processes_of

LOTS_QR = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}

pytestmark = pytest.mark.service


def test_postgres_keeps_what_was_committed_before_an_immediate_restart(postgres: Postgres) -> None:
    url = postgres.new_database("kept")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.commit()
        postgres.restart()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(1,)]


def test_redis_can_be_emptied_and_killed(redis: Redis) -> None:
    with redis_client.Redis.from_url(redis.url(7)) as client:
        client.set("name", "value")
        redis.empty()
        assert client.get("name") is None
        client.set("name", "another")
        # The log is on disk after it has been rewritten.
        client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, "the log is written")
    redis.restart()
    with redis_client.Redis.from_url(redis.url(7)) as client:
        assert client.get("name") == b"another"


def _s3(port: int):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="labels",
        aws_secret_access_key="secret",
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _is_refused(s3) -> bool:
    try:
        s3.put_object(Bucket=BUCKET, Key="through", Body=b"once more")
    except ClientError as error:
        answer = error.response
        return (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("SlowDown", 503)
    return False


def test_the_proxy_refuses_delays_and_vanishes(object_store: ObjectStore, proxy: FaultProxy) -> None:
    s3 = _s3(proxy.port)
    body = bytes(range(256)) * 4096
    s3.put_object(Bucket=BUCKET, Key="through", Body=body)
    assert s3.get_object(Bucket=BUCKET, Key="through")["Body"].read() == body

    proxy.refuse(30)
    refused = 0
    for _ in range(100):
        refused += _is_refused(s3)
    assert refused == 30

    proxy.delay(0.5)
    before = proxy.requests()
    s3.head_object(Bucket=BUCKET, Key="through")
    assert proxy.requests() == before + 1

    proxy.vanish()
    with pytest.raises(EndpointConnectionError):
        s3.head_object(Bucket=BUCKET, Key="through")
    proxy.forward()
    assert s3.get_object(Bucket=BUCKET, Key="through")["Body"].read() == b"once more"
    s3.close()


def test_no_server_outlives_a_killed_test_process(tmp_path: Path) -> None:
    """The process is killed while a server runs; its guard ends the server."""
    code = f"""
        from pathlib import Path
        from tests.distributed import stores
        from tests.distributed.guard import guarded
        with guarded():
            server = stores.Redis(Path({str(tmp_path / "redis")!r}))
            print(server.process.pid, flush=True)
            input()
    """
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        server = psutil.Process(int(process.stdout.readline()))
        assert server.is_running()
        process.kill()
    until(
        lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "the server is killed", 10
    )


def test_a_machine_serves_from_the_stores(shared: Shared, tmp_path: Path) -> None:
    settings = shared.settings()
    options = write_catalogue(tmp_path)
    with machines(tmp_path, settings, "one") as (one,):
        one.labels("org", "create", "acme")
        key = one.labels("keys", "create", "--org", "acme").splitlines()[-1]
        one.labels("import", "--org", "acme", *options)
        url = one.serve().url
        output = one.labels("doctor", "--url", url)
        assert "FAIL" not in output
        for found in (
            "PostgreSQL",
            "of several creators one succeeds",
            "the storage is",
            "Redis",
            f"{url} is ready",
        ):
            assert found in output
        assert settings["LABELS_SECRET_KEY"] not in output
        with one.client(key, "serve") as client:
            status = client.finish(client.submit(LOTS_QR))
            expected = sum(1 for lot in LOTS if lot[-1])
            assert (status["status"], status["processed_items"]) == ("completed", expected)
        assert not (one.home / "accounts.sqlite").exists()
        assert not (one.home / "storage").exists()
    assert processes_of(one.home) == []
