"""The contents of the ZIP for each kind of export, and the report of entities that cannot be drawn."""

import csv
import io
import re
import struct
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from catalogue.imports import rules
from catalogue.schema import MANIFEST
from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed, InvalidRequest
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk
from exports.ports import Report
from exports.previews import preview
from exports.reports.files import key as report_key
from labels_client import tables
from tests.decoding import read_archive
from tests.exports.conftest import NOW, Import, plan_for, run

# Case table: GTIN, declared carrier, the symbology and digits to expect, why it is here.
PRODUCTS = (
    ("96385074", "", "ean_8", "96385074", "six leading zeros"),
    ("012345678905", "", "upc_a", "012345678905", "two leading zeros"),
    ("9506000134352", "", "ean_13", "9506000134352", "one leading zero"),
    ("10614141000415", "", "itf_14", "10614141000415", "no leading zero"),
    ("614141007349", "itf14", "itf_14", "00614141007349", "a declared carrier wins"),
)
CATALOGUE = "gtin,name,carrier\n" + "".join(f"{gtin},Thing,{carrier}\n" for gtin, carrier, *_ in PRODUCTS)
LONG_LOT = "abcdefghijklmnopqrst"


def members(artefact: Artefact, store: ArtefactStore) -> dict[str, bytes]:
    with store.open(artefact.key) as stream, zipfile.ZipFile(stream) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("file_format", ["svg", "eps"])
def test_a_gtin_gets_the_carrier_it_fits(imported: Import, store: ArtefactStore, file_format: str) -> None:
    plan = plan_for(scope="products", export_type="barcodes_1d", file_format=file_format)
    files = members(run(plan, imported(products=CATALOGUE), store), store)
    rows = {row["gtin"]: row for row in table(files["manifest.csv"])}
    for gtin, _, symbology, digits, reason in PRODUCTS:
        row = rows[gtin.zfill(14)]
        assert (row["symbology"], row["payload"]) == (symbology, digits), reason


def test_combined_files_stand_side_by_side_and_both_read(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number,expiration_date\n9506000134352,L1,2027-05-31\n",
        serials="gtin,lot_number,serial_number\n9506000134352,L1,S7\n9506000134352,,S8\n",
    )
    plan = plan_for(scope="serials", export_type="codes_combined", file_format="png")
    artefact = run(plan, catalogue, store)
    assert artefact.processed == 2
    with store.open(artefact.key) as stream:
        read = read_archive(stream.read())
    link = "https://id.gs1.org/01/09506000134352"
    assert Counter(reading for _, reading in read) == Counter(
        [
            ("]Q1", f"{link}/21/S8".encode()),
            ("]C1", b"010950600013435221S8"),
            ("]Q1", f"{link}/10/L1/21/S7?17=270531".encode()),
            ("]C1", b"010950600013435221S7"),
        ]
    )
    assert [name.rpartition("_")[2] for name, _ in read] == ["qr.png", "1d.png"] * 2
    rows = table(members(artefact, store)["manifest.csv"])
    assert [row["row"] for row in rows] == ["1", "1", "2", "2"]
    assert rows[3]["note"] == "not carried: lot, expiry"


