"""Checks of this machine: the settings, Python and its packages, the home and the disk."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from fsspec.utils import get_protocol
from packaging.requirements import Requirement
from packaging.version import Version

from cli import rules
from cli.upkeep.findings import Check, Finding, Installation, Level

_PACKAGE = "gs1-label-exporter"

#: Supported versions of Python: the first, and the first unsupported one. The same as `requires-python`.
_PYTHON = ((3, 11), (3, 14))

#: Free space below which the disk check fails, and the free share of the disk below which it warns.
_LEAST_FREE_BYTES = 512 << 20
_LEAST_FREE_SHARE = 0.1


def settings(installation: Installation) -> Iterator[Finding]:
    """Check combinations of settings, like each command that runs a process of the service."""
    command = "facade" if installation.dagster_url else "serve"
    broken = list(rules.broken(os.environ, command))
    yield from (Finding("settings", Level.FAIL, str(error), "Correct the setting.") for error in broken)
    if not broken:
        where = (
            "on servers, for many machines" if installation.dagster_url else "in the home, for one machine"
        )
        yield Finding("settings", Level.OK, f"{installation.home}; runs are kept {where}")


def python(installation: Installation) -> Iterator[Finding]:
    del installation
    found = f"Python {sys.version.split()[0]}"
    if _PYTHON[0] <= sys.version_info[:2] < _PYTHON[1]:
        yield Finding("python", Level.OK, found)
    else:
        yield Finding("python", Level.FAIL, found, "Install 3.11, 3.12 or 3.13 and run `make setup` again.")


def packages(installation: Installation) -> Iterator[Finding]:
    """Check that the packages are installed that this release and the settings require."""
    extras = _extras(installation)
    wanted = [Requirement(text) for text in requires(_PACKAGE) or ()]
    count = 0
    wrong: list[str] = []
    for requirement in wanted:
        marker = requirement.marker
        if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        count += 1
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    if wrong:
        extra = f"[{','.join(sorted(extras))}]" if extras else ""
        yield Finding(
            "packages",
            Level.FAIL,
            "; ".join(wrong),
            f"Install `{_PACKAGE}{extra}` again, or run `make setup`.",
        )
    elif other := list(_of_another_major()):
        yield Finding(
            "packages",
            Level.WARN,
            "; ".join(other),
            "Run `make setup`: this release was tested with the lock.",
        )
    else:
        yield Finding("packages", Level.OK, f"{_PACKAGE} {version(_PACKAGE)}, its {count} requirements met")


def _of_another_major() -> Iterator[str]:
    """Yield the packages whose major version differs from the lock's. Only in a checkout: the wheel has no lock."""
    lock = Path(__file__).parents[2] / "requirements.lock"
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.exists() else ()
    for line in lines:
        if line[:1] in {"", " ", "#"}:
            continue
        pinned = Requirement(line.removesuffix("\\"))
        if pinned.marker is not None and not pinned.marker.evaluate():
            continue
        try:
            found = version(pinned.name)
        except PackageNotFoundError:  # for development only
            continue
        (wanted,) = pinned.specifier
        if Version(found).major != Version(wanted.version).major:
            yield f"{pinned.name} is {found}, the lock has {wanted.version}"


def _extras(installation: Installation) -> set[str]:
    """Return the extras that the settings need."""
    environment = os.environ
    needed = {
        "s3": get_protocol(installation.storage_url) in {"s3", "s3a"},
        "postgres": bool(installation.dagster_url) or installation.accounts_url.startswith("postgres"),
        "redis": bool(environment.get("LABELS_REDIS_URL")),
        "celery": environment.get("LABELS_EXECUTOR") == "celery",
        "otel": bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")),
    }
    return {extra for extra, is_needed in needed.items() if is_needed}


def home(installation: Installation) -> Iterator[Finding]:
    """Check the owner and the permissions of the home."""
    folder = installation.home
    if not folder.exists():
        yield Finding(
            "home", Level.WARN, f"{folder} does not exist yet", "The first command that needs it creates it."
        )
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "home", Level.FAIL, f"{folder} cannot be written", "Give it to the user that runs the service."
        )
        return
    private = [
        folder,
        *folder.glob("secret_key"),
        *folder.glob("*.sqlite*"),
        *folder.glob("dagster/storage/*.db*"),
    ]
    for path in private:
        status = path.stat()
        if status.st_uid != os.geteuid() and os.geteuid():
            yield Finding(
                "home", Level.FAIL, f"{path} belongs to user {status.st_uid}", "Run as one user: chown it."
            )
        elif status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = "700" if path.is_dir() else "600"
            yield Finding("home", Level.WARN, f"{path} is open to other users", f"chmod {mode} {path}")
    if (folder / "secret_key").exists() and installation.settings.secret_key:
        yield Finding(
            "home",
            Level.OK,
            f"{folder / 'secret_key'} is not used",
            "LABELS_SECRET_KEY is set and has priority.",
        )
    yield Finding("home", Level.OK, f"{folder} can be written")


def disk(installation: Installation) -> Iterator[Finding]:
    """Check free space and free inodes of the home, the storage, and the folder of temporary files."""
    folders = {"home": installation.home, "temporary files": Path(tempfile.gettempdir())}
    if get_protocol(installation.storage_url) in {"file", "local"}:
        folders["storage"] = Path(installation.storage_url.removeprefix("file://"))
    devices: set[int] = set()
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if there.stat().st_dev in devices:
            continue
        devices.add(there.stat().st_dev)
        usage, inodes = shutil.disk_usage(there), os.statvfs(there)
        share = min(
            usage.free / usage.total, inodes.f_favail / (inodes.f_files or 1) if inodes.f_files else 1.0
        )
        found = f"{name}: {usage.free / 1e9:,.1f} GB free, {share:.0%} of space or inodes"
        if usage.free < _LEAST_FREE_BYTES or share < _LEAST_FREE_SHARE / 10:
            yield Finding(
                "disk", Level.FAIL, found, "Make room: shorten LABELS_RETENTION_DAYS or enlarge the disk."
            )
        elif share < _LEAST_FREE_SHARE:
            yield Finding("disk", Level.WARN, found, "Make room before jobs fail.")
        else:
            yield Finding("disk", Level.OK, found)


CHECKS = (
    Check("settings", settings, "Correct the setting."),
    Check("python", python, ""),
    Check("packages", packages, "Run `make setup` again."),
    Check("home", home, "Give it to the user that runs the service."),
    Check("disk", disk, "Check the disk: its free space cannot be read."),
)
