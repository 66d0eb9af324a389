"""Step outputs of an earlier release are read by this one, from their old place."""

import errno
import os
import pickle
import pickletools
import sys
from contextlib import AbstractContextManager
from dataclasses import fields, make_dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import dagster as dg
import pytest

from exports.artefacts import ArtefactStore
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk
from exports.jobs.parts import Part
from pipelines import tags
from pipelines.definitions import defs
from pipelines.retries import FEW_RETRIES, RETRIES
from pipelines.storage.step_outputs import MOVED, StepOutputs
from renderers.archive.fragments import ArchiveFragment
from renderers.sheets.pdf import PdfFragment
from renderers.zpl.writer import ZplFragment

FRAGMENT = ArchiveFragment(data_bytes=400, directory_bytes=80, members=4, sha256="00")
ZIP_PART = Part("jobs/a/parts/b/0-5", 0, 5, 1, FRAGMENT)
PDF_PART = Part(
    "jobs/a/parts/b/5-9",
    5,
    9,
    0,
    PdfFragment(first_page=2, pages=1, data_bytes=90, directory_bytes=20, sha256="11"),
)
ROLL_PART = Part("jobs/a/parts/b/0-9", 0, 9, 0, ZplFragment(labels=9, data_bytes=900, sha256="33"))
ARTEFACT = Artefact("jobs/a/artefact", "labels.zip", 512, "22", 4, 1, 7)

#: Fields that the releases before 0.2 did not have.
LATER = {"notes", "decoded", "crc32", "data_crc32", "composite_sha256", "piece_bytes"}

#: By class path of the releases before 0.2: what their steps handed on, as this release has it.
STORED = {
    ("exports.manifest", "Chunk"): [Chunk(0, 5)],
    ("exports.parts", "Part"): [ZIP_PART, PDF_PART, Part("jobs/a/parts/b/9-9", 9, 9, 0, None)],
    ("exports.decision", "Artifact"): [ARTEFACT],
    ("renderers.archive.fragments", "Fragment"): [FRAGMENT],
}


def stored_by_an_earlier_release(module: str, name: str, value: object) -> bytes:
    """Return the pickle of the value as a class of that module and name."""
    names = [field.name for field in fields(value) if field.name not in LATER]
    kind = make_dataclass(name, names, frozen=True, slots=True, namespace={"__module__": module})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module, ModuleType(module))
        setattr(sys.modules[module], name, kind)
        return pickle.dumps(kind(*(getattr(value, field) for field in names)))


def test_every_class_that_moved_is_tried() -> None:
    assert set(STORED) == set(MOVED)


RUN = {"step_key": "label_export.render_chunk[0000000000]", "name": "result", "run_id": "a-run"}


@pytest.fixture
def outputs(tmp_path: Path, artefacts: ArtefactStore) -> StepOutputs:
    return StepOutputs(artefacts, tmp_path / "earlier")


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in STORED.items() for value in values]
)
def test_an_output_of_an_earlier_release_is_read(
    tmp_path: Path, outputs: StepOutputs, path: tuple[str, str], value: object
) -> None:
    file = tmp_path / "earlier" / RUN["run_id"] / RUN["step_key"] / RUN["name"]
    file.parent.mkdir(parents=True)
    file.write_bytes(stored_by_an_earlier_release(*path, value))
    upstream = dg.build_output_context(**RUN)
    assert outputs.load_input(dg.build_input_context(upstream_output=upstream)) == value


@pytest.mark.parametrize("mapping_key", [None, "0000025000"])
def test_an_earlier_release_had_its_outputs_where_the_default_io_manager_has_them(
    tmp_path: Path, outputs: StepOutputs, mapping_key: str | None
) -> None:
    written = dg.build_output_context(
        step_key="label_export.resolve", name="result", run_id="a-run", mapping_key=mapping_key
    )
    default = dg.FilesystemIOManager(base_dir=str(tmp_path / "earlier"))
    default.create_io_manager(dg.build_init_resource_context()).handle_output(written, Chunk(0, 5))
    read = dg.build_input_context(upstream_output=written)
    assert outputs.load_input(read) == Chunk(0, 5)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ({"step_key": "label_export.resolve"}, "runs/a-run/label_export.resolve/result"),
        (
            {"step_key": "label_export.resolve", "mapping_key": "0000025000"},
            "runs/a-run/label_export.resolve/result/0000025000",
        ),
        (
            {"step_key": "label_export.render_chunk[0000025000]"},
            "runs/a-run/label_export.render_chunk/0000025000/result",
        ),
    ],
)
def test_outputs_lie_in_the_artefact_store_and_no_key_is_a_pattern(
    outputs: StepOutputs, artefacts: ArtefactStore, written: dict[str, str], key: str
) -> None:
    context = dg.build_output_context(name="result", run_id="a-run", **written)
    outputs.handle_output(context, ZIP_PART)
    assert artefacts.keys("runs") == {key}
    assert outputs.load_input(dg.build_input_context(upstream_output=context)) == ZIP_PART