def test_an_entity_of_which_one_symbol_fails_fails_whole(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(products="gtin,name\n9506000134352,Tea\n2012345678903,Counter cheese\n")
    plan = plan_for(scope="products", export_type="codes_combined", file_format="svg")
    artefact = run(plan, catalogue, store)
    files = members(artefact, store)
    assert (artefact.processed, artefact.failed) == (1, 1)
    assert len([name for name in files if name.endswith(".svg")]) == 2
    [error] = table(files["errors.csv"])
    assert (error["gtin"], error["code"]) == ("02012345678903", "restricted_circulation")
    assert "only EAN/UPC may carry" in error["reason"]


def test_a_dot_as_a_lot_has_no_link_but_a_datamatrix(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n", lots="gtin,lot_number\n9506000134352,.\n9506000134352,A\n"
    )
    linked = run(plan_for(), catalogue, store)
    assert (linked.processed, linked.failed) == (1, 1)
    drawn = run(plan_for("22222222222222222222Cd", export_type="datamatrix"), catalogue, store)
    assert (drawn.processed, drawn.failed) == (2, 0)


def test_where_nothing_can_be_drawn_the_reasons_are_kept(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(products="gtin,name\n2012345678903,Counter cheese\n")
    plan = plan_for(scope="products", export_type="datamatrix")
    with pytest.raises(AllItemsFailed):
        run(plan, catalogue, store)
    with store.open(report_key(plan.job_id, Report.ERRORS)) as stream:
        assert [row["code"] for row in table(stream.read())] == ["restricted_circulation"]


def test_a_wide_gs1_128_is_drawn_narrower_and_says_so(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots=f"gtin,lot_number,expiration_date\n9506000134352,{LONG_LOT},2027-05-31\n9506000134352,1,2027-05-31\n",
    )
    files = members(run(plan_for(export_type="barcodes_1d"), catalogue, store), store)
    narrow, wide = table(files["manifest.csv"])
    assert (narrow["x_dimension_mm"], narrow["note"]) == ("0.495", "")
    assert 0.250 <= float(wide["x_dimension_mm"]) < 0.495
    assert wide["note"].startswith("X reduced from 0.495 mm")
    assert (float(wide["modules"]) + 20) * float(wide["x_dimension_mm"]) <= 165.10


@pytest.mark.parametrize(
    ("dpi", "x_mm", "dots", "per_metre"),
    [(203, 0.396, 4, 7992), (300, 0.396, 5, 11811), (600, None, 12, 23622), (96, None, 2, 3780)],
)
def test_a_png_is_in_the_printers_dots(
    imported: Import, store: ArtefactStore, dpi: int, x_mm: float | None, dots: int, per_metre: int
) -> None:
    """`per_metre` is the dpi in pHYs' unit, so that software prints each pixel as one dot."""
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number\n9506000134352,1\n",
    )
    config = {"dpi": dpi} | ({} if x_mm is None else {"module_size_mm": x_mm})
    files = members(run(plan_for(file_format="png", asset_config=config), catalogue, store), store)
    [row] = table(files["manifest.csv"])
    picture = files[row["file"]]
    assert struct.unpack(">IIB", picture[picture.index(b"pHYs") + 4 :][:9]) == (per_metre, per_metre, 1)
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.width == (int(row["modules"]) + 8) * dots
    assert row["x_dimension_mm"] == f"{dots * 25.4 / dpi:.3f}"
    assert row["note"] == ""


def test_a_wide_gs1_128_as_a_png_loses_whole_dots(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots=f"gtin,lot_number,expiration_date\n9506000134352,{LONG_LOT},2027-05-31\n",
    )
    plan = plan_for(export_type="codes_combined", file_format="png", asset_config={"dpi": 300})
    *_, wide = table(members(run(plan, catalogue, store), store)["manifest.csv"])
    # 4 dots; 5 would be 0.423 mm and more than 165.10 mm.
    assert (wide["symbology"], wide["x_dimension_mm"]) == ("gs1_128", "0.339")
    assert wide["note"] == "X reduced from 0.508 mm to stay within the greatest width GS1 allows"
    assert (float(wide["modules"]) + 20) * 5 * 25.4 / 300 > 165.10


@pytest.mark.parametrize(
    ("body", "x_mm", "reason"),
    [
        ({"export_type": "qr_codes"}, 0.395, "below the least"),
        ({"export_type": "qr_codes"}, 0.991, "above the greatest"),
        ({"export_type": "barcodes_1d"}, 0.494, "GS1-128 begins at 0.495"),
        ({"export_type": "codes_combined"}, 0.400, "good for QR, not for GS1-128"),
        ({"export_type": "barcodes_1d", "scope": "products"}, 0.2, "no GTIN carrier is so small"),
    ],
)
def test_a_module_size_outside_the_table(body: dict[str, object], x_mm: float, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_for(asset_config={"module_size_mm": x_mm}, **body)
    assert [fault["loc"] for fault in caught.value.details] == [["body", "asset_config", "module_size_mm"]], (
        reason
    )


def test_a_cell_is_never_a_formula(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="id,gtin,lot_number\n@SUM(A1),9506000134352,=1+1\n-2,9506000134352,+3\n",
    )
    rows = table(members(run(plan_for(), catalogue, store), store)["manifest.csv"])
    assert {(row["entity_id"], row["lot"]) for row in rows} == {("'@SUM(A1)", "'=1+1"), ("'-2", "'+3")}


def test_the_manifest_says_what_is_encoded(imported: Import, store: ArtefactStore, tmp_path: Path) -> None:
    lots = ("A(21)B", "-1", "'-1", "''1", "_x0041_", "007")
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="\n".join(
            ["gtin,lot_number,expiration_date", *[f"9506000134352,{lot},2027-04" for lot in lots], ""]
        ),
        serials="gtin,lot_number,serial_number\n"
        + "".join(f"9506000134352,{lot},=(10)-{lot}\n" for lot in lots),
    )
    artefact = run(plan_for(scope="serials", export_type="datamatrix", file_format="png"), catalogue, store)
    path = tmp_path / "manifest.csv"
    path.write_bytes(members(artefact, store)["manifest.csv"])
    rows = list(tables.rows(path))
    assert list(rows[0]) == [
        "row", "file", "scope", "entity_id", "gtin", "lot", "serial", "expiry", "symbology", "payload",
        "modules", "x_dimension_mm", "note", "message",
    ]  # fmt: skip
    assert sorted(row["lot"] for row in rows) == sorted(lots)
    with store.open(artefact.key) as stream:
        read = {name: text.decode() for name, (_, text) in read_archive(stream.read())}
    for row in rows:
        lot, serial = row["lot"], row["serial"]
        assert row["message"] == f"^01095060001343521727040010{lot}^21{serial}"
        assert row["message"] == "^" + read[row["file"]].replace("\x1d", "^")
        told = [value.replace("(", r"\(") for value in (lot, serial)]
        assert row["payload"] == "(01)09506000134352(17)270400(10){}(21){}".format(*told)


@pytest.mark.parametrize(
    ("export_type", "file_format"), [("datamatrix", "svg"), ("datamatrix", "png"), ("codes_combined", "eps")]
)
def test_a_lot_that_looks_like_a_lot_and_a_serial_stays_on_one_line(
    imported: Import, store: ArtefactStore, export_type: str, file_format: str
) -> None:
    # Of the same characters, so symbol and lines are as wide: only one more line would make the file higher.
    lots = ("A(21)B", "A)21(B")
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number\n" + "".join(f"9506000134352,{lot}\n" for lot in lots),
    )
    plan = plan_for(export_type=export_type, file_format=file_format, asset_config={"hri": True})
    files = members(run(plan, catalogue, store), store)
    (first, *_), (second, *_) = (
        [files[row["file"]] for row in table(files["manifest.csv"]) if row["lot"] == lot] for lot in lots
    )
    assert size(first, file_format) == size(second, file_format)


