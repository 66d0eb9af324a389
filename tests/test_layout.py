"""The layout in docs/architecture.md: small folders, and import contracts that detect a wrong import."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "accounts", "api", "benchmarks", "catalogue", "cli", "demo", "docs", "exports", "gs1", "labels_client",
    "notifications", "pipelines", "renderers", "tests", "web",
)  # fmt: skip

#: Modules of one folder that a reader still takes in at a glance.
MOST_MODULES = 16

#: Case table: the contract that must break, the module that gets the import, the import.
PROBES = (
    ("Dependencies point inwards", "gs1/check_digit.py", "import renderers.symbol"),
    ("Within exports", "exports/requests/request.py", "import exports.jobs.plan"),
    ("Within pipelines", "pipelines/storage/job_index.py", "import pipelines.definitions"),
    ("Within api", "api/auth/oauth.py", "import api.routes.service"),
    ("in a circle", "renderers/symbol.py", "import renderers.writers.svg"),
    ("neither Dagster nor Starlette", "catalogue/ids.py", "import dagster"),
    ("reaches Dagster only through", "api/errors.py", "import dagster"),
    ("DuckDB stays in the catalogue", "exports/artefacts.py", "import duckdb"),
    ("Dependencies point inwards", "web/errors.py", "import pipelines.tags"),
    ("The client stands alone", "labels_client/models.py", "import gs1.gtin"),
)


def test_no_folder_has_more_modules_than_one_takes_in() -> None:
    count = Counter(
        path.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    )
    assert {folder: modules for folder, modules in count.items() if modules > MOST_MODULES} == {}


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the code with every probe in it."""
    copy = tmp_path_factory.mktemp("probed")
    ours = shutil.ignore_patterns("__pycache__", "*.ttf", "node_modules")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=ours)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for _, module, statement in PROBES:
        with (copy / module).open("a", encoding="utf-8") as stream:
            stream.write(f"\n{statement}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=copy, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(("contract", "module", "statement"), PROBES)
def test_a_wrong_import_breaks_its_contract(linted: str, contract: str, module: str, statement: str) -> None:
    summary = [line for line in linted.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    assert [line for line in summary if contract in line and line.endswith(" BROKEN")], linted
    arrow = f"{module.removesuffix('.py').replace('/', '.')} -> {statement.removeprefix('import ')}"
    assert arrow in linted or "circle" in contract
