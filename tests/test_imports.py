"""Importing a layer does not load forbidden modules, not even indirectly.

Import-linter reads the import statements; this test checks what a new interpreter has loaded.
"""

import json
import subprocess
import sys

import pytest

OURS = {
    "accounts", "api", "catalogue", "cli", "exports", "gs1", "labels_client", "notifications", "pipelines", "renderers",
}  # fmt: skip

_PROBE = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(package: str) -> set[str]:
    """Return the top-level modules that importing every module of the package leaves loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, package], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("package", "must_not"),
    [
        pytest.param("renderers", {"dagster", "starlette", "duckdb", "polars", "deltalake"}, id="renderers"),
        pytest.param("catalogue", {"dagster", "starlette"}, id="catalogue"),
        pytest.param("accounts", {"dagster", "starlette", "duckdb"}, id="accounts"),
        pytest.param("exports", {"dagster", "starlette"}, id="exports"),
        pytest.param("api", {"dagster", "pipelines", "cli"}, id="api: Dagster costs seconds to import"),
    ],
)
def test_a_layer_does_not_load_what_it_must_not_know(package: str, must_not: set[str]) -> None:
    assert loaded_by(package) & must_not == set()


def test_the_gs1_rules_need_only_the_standard_library() -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import json, pkgutil, sys; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    # What a site-packages .pth file loads into every interpreter is not gs1's doing.
    start_up = {name.partition(".")[0] for name in json.loads(bare.stdout)}
    assert loaded_by("gs1") - start_up - sys.stdlib_module_names - {"gs1"} == set()


def test_the_client_loads_nothing_of_ours() -> None:
    assert loaded_by("labels_client") & OURS == {"labels_client"}
