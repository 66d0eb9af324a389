"""Roll jobs with generated manifests, and their ZPL, drawn as in exports."""

import io
import json
from typing import Any

import polars as pl

from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from exports.sheets.plan import SheetPlan
from renderers.sheets.templates import DEFAULT_ROLL_ID, template
from renderers.zpl.writer import ZplFragmentWriter
from tests.sheets.jobs import NOW


def plan_of(scope: str = "lots", job_id: str = "22222222222222222222Ab", **config: Any) -> ExportPlan:
    request = {"scope": scope, "export_type": "roll_labels", "file_format": "zpl", "asset_config": config}
    return ExportPlan(job_id, "acme", None, "key:1", NOW, parse_request(json.dumps(request).encode()))


def drawn(plan: ExportPlan, rows: pl.DataFrame) -> tuple[SheetPlan, pages.LabelBatch, str]:
    """Return the plan of a roll with these rows, what its labels carry, and its ZPL. Raises DoesNotFit."""
    roll = template(plan.config.sheet_template or DEFAULT_ROLL_ID)
    sheet = sheet_plan.plan_sheets(plan, roll, rows.height, lambda: iter([rows]))
    copies = plan.config.copies or 1
    counted = rows.with_columns(copies=pl.lit(copies, pl.Int64), first_label=pl.col("row") * copies)
    batch, out = pages.encode(plan, sheet, counted), io.BytesIO()
    writer = ZplFragmentWriter(sheet.document, out)
    writer.add(pages.one_each(sheet, batch), batch.copies.tolist())
    writer.close()
    return sheet, batch, out.getvalue().decode("ascii")