def test_what_nobody_has_written_is_an_error(outputs: StepOutputs) -> None:
    upstream = dg.build_output_context(**RUN)
    with pytest.raises(FileNotFoundError):
        outputs.load_input(dg.build_input_context(upstream_output=upstream))


def test_a_pickle_that_names_other_classes_is_not_read(
    outputs: StepOutputs, artefacts: ArtefactStore
) -> None:
    """A process that writes to the storage must not run code with the service's rights."""
    upstream = dg.build_output_context(step_key="resolve", name="result", run_id="a-run")
    with artefacts.write("runs/a-run/resolve/result") as stream:
        pickle.dump(Path("/"), stream)
    with pytest.raises(pickle.UnpicklingError, match="pathlib"):
        outputs.load_input(dg.build_input_context(upstream_output=upstream))


def test_a_class_that_steps_hand_on_moves_only_with_an_entry_in_the_table() -> None:
    """Where this fails: add the old path to `MOVED`, then change the path here."""
    pickled = pickle.dumps([ZIP_PART, PDF_PART, ROLL_PART, ARTEFACT, Chunk(0, 5)], protocol=0)
    paths = {text for code, text, _ in pickletools.genops(pickled) if code.name == "GLOBAL"}
    assert {path for path in paths if path.split(".")[0] in {"exports", "renderers"}} == {
        "exports.jobs.decision Artefact",
        "exports.jobs.manifest Chunk",
        "exports.jobs.parts Part",
        "renderers.archive.fragments ArchiveFragment",
        "renderers.sheets.pdf PdfFragment",
        "renderers.zpl.writer ZplFragment",
    }


def test_every_job_hands_on_its_outputs_through_it(
    dagster: dg.DagsterInstance, artefacts: ArtefactStore
) -> None:
    @dg.op
    def first() -> int:
        return 7

    @dg.op
    def second(number: int) -> int:
        return number + 1

    @dg.job(resource_defs={"io_manager": defs.resources["io_manager"].get_resource_definition()})
    def counting() -> None:
        second(first())

    done = counting.execute_in_process(instance=dagster)
    assert done.output_for_node("second") == 8
    assert pickle.loads(artefacts.read(f"runs/{done.run_id}/first/result")) == 7


@pytest.mark.parametrize(
    ("code", "refusals", "attempts"),
    [
        pytest.param(errno.EROFS, FEW_RETRIES, FEW_RETRIES + 1, id="a lasting fault passes"),
        pytest.param(errno.EROFS, FEW_RETRIES + 1, None, id="a lasting fault lasts"),
        pytest.param(errno.ECONNREFUSED, RETRIES.max_retries, RETRIES.max_retries + 1, id="an outage passes"),
        pytest.param(errno.ECONNREFUSED, RETRIES.max_retries + 1, None, id="an outage lasts"),
    ],
)
def test_an_output_that_cannot_be_stored_is_retried_like_its_step(
    artefacts: ArtefactStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    refusals: int,
    attempts: int | None,
) -> None:
    """Only the last attempt gives the run a reason, because a reason ends all other steps of the job."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    left = [OSError(code, os.strerror(code))] * refusals
    write, begun = artefacts.write, []

    def refuse(key: str) -> AbstractContextManager[BinaryIO]:
        begun.append(key)
        if left:
            raise left.pop()
        return write(key)

    monkeypatch.setattr(artefacts, "write", refuse)

    @dg.op(retry_policy=RETRIES)
    def made() -> int:
        return 1

    outputs = dg.IOManagerDefinition.hardcoded_io_manager(StepOutputs(artefacts, tmp_path / "earlier"))

    @dg.job(resource_defs={"io_manager": outputs})
    def one_output() -> None:
        made()

    with dg.DagsterInstance.ephemeral() as instance:
        result = one_output.execute_in_process(instance=instance, raise_on_error=False)
        run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert len(begun) == (attempts or refusals)
    assert result.success == (attempts is not None)
    assert run.tags.get(tags.ERROR_CODE) == (None if attempts else "storage_failed")
    assert (os.strerror(code) in run.tags.get(tags.ERROR, "")) == (attempts is None)
