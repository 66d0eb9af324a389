"""The date of the members, with different clocks."""

import io
import os
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from renderers.archive.assembler import Assembler
from renderers.digested_stream import DigestedStream


def test_what_is_unpacked_in_any_time_zone_can_be_zipped_again_in_any_other(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with Assembler(DigestedStream(whole)) as assembler:
        assembler.add("manifest.csv", [b"row"])
        assembler.close()
    unpacked = tmp_path / "unpacked"
    east, west = timezone(timedelta(hours=14)), "UTC+12"  # POSIX writes what lies behind UTC with a plus
    with zipfile.ZipFile(whole) as archive:
        for info in archive.infolist():
            path = archive.extract(info, unpacked)
            # As unzip does and zipfile does not: the file gets the member's time, read as local time.
            moment = datetime(*info.date_time, tzinfo=east).timestamp()
            os.utime(path, (moment, moment))
    again = tmp_path / "again.zip"
    zipping = [sys.executable, "-m", "zipfile", "-c", str(again), str(unpacked / "manifest.csv")]
    subprocess.run(zipping, env={**os.environ, "TZ": west}, check=True)
    with zipfile.ZipFile(again) as archive:
        assert archive.read("manifest.csv") == b"row"
