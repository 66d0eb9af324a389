"""Tools for tests that kill processes, fill disks and race: a separate service, and access to its home."""

import contextlib
import hashlib
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.jobs.job_id import folder_of
from tests.service import Exports, Service, create_organisation, labels, processes_of, running_service

#: The most entities of a job that is done inside its request.
THRESHOLD = 2_000

#: Between two looks for a moment of a job that may be short.
MOMENT_SECONDS = 0.001

IS_FULL = bool(os.environ.get("LABELS_TEST_FULL"))
FULL = pytest.mark.skipif(not IS_FULL, reason="LABELS_TEST_FULL=1 does these too")


def serials_of(gtin: str) -> dict[str, Any]:
    """Return the request for a QR code of each of the product's serials."""
    return {
        "scope": "serials",
        "export_type": "qr_codes",
        "file_format": "svg",
        "filters": {"gtins": [gtin]},
    }


class Stage:
    """A home with some products' serials, and its service, which starts again when it is gone."""

    def __init__(self, folder: Path, entities: Mapping[str, int]) -> None:
        self.home = folder / "home"
        self.storage = self.home / "storage"
        self.key = create_organisation(self.home, "acme")
        _import_serials(self.home, folder, entities)
        self._stack = contextlib.ExitStack()
        self._service: Service | None = None

    def service(self) -> Service:
        if self._service is None or self._service.process.poll() is not None:
            self.close()
            settings = {
                "LABELS_SYNC_THRESHOLD": str(THRESHOLD),
                "LABELS_WARM_WORKERS": "1",
                "LABELS_RATE_PER_MINUTE": "100000",
                "LABELS_RATE_PER_DAY": "1000000",
            }
            self._service = self._stack.enter_context(running_service(self.home, settings))
        return self._service

    def client(self) -> Exports:
        return self.service().client(self.key)

    def close(self) -> None:
        self._stack.close()

    def folder(self, receipt: Mapping[str, Any]) -> Path:
        """Return where the job keeps its objects."""
        return self.storage / folder_of(receipt["job_id"])

    def kept(self, receipt: Mapping[str, Any]) -> set[str]:
        """Return the names of the job's objects."""
        return {path.name for path in self.folder(receipt).rglob("*") if path.is_file()}

    def printed(self, *receipts: Mapping[str, Any]) -> Counter[str]:
        """Count the PRINTED events of these jobs by entity."""
        events, total = lifecycle.history(
            Catalogue(str(self.storage / "catalogue")), "acme", limit=10_000_000
        )
        assert events.height == total
        mine = events.filter(events["job_id"].is_in([receipt["job_id"] for receipt in receipts]))
        return Counter(mine["entity_id"].to_list())

    def undisturbed(self, body: Mapping[str, Any]) -> str:
        """Return the digest of what the request makes when nothing is in its way."""
        with self.client() as client:
            status = client.finish(client.submit(body), seconds=300)
            assert status["status"] == "completed", status
            return digest(client, status)

    def assert_ends_as_ever(self, receipt: Mapping[str, Any], undisturbed: str, entities: int) -> None:
        """Assert that the job completes with these bytes, and each entity printed once."""
        with self.client() as client:
            until(lambda: _answers(client), "the façade answers again")
            status = client.finish(receipt, seconds=300)
            assert status["status"] == "completed", status
            assert digest(client, status) == undisturbed
        printed = self.printed(receipt)
        assert len(printed) == entities
        assert set(printed.values()) == {1}


def _import_serials(home: Path, folder: Path, entities: Mapping[str, int]) -> None:
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text("gtin,name\n" + "".join(f"{gtin},Some product\n" for gtin in entities))
    with serials.open("w") as stream:
        stream.write("gtin,serial_number\n")
        for gtin, count in entities.items():
            stream.writelines(f"{gtin},{number:07d}\n" for number in range(count))
    labels(home, "import", "--org", "acme", "--products", str(products), "--serials", str(serials))


def digest(client: Exports, status: Mapping[str, Any]) -> str:
    return hashlib.sha256(client.download(status)).hexdigest()


def _answers(client: Exports) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.http.get("/healthz").status_code == 200
    return False


def until(
    condition: Callable[[], object], what: str, seconds: float = 60, *, pause_seconds: float = 0.05
) -> None:
    """Wait until the condition holds; fail when the time is up. Pauses, so that what is waited for has the processor."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(pause_seconds)


# By stage of a job: what shows in its folder as soon as it is reached, in the order in which they are.
MARKS: Mapping[str, Callable[[Path, int], bool]] = {
    "accepted": lambda folder, _: (folder / "request.json").exists(),
    "resolved": lambda folder, _: (folder / "manifest.json").exists(),
    "a part": lambda folder, _: _parts(folder) > 0,
    "all parts": lambda folder, chunks: _parts(folder) == chunks,
    "assembled": lambda folder, _: (folder / "artefact").exists(),
    "verified": lambda folder, _: (folder / "findings.json").exists(),
    "decided": lambda folder, _: (folder / "decision.json").exists(),
    "recorded": lambda folder, _: (folder / "decision.json").exists() and not (folder / "parts").exists(),
}


def has_reached(mark: str, folder: Path, chunks: int = 1) -> bool:
    """Return whether the mark shows, or one of a later stage: some are gone when the job has ended."""
    stages = list(MARKS)
    return any(MARKS[stage](folder, chunks) for stage in stages[stages.index(mark) :])


def until_it_has_reached(mark: str, folder: Path, chunks: int = 1) -> None:
    """Wait until the job in the folder has reached the mark, and no longer than that."""
    until(lambda: has_reached(mark, folder, chunks), f"the job is {mark}", pause_seconds=MOMENT_SECONDS)


def _parts(folder: Path) -> int:
    return sum(1 for _ in folder.glob("parts/*/*.json"))


def titled(home: Path, title: str) -> list[psutil.Process]:
    """Return the home's processes whose title, which `ps` shows, contains this."""
    return [process for process in processes_of(home) if title in _command(process)]


def run_workers(home: Path) -> list[psutil.Process]:
    return titled(home, "labels run-worker")


def children_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += process.children()
    return found


def kill(processes: list[psutil.Process]) -> None:
    """Send SIGKILL to each that still is."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


class Disk:
    """A small file system in memory, mounted at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def used_bytes(self) -> int:
        usage = os.statvfs(self.folder)
        return (usage.f_blocks - usage.f_bfree) * usage.f_frsize

    def leave(self, free_bytes: int) -> None:
        """Make it as large as what is on it, and so much more."""
        self._remount(lambda: f"size={self.used_bytes + free_bytes}")

    def refuse_writes(self) -> None:
        """Make it read-only, once nothing on it is open for writing."""
        self._remount(lambda: "ro")

    def take_writes(self) -> None:
        self._remount(lambda: "rw")

    def _remount(self, option: Callable[[], str]) -> None:
        """Do it as soon as the system allows it: not while something is being written."""

        def remounted() -> bool:
            return _run("mount", "-o", f"remount,{option()}", str(self.folder)).returncode == 0

        until(remounted, "the disk is mounted anew")


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Disk]:
    """Mount a disk at the folder for the time of the block. Skips where we may not, but fails in a full run."""
    folder.mkdir(parents=True)
    done = _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    if done.returncode:
        (pytest.fail if IS_FULL else pytest.skip)(f"no disk can be mounted here: {done.stderr}")
    try:
        yield Disk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
