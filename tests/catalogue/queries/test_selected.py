"""Every filter, alone and combined, compared with a naive evaluation of the same small random catalogue."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.ids import derived_id
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import REPRINTED, Printing, record_printed
from catalogue.queries.selected import UnmatchedKey, count, least, resolve, unmatched
from catalogue.schema import MANIFEST
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue

START = datetime(2026, 1, 1, tzinfo=UTC)
ORG = "acme"


def gtin(number: int) -> str:
    body = f"{number:013d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity as the naive reference sees it; `active` includes its product and lot."""

    scope: Scope
    id: str
    gtin14: str
    lot: str | None
    serial: str | None
    active: bool
    created_at: datetime
    printed: bool
    product_id: str
    lot_id: str | None
    lot_run_id: str | None


@dataclass(frozen=True, slots=True)
class World:
    catalogue: Catalogue
    entities: list[Entity]
    changed: set[str]


def build(folder: Path) -> World:  # noqa: C901 - one loop per kind of entity
    """A random catalogue, imported from CSV and listed as entities."""
    chance = random.Random(7)
    entities: list[Entity] = []
    products: dict[str, Entity] = {}
    lots: dict[tuple[str, str], Entity] = {}
    tables: dict[str, list[dict[str, object]]] = {"products": [], "lots": [], "serials": [], "events": []}

    def add(table: str, entity: Entity, own_active: bool, **columns: object) -> None:
        tables[table].append({"active": own_active, "created_at": entity.created_at.isoformat(), **columns})
        if entity.printed:
            tables["events"].append(
                {"entity_type": table[:-1], "entity_id": entity.id, "event_type": "PRINTED",
                 "occurred_at": START.isoformat()}
            )  # fmt: skip
        entities.append(entity)

    def moment() -> datetime:
        return START + timedelta(hours=chance.randrange(6))

    for number in range(8):
        code, active = gtin(950600000000 + number), chance.random() < 0.8
        identifier = f"opaque-{number}" if number % 2 else derived_id(ORG, "product", code)
        products[code] = Entity(
            Scope.PRODUCTS, identifier, code, None, None, active, moment(), chance.random() < 0.3,
            identifier, None, None,
        )  # fmt: skip
        add("products", products[code], active, id=identifier, gtin=code, name=f"Product {number}")
    for code, product in products.items():
        for number in range(4):
            lot, active, run = f"L{number}", chance.random() < 0.8, chance.choice([None, "run-1", "run-2"])
            identifier = derived_id(ORG, "lot", code, lot)
            lots[code, lot] = Entity(
                Scope.LOTS, identifier, code, lot, None, active and product.active, moment(),
                chance.random() < 0.3, product.id, identifier, run,
            )  # fmt: skip
            add("lots", lots[code, lot], active, gtin=code, lot_number=lot, lot_run_id=run)
    for code, product in products.items():
        for number in range(12):
            serial, active = f"S{number}", chance.random() < 0.8
            lot = chance.choice([None, "L0", "L1", "L2", "L3"])
            of = lots[code, lot] if lot else product
            entity = Entity(
                Scope.SERIALS, derived_id(ORG, "serial", code, serial), code, lot, serial,
                active and of.active, moment(), chance.random() < 0.3, product.id, of.lot_id, of.lot_run_id,
            )  # fmt: skip
            add("serials", entity, active, gtin=code, lot_number=lot, serial_number=serial)
    paths: dict[str, Path] = {}
    for table, records in tables.items():
        chance.shuffle(records)
        paths[table] = folder / f"{table}.csv"
        pl.DataFrame(records, infer_schema_length=None).write_csv(paths[table])
    catalogue = Catalogue(str(folder / "catalogue"))
    for organisation in (ORG, "007"):
        report = import_files(catalogue, organisation, **paths, rejects_dir=folder / organisation, now=START)
        refused = {table.table: table.rejected for table in report.tables if table.rejected}
        # The other organisation derives other ids, so those of the events name nothing there.
        assert set(refused) <= ({"lifecycle_events"} if organisation == "007" else set())
    return World(catalogue, entities, relabel(catalogue, chance))


