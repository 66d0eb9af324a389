"""An export from its frozen manifest to the verified artefact in this process, and the processor time of its stages."""

import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs.plan import ExportPlan
from tests.sheets import jobs


class Stages(NamedTuple):
    """Entities, and seconds of this process: for the layout, for drawing, for joining and verifying."""

    rows: int
    solving: float
    drawing: float
    joining: float

    @property
    def whole(self) -> float:
        return self.solving + self.drawing + self.joining


def timed(plan: ExportPlan, frames: Iterable[pl.DataFrame]) -> Stages:
    """Make the export of these rows as the service does, and return what it took."""
    with tempfile.TemporaryDirectory() as folder:
        store = ArtefactStore(folder)
        manifest = jobs.frozen(plan, frames, store)
        times = [time.process_time()]
        render.prepare(plan, manifest, store)
        times.append(time.process_time())
        parts = [render.chunk_to_part(plan, manifest, chunk, store) for chunk in manifest.chunks()]
        times.append(time.process_time())
        assemble.assemble(plan, manifest, parts, store)
        times.append(time.process_time())
    return Stages(manifest.rows, *(after - before for before, after in pairwise(times)))