def size(file: bytes, file_format: str) -> tuple[bytes, ...]:
    """Return what the file says of its size."""
    patterns = {
        "svg": rb'viewBox="0 0 (\S+) (\S+)"',
        "png": rb"(?s)IHDR(.{4})(.{4})",
        "eps": rb"%%HiResBoundingBox: 0 0 (\S+) (\S+)",
    }
    found = re.search(patterns[file_format], file)
    assert found is not None
    return found.groups()


def test_links_and_digits_are_their_own_message(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(products="gtin,name\n9506000134352,Tea\n")
    plan = plan_for(scope="products", export_type="codes_combined")
    link, digits = table(members(run(plan, catalogue, store), store)["manifest.csv"])
    assert link["message"] == link["payload"] == "https://id.gs1.org/01/09506000134352"
    assert digits["message"] == digits["payload"] == "9506000134352"


def test_a_reprint_has_the_rows_of_the_original(imported: Import, store: ArtefactStore) -> None:
    lots = "gtin,lot_number\n9506000134352,A\n9506000134352,B\n"
    catalogue = imported(products="gtin,name\n9506000134352,Tea\n", lots=lots)
    original = plan_for(filters={"never_printed": True})
    first = run(original, catalogue, store)
    imported(lots=f"{lots}9506000134352,C\n")
    again = type(original)(
        "22222222222222222222Cd", "acme", None, "key:9", original.submitted_at, original.request,
        reprint_of=original.job_id, reason="torn",
    )  # fmt: skip
    assert run(again, catalogue, store).sha256 == first.sha256
    assert manifest.load(again, store) == manifest.load(original, store)


def test_numbers_for_ean_upc_alone_are_drawn_with_a_note(imported: Import, store: ArtefactStore) -> None:
    notes = {
        "02012345678903": "restricted circulation number: not for open trade",
        "00000021234569": "restricted circulation number: not for open trade",
        "00512345678900": "number of a coupon or refund receipt: not for open trade",
        "09506000134352": "",
    }
    catalogue = imported(products="gtin,name\n" + "".join(f"{gtin},Thing\n" for gtin in notes))
    plan = plan_for(scope="products", export_type="barcodes_1d")
    rows = table(members(run(plan, catalogue, store), store)["manifest.csv"])
    assert {row["gtin"]: row["note"] for row in rows} == notes


def test_a_lot_that_had_expired_says_so_ever_after(imported: Import, store: ArtefactStore) -> None:
    lots = {"A": "2026-11-23", "B": "2026-10", "C": "2026-11-24", "D": "2026-11"}
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number,expiration_date\n"
        + "".join(f"9506000134352,{n},{d}\n" for n, d in lots.items()),
        serials="gtin,lot_number,serial_number\n9506000134352,A,1\n",
    )
    original = plan_for()
    first = run(original, catalogue, store)
    rows = table(members(first, store)["manifest.csv"])
    said = "the lot had expired when the job was submitted"
    assert {row["lot"]: row["note"] for row in rows} == {"A": said, "B": said, "C": "", "D": ""}
    # A reprint on a later day has the bytes of the original.
    again = replace(original, job_id="22222222222222222222Cd", submitted_at=NOW + timedelta(days=400),
                    reprint_of=original.job_id, reason="torn")  # fmt: skip
    assert run(again, catalogue, store).sha256 == first.sha256
    # The day is that of UTC.
    late = replace(original, job_id="22222222222222222222Ef",
                   submitted_at=datetime(2026, 11, 25, 1, tzinfo=timezone(timedelta(hours=2))))  # fmt: skip
    notes = {
        row["lot"]: row["note"] for row in table(members(run(late, catalogue, store), store)["manifest.csv"])
    }
    assert notes["C"] == ""
    serials = plan_for("22222222222222222222Gh", scope="serials", export_type="barcodes_1d")
    [row] = table(members(run(serials, catalogue, store), store)["manifest.csv"])
    assert row["note"] == f"not carried: lot, expiry; {said}"


