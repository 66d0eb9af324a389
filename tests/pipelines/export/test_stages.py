"""What is recorded of a published artefact whose parts are gone."""

from pathlib import Path

import polars as pl

from catalogue.imports import ingest
from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from exports.jobs.parts import printed_rows
from pipelines.export import stages
from tests.exports.conftest import plan_for

#: The second one may be carried by EAN/UPC alone, so its QR Code cannot be drawn.
PRODUCTS = "gtin,name\n9506000134352,Tea\n2012345678903,Counter cheese\n614141007349,Coffee\n"


def test_the_failed_rows_of_a_published_artefact_are_those_of_its_report(
    artefacts: ArtefactStore, tmp_path: Path
) -> None:
    catalogue, products = Catalogue(str(tmp_path / "catalogue")), tmp_path / "products.csv"
    products.write_text(PRODUCTS, encoding="utf-8")
    ingest.import_files(catalogue, "acme", products=products, rejects_dir=tmp_path)
    listed = ["9506000134352", "2012345678903", "614141007349", "4006381333931"]
    export = plan_for(scope="products", export_type="codes_combined", filters={"gtins": listed})
    frozen = manifest.freeze(export, catalogue, artefacts)
    parts = [render.chunk_to_part(export, frozen, chunk, artefacts) for chunk in frozen.chunks()]
    artefact = assemble.assemble(export, frozen, parts, artefacts)
    drawn = pl.concat(printed_rows(export, parts, artefacts))
    assemble.discard_parts(export, artefacts)
    again = stages.published(export, frozen, artefact, artefacts)
    assert (artefact.failed, frozen.unmatched, drawn.height) == (1, 1, 2)
    assert pl.concat(printed_rows(export, again, artefacts)).equals(drawn)