def relabel(catalogue: Catalogue, chance: random.Random) -> set[str]:
    """Reprint some entities, of which some carried another lot then; return the ids of the latter."""
    changed: set[str] = set()
    for scope in Scope:
        [rows] = resolve(catalogue, Selection(ORG, scope))
        rows = rows.filter(pl.Series([chance.random() < 0.5 for _ in range(rows.height)]))
        other = pl.Series([chance.random() < 0.5 for _ in range(rows.height)])
        labels = rows.with_columns(
            carried_lot=pl.when(other).then(pl.lit("OTHER")).otherwise(pl.col("lot_number")),
            carried_expiry=pl.col("expiry"),
        )
        printing = Printing(f"again-{scope}", START + timedelta(days=1), REPRINTED, symbols="datamatrix")
        record_printed(catalogue, ORG, printing, [labels])
        changed |= {f"{scope}/{entity}" for entity in rows.filter(other)["entity_id"]}
    return changed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("world"))


def naive(world: World, selection: Selection) -> list[Entity]:
    def changed(entity: Entity) -> bool:
        return f"{entity.scope}/{entity.id}" in world.changed

    def matches(entity: Entity) -> bool:
        return (
            entity.scope is selection.scope
            and entity.active
            and (selection.gtins is None or entity.gtin14 in selection.gtins)
            and (selection.product_id is None or entity.product_id == selection.product_id)
            and (selection.lot_ids is None or entity.lot_id in selection.lot_ids)
            and (selection.lot_run_id is None or entity.lot_run_id == selection.lot_run_id)
            and (selection.serial_ids is None or (entity.serial is not None and entity.id in selection.serial_ids))
            and not (selection.never_printed and entity.printed)
            and not (selection.changed_since_print and not changed(entity))
            and not (selection.print_due and entity.printed and not changed(entity))
            and (selection.created_after is None or entity.created_at >= selection.created_after)
            and (selection.created_before is None or entity.created_at <= selection.created_before)
        )  # fmt: skip

    # The empty text sorts before every lot and serial number, as an absent one does.
    return sorted(
        filter(matches, world.entities), key=lambda e: (e.gtin14, e.lot or "", e.serial or "", e.id)
    )


def agree(world: World, selection: Selection) -> None:
    expected = naive(world, selection)
    frames = list(resolve(world.catalogue, selection))
    assert all(frame.schema == MANIFEST for frame in frames)
    rows = [row for frame in frames for row in frame.iter_rows(named=True)]
    assert [row["entity_id"] for row in rows] == [entity.id for entity in expected]
    assert [row["row"] for row in rows] == list(range(len(expected)))
    for row, entity in zip(rows, expected, strict=True):
        assert row["scope"] == entity.scope
        assert (row["gtin14"], row["lot_number"], row["serial_number"]) == (
            entity.gtin14, entity.lot, entity.serial,
        )  # fmt: skip
        assert (row["product_id"], row["lot_id"], row["lot_run_id"]) == (
            entity.product_id, entity.lot_id, entity.lot_run_id,
        )  # fmt: skip
    assert count(world.catalogue, selection) == len(expected)
    assert count(world.catalogue, selection, limit=3) == min(3, len(expected))


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(
    "filters",
    [
        {}, {"gtins": ()}, {"lot_ids": ()}, {"serial_ids": ()}, {"never_printed": True}, {"lot_run_id": "run-1"},
        {"product_id": "opaque-1"}, {"product_id": "' OR 1=1 --"}, {"created_after": START + timedelta(hours=3)},
        {"created_before": START + timedelta(hours=3)}, {"lot_run_id": "run-2", "never_printed": True},
        {"changed_since_print": True}, {"print_due": True}, {"changed_since_print": True, "never_printed": True},
    ],
)  # fmt: skip
def test_one_filter(world: World, scope: Scope, filters: dict) -> None:
    agree(world, Selection(ORG, scope, **filters))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), scope=st.sampled_from(Scope))
def test_filters_together(world: World, data: st.DataObject, scope: Scope) -> None:
    def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
        lists = st.lists(st.sampled_from([*values, "unknown"]), max_size=len(values)).map(tuple)
        return st.none() | lists

    of = {s: [entity for entity in world.entities if entity.scope is s] for s in Scope}
    hours = st.none() | st.integers(-1, 6).map(lambda hour: START + timedelta(hours=hour))
    selection = Selection(
        ORG,
        scope,
        gtins=data.draw(some([entity.gtin14 for entity in of[Scope.PRODUCTS]])),
        product_id=data.draw(st.none() | st.sampled_from([entity.id for entity in of[Scope.PRODUCTS]])),
        never_printed=data.draw(st.booleans()),
        changed_since_print=data.draw(st.booleans()),
        print_due=data.draw(st.booleans()),
        created_after=data.draw(hours),
        created_before=data.draw(hours),
    )
    if scope is not Scope.PRODUCTS:
        selection = replace(
            selection,
            lot_ids=data.draw(some([entity.id for entity in of[Scope.LOTS]])),
            lot_run_id=data.draw(st.sampled_from([None, None, "run-1", "run-2"])),
        )
    if scope is Scope.SERIALS:
        selection = replace(selection, serial_ids=data.draw(some([e.id for e in of[Scope.SERIALS]])))
    agree(world, selection)


