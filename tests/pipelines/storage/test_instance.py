"""The files that describe the instance: written anew at every start, also over those of an earlier release."""

import importlib
from pathlib import Path

import dagster as dg
import yaml

from pipelines.storage import instance

#: A part of what releases before 0.2 wrote.
EARLIER = {
    "run_launcher": {"module": "pipelines.run_launcher", "class": "ForkedRunLauncher"},
    "run_storage": {"module": "pipelines.sqlite", "class": "PooledSqliteRunStorage"},
}


def test_the_classes_of_an_earlier_release_are_named_by_their_new_paths(dagster: dg.DagsterInstance) -> None:
    home = Path(dagster.root_directory).parent
    configuration = home / "dagster" / "dagster.yaml"
    configuration.write_text(yaml.safe_dump(EARLIER), encoding="utf-8")
    instance.prepare(home, "another.sock")
    written = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    named = {(entry["module"], entry["class"]) for entry in written.values() if "module" in entry}
    assert len(named) == 6
    for module, name in named:
        assert isinstance(getattr(importlib.import_module(module), name), type)
    assert yaml.safe_load(instance.workspace_of(home).read_text(encoding="utf-8")) == {
        "load_from": [{"grpc_server": {"socket": "another.sock", "location_name": "labels"}}]
    }
