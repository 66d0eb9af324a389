"""`labels designs` on the command line, without a running service."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from accounts.store import Accounts
from cli.main import main
from exports.designs.document import schema

SHELF = {"version": 1, "lines": [{"text": "LOT {lot}", "weight": "bold"}]}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    for name in ("LABELS_DATABASE_URL", "LABELS_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    store = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    store.create_organisation("acme")
    store.close()
    return tmp_path


def run(*arguments, exit_code=0):
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == exit_code, done.output
    return done


def written(folder, document):
    path = folder / "design.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_design_is_added_listed_shown_and_removed(home):
    file = written(home, SHELF)
    assert run("designs", "add", "--org", "acme", "shelf", file).stdout == "shelf version 1\n"
    written(home, {**SHELF, "hri": False})
    assert run("designs", "add", "--org", "acme", "shelf", file).stdout == "shelf version 2\n"
    listed = [line.split("\t")[:2] for line in run("designs", "list", "--org", "acme").stdout.splitlines()]
    assert listed == [["default", "1"], ["dual", "1"], ["shelf", "2"]]
    shown = json.loads(run("designs", "show", "--org", "acme", "shelf", "--version", 1).stdout)
    assert shown["lines"][0]["text"] == "LOT {lot}"
    assert json.loads(run("designs", "show", "--org", "acme", "dual").stdout)["linear"] == "gtin"
    run("designs", "remove", "--org", "acme", "shelf")
    assert (
        "there is no design 'shelf'" in run("designs", "show", "--org", "acme", "shelf", exit_code=1).output
    )


def test_a_fault_is_told_with_its_place(home):
    file = written(home, {"version": 1, "lines": [{"text": "{colour}"}]})
    output = run("designs", "add", "--org", "acme", "shelf", file, exit_code=1).output
    assert "lines.0.text: There is no placeholder {colour}; there are {name}, {gtin}, {lot}" in output
    assert "none of default, dual, preview, schema" in (
        run("designs", "add", "--org", "acme", "dual", written(home, SHELF), exit_code=1).output
    )


def test_the_preview_is_the_first_page(home):
    lots = home / "lots.csv"
    lots.write_text("gtin,lot_number,expiration_date\n09506000134352,ABC123,2027-03-31\n", encoding="utf-8")
    products = home / "products.csv"
    products.write_text("gtin,name\n09506000134352,Oat biscuits\n", encoding="utf-8")
    run("import", "--org", "acme", "--products", products, "--lots", lots)
    out = home / "page.png"
    file = written(home, SHELF)
    run("designs", "preview", "--org", "acme", file, "--template", "avery_5163", "--out", out)
    with Image.open(out) as page:
        dark = page.point(lambda level: level < 128 and 255).getbbox()
        # The first label of two columns and five rows.
        assert dark is not None
        assert dark[2] < page.width / 2
        assert dark[3] < page.height / 3
    output = run(
        "designs", "preview", "--org", "acme", file, "--template", "avery_4731", "--out", out, exit_code=1
    ).output
    assert "needs" in output
    assert "mm" in output
    nothing = run(
        "designs", "preview", "--org", "acme", "dual", "--scope", "serials", "--out", out, exit_code=1
    )
    assert "empty" in nothing.output


def test_the_schema_is_printed(home):
    assert json.loads(run("designs", "schema").stdout) == schema()
