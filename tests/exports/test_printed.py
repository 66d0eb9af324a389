"""The recorded values are those on the labels, and entities corrected since are selected."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import count
from operator import or_

import polars as pl
import pytest

from catalogue.lifecycle import PRINTED, Printing, history, record_printed
from catalogue.queries.selected import PrintCounts, print_counts, resolve
from catalogue.tables import Catalogue
from exports import printed, render
from exports.artefacts import ArtefactStore
from exports.jobs import manifest, parts
from exports.jobs.plan import ExportPlan
from exports.ports import Page
from exports.reads import ExportReads
from exports.requests.export_types import Slot
from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from exports.verification.carried import Carried, of_row
from tests.exports.conftest import NOW, Import, plan_for

GTIN, CASE, UPC = "09506000134352", "10614141000415", "00012345678905"
PRODUCTS = f"gtin,name\n{GTIN},Dark chocolate\n{CASE},Case\n{UPC},A name too long for any label of this size and for its line of text\n"
LOTS = f"""gtin,lot_number,expiration_date,best_before_date
{GTIN},A(21)B,2027-03-31,2027-02-28
{GTIN},L2,2027-04,
{CASE},L3,,2027-05-09
{UPC},L4,,
"""
SERIALS = f"gtin,serial_number,lot_number\n{GTIN},S1,A(21)B\n{CASE},S2,L3\n{UPC},S3,\n"
HRI = {"asset_config": {"hri": True}}


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    return imported(products=PRODUCTS, lots=LOTS, serials=SERIALS)


class Prints:
    """Jobs one after the other, each an hour later."""

    def __init__(self, catalogue: Catalogue, store: ArtefactStore) -> None:
        self.catalogue, self.store = catalogue, store
        self._hours = count()

    def print(self, **body: object) -> ExportPlan:
        return self.run(self.plan(**body))

    def plan(self, resolver: str | None = None, **body: object) -> ExportPlan:
        hour = next(self._hours)
        plan = plan_for(f"222222222222222222{hour:04d}".replace("0", "A").replace("1", "B"), **body)
        return replace(plan, resolver=resolver, submitted_at=NOW + timedelta(hours=hour))

    def run(self, plan: ExportPlan) -> ExportPlan:
        frozen = manifest.freeze(plan, self.catalogue, self.store)
        render.prepare(plan, frozen, self.store)
        drawn = [render.chunk_to_part(plan, frozen, chunk, self.store) for chunk in frozen.chunks()]
        printed.record(plan, drawn, plan.submitted_at, self.catalogue, self.store)
        return plan

    def selected(self, resolver: str | None = None, scope: str = "lots", **filters: object) -> list[str]:
        plan = self.plan(resolver, scope=scope, filters=filters)
        rows = [
            row for frame in resolve(self.catalogue, plan.selection) for row in frame.iter_rows(named=True)
        ]
        return [row["serial_number"] or row["lot_number"] or row["gtin14"] for row in rows]

    def changed(self, **asked: str) -> list[str]:
        return self.selected(changed_since_print=True, **asked)

    def counts(self, scope: str = "lots") -> PrintCounts:
        return print_counts(self.catalogue, self.plan(scope=scope).selection)


@pytest.fixture
def prints(catalogue: Catalogue, store: ArtefactStore) -> Prints:
    return Prints(catalogue, store)


def told(plan: ExportPlan, prints: Prints) -> dict[str, tuple[object, object, object]]:
    """Return what the history tells of each entity: carried values, resolver, lines."""
    reads = ExportReads(prints.catalogue, prints.store)
    events = reads.print_history("acme", Page(1, 100), gtin14=None, lot=None, serial=None).events
    return {
        event.entity_id: (event.carried, event.resolver, event.lines)
        for event in events
        if event.job_id == plan.job_id
    }


def in_elements(of_row: Carried, gtin: str) -> dict[str, str]:
    return {"01": gtin, **dict(of_row.elements)}


@pytest.mark.parametrize("scope", ["products", "lots", "serials"])
@pytest.mark.parametrize("export_type", ["qr_codes", "datamatrix", "barcodes_1d", "codes_combined"])
@pytest.mark.parametrize("config", [{}, HRI])
def test_what_symbol_files_carry_and_show(prints: Prints, scope: str, export_type: str, config: dict) -> None:
    """Verification expects the same of the finished artefact, from the manifest alone."""
    plan = prints.print(scope=scope, export_type=export_type, **config)
    found = told(plan, prints)
    [frame] = resolve(prints.catalogue, plan.selection)
    assert len(found) == frame.height
    resolver = "https://id.gs1.org" if export_type in {"qr_codes", "codes_combined"} else None
    for row in frame.iter_rows(named=True):
        expected = {slot: of_row(slot, row, None) for slot in plan.slots}
        values = [in_elements(each, row["gtin14"]) for each in expected.values()]
        shown = [each.hri for slot, each in expected.items() if config or slot is Slot.LINEAR]
        assert found[row["entity_id"]] == (reduce(or_, values), resolver, shown)


@pytest.mark.parametrize("scope", ["products", "lots", "serials"])
@pytest.mark.parametrize("symbology", ["qr", "datamatrix", "barcode_1d"])
@pytest.mark.parametrize(
    ("export_type", "file_format", "template"),
    [("sheet_pdf", "pdf", "avery_5163"), ("roll_labels", "zpl", "thermal_4x6in")],
)
def test_what_labels_carry_and_show(
    prints: Prints, export_type: str, file_format: str, template: str, scope: str, symbology: str
) -> None:
    config = {"sheet_template": template, "symbology": symbology}
    plan = prints.print(scope=scope, export_type=export_type, file_format=file_format, asset_config=config)
    found = told(plan, prints)
    sheet = sheet_plan.load(plan, prints.store)
    [frame] = resolve(prints.catalogue, plan.selection)
    batch = pages.encode(plan, sheet, frame)
    drawn = pages.labels_on(sheet, batch, 0, 99)
    assert len(found) == frame.height == sum(len(group.symbols.positions) for group in drawn.groups)
    for group in drawn.groups:
        for index, position in enumerate(group.symbols.positions.tolist()):
            row = frame.row(position, named=True)
            lines = [
                (line.baseline_mm, texts[index])
                for line, texts in zip(group.layout.hri, group.hri, strict=True)
            ]
            lines += [
                (line.baseline_mm, strings[index])
                for line, strings in zip(group.layout.lines, group.lines, strict=True)
            ]
            shown = [text for _, text in sorted(lines, key=lambda line: -line[0]) if text]
            resolver = "https://id.gs1.org" if symbology == "qr" else None
            values = in_elements(of_row(sheet.slot, row, None), row["gtin14"])
            assert found[row["entity_id"]] == (values, resolver, shown)
    assert any(group.layout.lines for group in drawn.groups)


def test_corrected_lots_are_printed_once_more(prints: Prints, imported: Import) -> None:
    prints.print(export_type="datamatrix")
    assert prints.changed() == prints.selected(print_due=True) == []
    imported(
        products=f"gtin,name\n{GTIN},Bitter chocolate\n",
        lots=f"gtin,lot_number,expiration_date,best_before_date\n{GTIN},L2,2027-06-30,\n{GTIN},A(21)B,2027-03-31,2027-01-01\n"
        f"{CASE},L3,,2027-05-10\n{UPC},L5,2028-01-01,\n",
    )
    # A best-before date beside an expiry is not carried, and neither is a name.
    assert prints.changed() == ["L2", "L3"]
    assert sorted(prints.selected(print_due=True)) == ["L2", "L3", "L5"]
    assert prints.counts() == PrintCounts(never_printed=1, changed=2, unknown=0)
    prints.print(export_type="datamatrix", filters={"changed_since_print": True})
    assert prints.changed() == []
    assert prints.selected(print_due=True) == ["L5"]


def test_a_value_put_back_is_no_change(prints: Prints, imported: Import) -> None:
    prints.print()
    for date, changed in (("2027-07-01", ["L2"]), ("2027-04", [])):
        imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},L2,{date}\n")
        assert prints.changed() == changed


@pytest.mark.parametrize("scope", ["products", "lots", "serials"])
def test_another_carrier_is_no_change(prints: Prints, scope: str) -> None:
    for export_type in ("qr_codes", "barcodes_1d", "datamatrix", "codes_combined"):
        prints.print(scope=scope, export_type=export_type)
        assert prints.changed(scope=scope) == []
    assert prints.counts(scope) == PrintCounts(0, 0, 0)


def test_what_the_bars_of_a_serial_leave_out_is_not_missed(prints: Prints, imported: Import) -> None:
    prints.print(scope="serials", export_type="barcodes_1d")
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},A(21)B,2029-01-01\n")
    assert prints.changed(scope="serials") == []
    prints.print(scope="serials", export_type="codes_combined")
    assert prints.changed(scope="serials") == []
    imported(serials=f"gtin,serial_number,lot_number\n{UPC},S3,L4\n")
    assert prints.changed(scope="serials") == ["S3"]


@pytest.mark.parametrize("scope", ["lots", "serials"])
def test_the_products_own_bars_carry_its_gtin_and_nothing_else(
    prints: Prints, imported: Import, scope: str
) -> None:
    gtin = {"asset_config": {"linear": "gtin"}}
    bars = told(prints.print(scope=scope, export_type="barcodes_1d", **gtin), prints)
    assert [(set(carried), resolver) for carried, resolver, _ in bars.values()] == [({"01"}, None)] * len(
        bars
    )
    assert {lines[0] for _, _, lines in bars.values()} == {GTIN[1:], CASE, UPC[2:]}
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},A(21)B,2029-01-01\n")
    assert prints.changed(scope=scope) == []
    pair = told(prints.print(scope=scope, export_type="codes_combined", **gtin), prints)
    assert {"01", "17", "10"} <= set.union(*(set(carried) for carried, _, _ in pair.values()))
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},A(21)B,2030-01-01\n")
    assert prints.changed(scope=scope) == ["S1" if scope == "serials" else "A(21)B"]


def test_another_resolver_is_a_change_of_links(prints: Prints) -> None:
    moved = "https://example.com"
    prints.print(scope="products", export_type="datamatrix")
    assert prints.changed(scope="products", resolver=moved) == []
    prints.print(scope="products", export_type="qr_codes")
    assert prints.changed(scope="products") == []
    assert len(prints.changed(scope="products", resolver=moved)) == 3


def test_labels_of_which_nothing_is_known_are_not_selected(prints: Prints, imported: Import) -> None:
    plan = prints.plan()
    rows = resolve(prints.catalogue, plan.selection)
    # As releases before 0.2 recorded, and as imported events are.
    record_printed(prints.catalogue, "acme", Printing("older", NOW), rows)
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},L2,2029-01-01\n")
    assert prints.changed() == prints.selected(print_due=True) == []
    assert prints.counts() == PrintCounts(never_printed=0, changed=0, unknown=4)
    assert set(map(str, told(replace(plan, job_id="older"), prints).values())) == {"(None, None, None)"}
    prints.print(filters={"gtins": [GTIN]})
    assert prints.counts() == PrintCounts(never_printed=0, changed=0, unknown=2)


def test_the_newest_event_counts_also_a_reprint(prints: Prints, imported: Import) -> None:
    first = prints.print()
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},L2,2029-01-01\n")
    prints.print()
    assert prints.changed() == []
    prints.run(replace(prints.plan(), reprint_of=first.job_id, reason="torn"))
    assert prints.changed() == ["L2"]
    events, _ = history(prints.catalogue, "acme", lot="L2")
    assert events["event_type"].to_list() == ["REPRINTED", PRINTED, PRINTED]
    assert events["carried_expiry"].to_list() == ["270400", "290101", "270400"]


def test_some_rows_are_printed_again(prints: Prints) -> None:
    first = prints.print()
    ranges = ((2, 3),)
    again = prints.run(replace(prints.plan(), reprint_of=first.job_id, reason="jam", rows=ranges))
    [before], [now] = (
        list(manifest.read_rows(plan, prints.store, manifest.Chunk(0, 9), 9)) for plan in (first, again)
    )
    assert now["row"].to_list() == [0, 1]
    assert now.drop("row", "first_label").equals(before[1:3].drop("row", "first_label"))
    frozen = manifest.load(again, prints.store)
    assert (frozen.rows, frozen.unmatched) == (2, 0)
    assert frozen.catalogue_version == manifest.load(first, prints.store).catalogue_version
    assert list(told(again, prints)) == now["entity_id"].to_list()


def test_rows_are_picked_across_row_groups(
    prints: Prints, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalogue.queries.selected.FRAME_ROWS", 7)
    imported(lots="gtin,lot_number\n" + "".join(f"{GTIN},N{number:03d}\n" for number in range(50)))
    first = prints.plan(filters={"gtins": [GTIN]})
    whole = manifest.freeze(first, prints.catalogue, prints.store)
    ranges = ((1, 1), (7, 8), (20, 40), (52, 52))
    again = replace(prints.plan(), reprint_of=first.job_id, reason="jam", rows=ranges)
    assert (whole.rows, manifest.freeze(again, prints.catalogue, prints.store).rows) == (52, 25)

    def ids(plan: ExportPlan, rows: int) -> list[str]:
        frames = manifest.read_rows(plan, prints.store, manifest.Chunk(0, rows), 100)
        return [entity for frame in frames for entity in frame["entity_id"].to_list()]

    every = ids(first, 52)
    assert ids(again, 25) == [every[row - 1] for low, high in ranges for row in range(low, high + 1)]


def test_another_release_draws_parts_anew(prints: Prints, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = prints.plan()
    frozen = manifest.freeze(plan, prints.catalogue, prints.store)
    [chunk] = frozen.chunks()
    part = render.chunk_to_part(plan, frozen, chunk, prints.store)
    assert parts.stored(parts.key_of(plan, frozen, chunk), prints.store) == part
    monkeypatch.setattr(manifest, "RELEASE", "99.0")
    assert parts.stored(parts.key_of(plan, frozen, chunk), prints.store) is None


def test_what_was_asked_for_is_compared_and_nothing_else(prints: Prints, imported: Import) -> None:
    asked = {"asset_config": {"carry": ["11", "15", "310n", "240", "7003"]}}
    plan = prints.print(export_type="datamatrix", **asked)
    assert prints.changed() == []
    assert prints.counts() == PrintCounts(0, 0, 0)
    # Another expiry is not on the label; both dates are compared where both were asked for.
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},L2,2029-01-31\n")
    assert prints.changed() == []
    for column, value, lot in (
        ("production_date", "2026-01-31", "A(21)B"),
        ("best_before_date", "2027-01-31", "L2"),
        ("net_weight_kg", "1.250", "L3"),
        ("expiration_time", "2027-03-30 14:30", "L4"),
    ):
        gtin = {"L3": CASE, "L4": UPC}.get(lot, GTIN)
        imported(lots=f"gtin,lot_number,{column}\n{gtin},{lot},{value}\n")
        assert prints.changed() == [lot]
        plan = prints.print(export_type="datamatrix", filters={"print_due": True}, **asked)
        assert prints.changed() == []
    imported(products=f"gtin,name,additional_product_identification\n{CASE},Case,A(1)\n")
    assert prints.changed() == ["L3"]
    prints.print(export_type="datamatrix", **asked)
    # The newest label counts, by what was asked for it: in the end nothing was.
    prints.print(export_type="datamatrix")
    imported(lots=f"gtin,lot_number,production_date\n{GTIN},L2,2026-03-31\n")
    assert prints.changed() == []
    events, _ = history(prints.catalogue, "acme")
    assert set(events.filter(pl.col("job_id") == plan.job_id)["carried_more"]) == {"(7003)2703301430"}


@pytest.mark.parametrize("export_type", ["qr_codes", "barcodes_1d", "codes_combined"])
def test_the_lot_of_a_serial_is_compared_if_it_was_asked_for(
    prints: Prints, imported: Import, export_type: str
) -> None:
    prints.print(scope="serials", export_type=export_type, asset_config={"carry": ["11"]})
    imported(serials=f"gtin,serial_number,lot_number\n{UPC},S3,L4\n")
    assert prints.changed(scope="serials") == []
    prints.print(scope="serials", export_type=export_type, asset_config={"carry": ["10"]})
    imported(serials=f"gtin,serial_number,lot_number\n{UPC},S3,\n")
    assert prints.changed(scope="serials") == ["S3"]


def test_a_label_of_keys_alone_changes_with_nothing_else(prints: Prints, imported: Import) -> None:
    prints.print(export_type="datamatrix", asset_config={"carry": []})
    imported(lots=f"gtin,lot_number,expiration_date,production_date\n{GTIN},L2,2029-01-31,2026-01-31\n")
    assert prints.changed() == []
    assert prints.counts() == PrintCounts(0, 0, 0)


_VALUES = {
    "11": ("production_date", "2026-01-31"),
    "310n": ("net_weight_kg", "0.5"),
    "311n": ("length_m", "12"),
    "312n": ("width_m", "123456"),
    "313n": ("height_m", "0.12345"),
    "242": ("made_to_order_variation", "007"),
    "30": ("variable_count", "12"),
    "7003": ("expiration_time", "2027-03-31 00:05"),
}


def test_labels_just_printed_are_unchanged_whatever_they_carry(prints: Prints, imported: Import) -> None:
    """The catalogue's SQL writes elements as the symbols do."""
    columns, values = zip(*_VALUES.values(), strict=True)
    imported(
        lots=f"gtin,lot_number,{','.join(columns)}\n{UPC},L4,{','.join(values)}\n",
        serials=f"gtin,serial_number,lot_number\n{UPC},S3,L4\n",
    )
    for asked in ([*_VALUES], *([ai] for ai in _VALUES)):
        for scope in ("lots", "serials"):
            prints.print(scope=scope, export_type="datamatrix", asset_config={"carry": asked})
            assert prints.changed(scope=scope) == []
