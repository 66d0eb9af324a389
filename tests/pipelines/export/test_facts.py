"""What the materialization of an export tells."""

from dataclasses import replace

import dagster as dg

from api.wire import paths
from catalogue.tables import CatalogueVersion
from exports.artefacts import ArtefactStore
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Manifest
from exports.jobs.plan import ExportPlan
from pipelines.export import facts
from tests.exports.conftest import plan_for

ARTEFACT = Artefact("exports/k", "lots.zip", 10, "0" * 64, processed=2, failed=1)


def told(export: ExportPlan, artefacts: ArtefactStore, public_url: str | None = None) -> dict[str, object]:
    frozen = Manifest(3, "0" * 64, CatalogueVersion(1, 2, 3, 4), 0)
    found = facts.of(export, frozen, ARTEFACT, artefacts, public_url)
    return {
        key: value.value if isinstance(value, dg.MetadataValue) else value for key, value in found.items()
    }


def test_the_job_is_a_link_where_the_address_is_known(artefacts: ArtefactStore) -> None:
    export = plan_for()
    assert told(export, artefacts)["job"] == export.job_id
    for public_url in ("https://labels.example.com/", "https://labels.example.com"):
        assert told(export, artefacts, public_url)["job"] == (
            f"https://labels.example.com{paths.poll(export.job_id)}"
        )


def test_a_reprint_says_of_what_and_why(artefacts: ArtefactStore) -> None:
    export = plan_for()
    assert not {"reprint_of", "reason"} & told(export, artefacts).keys()
    again = told(replace(export, reprint_of="22222222222222222222Cd", reason="jam"), artefacts)
    assert (again["reprint_of"], again["reason"]) == ("22222222222222222222Cd", "jam")
    assert str(again["asked_for"]).startswith("What job 22222222222222222222Cd printed, all rows: ")
