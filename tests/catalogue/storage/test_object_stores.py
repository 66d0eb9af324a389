"""What every file system that we open has in common."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from catalogue.storage.object_stores import is_s3, open_store


def test_only_an_object_store_is_one(tmp_path: Path, s3_bucket: str) -> None:
    files, path = open_store(str(tmp_path))
    assert (is_s3(files), path) == (False, str(tmp_path))
    files, path = open_store(f"{s3_bucket}/here")
    assert (is_s3(files), path) == (True, "labels/here")


@pytest.mark.parametrize("patient", [True, False])
def test_a_patient_one_is_asked_for_more_than_a_minute(s3_bucket: str, patient: bool) -> None:
    files: Any = open_store(s3_bucket, patient=patient)[0]
    files.connect()
    attempts = files.s3.meta.config.retries["total_max_attempts"]
    # botocore waits at most so long after each attempt but the last, and half of that in the mean.
    longest = [min(0.05 * 2**attempt, 20) for attempt in range(1, attempts)]
    assert (sum(longest) / 2 > 90) == patient
    assert (sum(longest) < 5) == (not patient)


def test_one_that_answers_clients_gives_up_soon(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        files, _ = open_store(s3_bucket, patient=False, default_block_size=6 << 20)
        begun = time.monotonic()
        with pytest.raises(Exception, match="Could not connect"):
            files.cat_file("labels/a")
        assert time.monotonic() - begun < 30
