"""Each progress event is read once, and a chunk counts once, also after several attempts."""

import uuid

import dagster as dg

from exports.jobs.manifest import Chunk
from pipelines.export import progress
from pipelines.export.progress import ProgressReader


def _told(instance: dg.DagsterInstance, run_id: str, steps: list[tuple[int, int, int]]) -> None:
    @dg.op
    def draw(context: dg.OpExecutionContext) -> None:
        for start, drawn, failed in steps:
            progress.log(context, "acme", Chunk(start, start + 100), drawn, failed)

    @dg.job
    def drawing() -> None:
        draw()

    drawing.execute_in_process(instance=instance, run_id=run_id)


def test_the_latest_of_each_chunk_counts(monkeypatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = str(uuid.uuid4())
        _told(instance, run_id, [(0, 10, 0), (100, 7, 1), (0, 60, 2), (0, 90, 3)])
        reader = ProgressReader(instance)
        assert reader.of(run_id) == (97, 4)
        asked: list[str | None] = []
        read = instance.get_records_for_run

        def counted(run_id, cursor, *rest):
            asked.append(cursor)
            return read(run_id, cursor, *rest)

        monkeypatch.setattr(instance, "get_records_for_run", counted)
        assert reader.of(run_id) == (97, 4)
        assert asked[0] is not None
        assert reader.of(str(uuid.uuid4())) == (0, 0)


def test_a_chunk_tells_now_and_then(monkeypatch) -> None:
    told: list[tuple[int, int]] = []
    clock = iter([0.0, 1.0, 2.5, 2.5, 3.0, 9.0, 9.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress, "log", lambda *values: told.append(values[-2:]))
    tell = progress.teller(None, "acme", Chunk(0, 10))
    for drawn in (1, 2, 3, 4):
        tell(drawn, 0)
    assert told == [(2, 0), (4, 0)]
