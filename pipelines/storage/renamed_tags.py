"""Renamed run tags. Before 0.2, private tags were visible in Dagster's UI. Release 0.3 can drop this module."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from sqlalchemy import case, update

from pipelines import tags
from pipelines.storage.dagster_storage import RunTagsTable, SqlRunStorage


class RenamedTags(SqlRunStorage):
    """A run storage that returns every run with the tag names of this release."""

    def _row_to_run(self, row: dict[str, Any]) -> dg.DagsterRun:
        run = super()._row_to_run(row)
        renamed = tags.of_this_release(run.tags)
        return run if renamed == run.tags else run.with_tags(renamed)

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        """Store the tags. Old names are stored under their new names first, so that Dagster finds the tags."""
        of_run = RunTagsTable.c.run_id == run_id, RunTagsTable.c.key.in_(tags.EARLIER)
        renamed = case(dict(tags.EARLIER), value=RunTagsTable.c.key)
        with self.connect() as connection:
            connection.execute(update(RunTagsTable).where(*of_run).values(key=renamed))
        super().add_run_tags(run_id, new_tags)
