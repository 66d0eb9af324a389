"""Materializations of the tables into which a run imported rows."""

from collections.abc import Mapping

import dagster as dg

from catalogue.imports.report import TableReport


def materialization(
    report: TableReport, description: str, source: Mapping[str, str]
) -> dg.AssetMaterialization:
    """Return the materialization of the table. `source` is metadata about the origin of the rows."""
    return dg.AssetMaterialization(
        dg.AssetKey(["catalogue", report.table]),
        description=description,
        metadata={
            **source,
            "read": report.read,
            "added": report.added,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "rejected": report.rejected,
            "held": report.held,
            **({} if report.version is None else {"version": report.version}),
        },
    )
