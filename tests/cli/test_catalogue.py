"""`labels import|catalogue|history` on the command line."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from accounts.store import Accounts
from catalogue.lifecycle import Printing, record_printed
from catalogue.queries.selected import resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from cli.main import main

GTIN = "09506000134352"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    for name in ("LABELS_DATABASE_URL", "LABELS_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    accounts.create_organisation("acme")
    accounts.close()
    return tmp_path


def run(*arguments: str, exit_code: int = 0) -> Result:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == exit_code, done.output
    return done


@pytest.fixture
def catalogue(home: Path) -> Catalogue:
    (home / "products.csv").write_text("gtin,name\n9506000134352,Tea\n")
    (home / "serials.csv").write_text("gtin,serial_number\n9506000134352,S1\n9506000134352,S2\n")
    done = run(
        "import", "--org", "acme", "--products", str(home / "products.csv"), "--serials", str(home / "serials.csv")
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "products.csv: CSV, UTF-8, separated by commas; products, 1 row",
        "serials.csv: CSV, UTF-8, separated by commas; serials, 2 rows",
        "products: 1 read, 1 added, 0 updated, 0 unchanged, 0 rejected",
        "serials: 2 read, 2 added, 0 updated, 0 unchanged, 0 rejected",
    ]
    assert "serials, landing" in done.stderr
    return Catalogue(str(home / "storage" / "catalogue"))


def test_rejected_rows_end_the_import_with_1(home: Path, catalogue: Catalogue) -> None:
    (home / "serials.csv").write_text("gtin,serial_number\n9506000134352,S3\n9506000134353,S4\n")
    done = run("import", "--org", "acme", "--serials", str(home / "serials.csv"), exit_code=1)
    assert "1 added, 0 updated, 0 unchanged, 1 rejected" in done.stdout
    path = Path(done.stdout.splitlines()[-1].partition(": ")[2])
    assert pl.read_csv(path, infer_schema=False).rows() == [
        ("serials.csv", "3", "gtin", "9506000134353",
         "GTIN 9506000134353 has check digit 3, expected 2"),
    ]  # fmt: skip


STOCK = "EAN;Artikel;Partie;MHD;Preis\n9506000134352;Tea;A;3/4/2027;1\n\n9506000134352;Tea;B;5/6/2027;1\n"


def test_a_dry_run_shows_how_a_file_is_understood(home: Path) -> None:
    (home / "stock.csv").write_bytes(STOCK.replace("Tea", "Früchtetee").encode("cp1252"))
    arguments = (
        "import",
        "--org",
        "acme",
        str(home / "stock.csv"),
        "--map",
        "lot_number=partie",
        "--dry-run",
    )
    shown = run(*arguments, "--rejects", str(home / "results"), exit_code=1).stdout.splitlines()
    held = home / "results" / "products-lots-held.csv"
    assert held.exists()
    assert shown[:6] == [
        "stock.csv: CSV, Windows-1252, separated by semicolons; products and lots, 2 rows",
        "  columns: gtin from EAN, name from Artikel, lot_number from Partie, best_before_date from MHD",
        "  ignored columns: Preis",
        "  blank rows skipped: 1",
        "  row: gtin=9506000134352, name=Früchtetee",
        f"  2 held, to be corrected and imported again: {held}",
    ]
    assert "products: 2 read, 0 added, 0 updated, 0 unchanged, 0 rejected, 2 held" in shown
    assert "lots: 2 read, 0 added, 0 updated, 0 unchanged, 0 rejected, 2 held" in shown
    assert shown[-1] == "dry run: nothing was imported"
    assert len(run("catalogue", "stats").stdout.splitlines()) == 1

    done = run(*arguments[:-1], "--date-order", "dmy").stdout
    assert "lots: 2 read, 2 added" in done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--map", "Partie"], "expected COLUMN=HEADER"),
        (["--map", "colour=Farbe"], "there is no column colour"),
        (["--sheet", "Stock"], "has no sheets"),
        (["--products", "stock.csv"], "both hold products"),
    ],
)
def test_a_choice_that_does_not_fit_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(home)
    (home / "stock.csv").write_text(STOCK)
    code = 2 if "COLUMN" in said else 1
    assert said in run("import", "--org", "acme", "stock.csv", *arguments, exit_code=code).output


def test_stats_tell_rows_and_files(catalogue: Catalogue) -> None:
    lines = [line.split() for line in run("catalogue", "stats").stdout.splitlines()[1:]]
    assert [line[:4] for line in lines] == [["acme", "products", "1", "1"], ["acme", "serials", "2", "1"]]
    assert run("catalogue", "stats", "--org", "acme").stdout.count("acme") == 2
    run("catalogue", "stats", "--org", "nobody", exit_code=1)


def test_verify_says_what_is_sound_and_what_is_not(home: Path, catalogue: Catalogue) -> None:
    sound = run("catalogue", "verify", "--org", "acme").stdout.splitlines()
    assert len(sound) > 15
    assert all(line.endswith(" ok") for line in sound)

    (path,) = (home / "storage" / "catalogue" / "serials" / "org=acme").glob("*.parquet")
    rows = pl.read_parquet(path)
    broken = pl.concat([rows.reverse(), rows.tail(1)]).with_columns(pl.lit("09506000134353").alias("gtin14"))
    broken.write_parquet(path)

    found = run("catalogue", "verify", "--org", "acme", exit_code=1).stdout.splitlines()
    assert {line[18:50].strip() for line in found if "broken" in line} == {
        "unique GTIN and serial number", "unique id", "check digit", "product of the GTIN", "sorted files",
    }  # fmt: skip


def test_history_lists_what_was_printed(catalogue: Catalogue) -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    record_printed(
        catalogue, "acme", Printing("job-1", moment), resolve(catalogue, Selection("acme", Scope.SERIALS))
    )
    everything = run("history", "--org", "acme")
    assert len(everything.stdout.splitlines()) == 2
    one = run("history", "--org", "acme", "--gtin", "9506000134352", "--serial", "S2")
    assert one.stdout == f"2026-06-01T12:00:00+00:00\tPRINTED\t(01){GTIN}(21)S2\tjob-1\n"
    assert one.stderr == "1 of 1\n"
    assert run("history", "--org", "acme", "--lot", "none").stdout == ""
    assert "check digit" in run("history", "--org", "acme", "--gtin", "9506000134353", exit_code=1).stderr