def test_unmatched_keys_are_named_one_by_one(world: World) -> None:
    lots = [entity for entity in world.entities if entity.scope is Scope.LOTS]
    on, off = (next(e for e in lots if e.active is active) for active in (True, False))
    selection = Selection(
        ORG,
        Scope.LOTS,
        gtins=(on.gtin14, gtin(1), gtin(1)),
        lot_ids=("nothing", on.id, off.id),
        created_after=START + timedelta(days=1),
    )
    assert unmatched(world.catalogue, selection) == [
        UnmatchedKey("gtins", gtin(1)),
        UnmatchedKey("lot_ids", "nothing"),
        UnmatchedKey("lot_ids", off.id),
    ]
    assert UnmatchedKey("lot_ids", on.id) in unmatched(
        world.catalogue, replace(selection, organisation="007")
    )
    assert unmatched(world.catalogue, Selection("nobody", Scope.SERIALS, serial_ids=("x",))) == [
        UnmatchedKey("serial_ids", "x")
    ]


def test_a_pinned_version_stays_while_an_import_runs(tmp_path: Path) -> None:
    world = build(tmp_path)
    selection = Selection(ORG, Scope.SERIALS)
    version = world.catalogue.version()
    before = pl.concat(resolve(world.catalogue, selection, version=version))
    running = resolve(world.catalogue, selection)
    first = next(running)

    products = tmp_path / "changed.csv"
    code = before["gtin14"][0]
    products.write_text(f"gtin,name,active\n{code},Renamed,false\n", encoding="utf-8")
    import_files(world.catalogue, ORG, products=products, rejects_dir=tmp_path, now=START)

    assert pl.concat([first, *running]).equals(before)
    assert pl.concat(resolve(world.catalogue, selection, version=version)).equals(before)
    newest = pl.concat(resolve(world.catalogue, selection))
    assert newest.height < before.height
    assert code not in newest["gtin14"]


def test_dates_of_a_lot_are_frozen_with_the_day(tmp_path: Path) -> None:
    catalogue, product = Catalogue(str(tmp_path / "catalogue")), gtin(950600000000)
    lots = {
        "A": ("2026-01-15", "2026-05-31"), "B": ("", "2026-05"), "C": ("", "2026-06-01"),
        "D": ("2026-01-15", ""), "E": ("", "2026-06"),
    }  # fmt: skip
    files = {
        "products": f"gtin,name\n{product},Tea\n",
        "lots": "gtin,lot_number,production_date,expiration_date\n",
    }
    files["lots"] += "".join(f"{product},{lot},{made},{ends}\n" for lot, (made, ends) in lots.items())
    paths = {name: tmp_path / f"{name}.csv" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    import_files(catalogue, ORG, **paths, rejects_dir=tmp_path, now=START)

    (frame,) = resolve(catalogue, Selection(ORG, Scope.LOTS), as_of=date(2026, 6, 1))

    assert dict(frame.select("lot_number", "expired").rows()) == {
        "A": True, "B": True, "C": False, "D": None, "E": False,
    }  # fmt: skip
    assert frame["production_date"].to_list() == ["260115", None, None, "260115", None]
    assert frame["before_production"].to_list() == [None] * 5
    (undated,) = resolve(catalogue, Selection(ORG, Scope.LOTS))
    assert undated["expired"].to_list() == [None] * 5


def test_the_least_label_has_a_gtin_that_symbols_may_carry(tmp_path: Path) -> None:
    catalogue, numbers = Catalogue(str(tmp_path / "catalogue")), ("02012345678903", gtin(950600000000))
    files = {
        "products": "gtin,name\n" + "".join(f"{number},Tea\n" for number in numbers),
        "lots": "gtin,lot_number\n" + "".join(f"{number},L\n" for number in numbers),
    }
    paths = {name: tmp_path / f"{name}.csv" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    import_files(catalogue, ORG, **paths, rejects_dir=tmp_path, now=START)
    assert least(catalogue, Selection(ORG, Scope.LOTS))["gtin14"].to_list() == [numbers[1]]
    restricted = least(catalogue, Selection(ORG, Scope.LOTS, gtins=numbers[:1]))
    assert restricted["gtin14"].to_list() == [numbers[0]]