def test_a_production_date_is_noted_as_not_carried(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number,production_date,expiration_date,best_before_date\n"
        "9506000134352,A,2026-11-01,2027-01-31,2027-01-01\n",
    )
    for number, export_type in enumerate(("qr_codes", "datamatrix", "barcodes_1d")):
        plan = plan_for(f"2222222222222222222A{number + 3}b"[:22], export_type=export_type)
        [row] = table(members(run(plan, catalogue, store), store)["manifest.csv"])
        assert row["note"] == "not carried: best before, production date"


def test_healthcare_states_the_day(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products="gtin,name\n9506000134352,Tea\n",
        lots="gtin,lot_number,expiration_date,best_before_date\n"
        "9506000134352,A,2027-01-31,\n9506000134352,B,2027-01,\n9506000134352,C,,2027-01\n",
    )
    plan = plan_for(export_type="datamatrix", asset_config={"environment": "healthcare"})
    files = members(run(plan, catalogue, store), store)
    assert [row["lot"] for row in table(files["manifest.csv"])] == ["A"]
    errors = [(row["lot"], row["code"], row["reason"]) for row in table(files["errors.csv"])]
    assert errors == [
        ("B", "day_required", "expiry 270100 states no day"),
        ("C", "day_required", "best_before 270100 states no day"),
    ]


def test_a_manifest_of_before_these_columns_is_printed_again(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(products="gtin,name\n9506000134352,Tea\n", lots="gtin,lot_number\n9506000134352,A\n")
    plan = plan_for()
    frozen = manifest.freeze(plan, catalogue, store)
    with store.open(f"{plan.folder}/manifest.parquet") as stream:
        old = pl.read_parquet(stream).drop("production_date", "before_production", "expired")
    with store.write(f"{plan.folder}/manifest.parquet") as stream:
        old.write_parquet(stream)
    [frame] = manifest.read_rows(plan, store, Chunk(0, frozen.rows), 10)
    assert frame.schema == MANIFEST
    assert run(plan, catalogue, store).processed == 1


def test_a_preview_counts_draws_and_explains(
    imported: Import, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if stored before imports looked at what numbers are.
    monkeypatch.setitem(rules._OWN_RULES, "products", [])
    catalogue = imported(products=f"{CATALOGUE}90614141000411,By weight,\n")
    shown = preview.preview(plan_for(scope="products", export_type="barcodes_1d"), catalogue, store)
    assert (shown.total_items, shown.tried_items) == (len(PRODUCTS) + 1, len(PRODUCTS) + 1)
    [failure] = shown.failures
    assert (failure.gtin, failure.lot, failure.code) == ("90614141000411", None, "measure_required")
    assert len(shown.pictures) == len(PRODUCTS)
    ean_8 = shown.pictures[0]
    assert ean_8.title == "EAN-8 96385074"
    assert ean_8.width_mm == pytest.approx((67 + 14) * 0.330, abs=0.2)
