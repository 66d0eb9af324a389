"""`labels templates` on the command line, without a running service."""

import csv
import io
import json

import pypdfium2
import pytest
from click.testing import CliRunner

from accounts.store import Accounts
from cli.main import main
from renderers.sheets.templates import TEMPLATES, load

OURS = {
    "id": "ours", "description": "Ours, two a page", "page_width_mm": "100", "page_height_mm": "120",
    "columns": "1", "rows": "2", "shape": "rectangle", "label_width_mm": "80", "label_height_mm": "40",
    "corner_radius_mm": "2", "left_mm": "10", "top_mm": "5", "pitch_x_mm": "80", "pitch_y_mm": "45",
}  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    for name in ("LABELS_DATABASE_URL", "LABELS_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    store = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    store.create_organisation("acme")
    store.create_organisation("other")
    store.close()
    return tmp_path


def run(*arguments, exit_code=0):
    done = CliRunner().invoke(main, ["templates", *map(str, arguments)])
    assert done.exit_code == exit_code, done.output
    return done


def table(path, *rows):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, OURS)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def test_the_list_has_every_sheet(home):
    header, *lines = run().stdout.splitlines()
    assert header.split("  ")[0] == "id"
    assert [line.split()[0] for line in lines] == list(TEMPLATES)
    [default] = [line for line in lines if line.startswith("63up_1in_letter ")]
    assert default.endswith("215.9 x 279.4  63      25.4 round")
    [address] = [line for line in lines if line.startswith("avery_5160 ")]
    assert address.endswith("30      66.675 x 25.4")


def test_json_says_all_that_a_file_to_register_has(home):
    listed = json.loads(run("--json").stdout)
    assert {sheet["id"]: sheet["labels_per_page"] for sheet in listed} == {
        name: sheet.labels_per_page for name, sheet in TEMPLATES.items()
    }
    listed[0].pop("labels_per_page")
    listed[0]["also_known_as"] = "; ".join(listed[0]["also_known_as"])
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, listed[0])
    writer.writeheader()
    writer.writerow(listed[0])
    assert load(out.getvalue()) == [TEMPLATES[listed[0]["id"]]]


def test_own_sheets_are_the_organisations_alone(home):
    first = table(home / "a.csv", OURS, OURS | {"id": "narrow", "label_width_mm": "40"})
    assert "acme has 2 of its own" in run("add", first, "--org", "acme").stdout
    assert [line.split()[0] for line in run("--org", "acme").stdout.splitlines()[-2:]] == ["ours", "narrow"]
    assert "ours" not in run("--org", "other").stdout
    assert "ours" not in run().stdout
    second = table(home / "b.csv", OURS | {"description": "Ours, new"})
    assert run("add", second, "--org", "acme").stdout.splitlines()[-1] == "no longer known: narrow"
    assert json.loads(run("--org", "acme", "--json").stdout)[-1]["description"] == "Ours, new"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pitch_y_mm": "39"}, "Row 3, column pitch_y_mm: labels overlap: '39'; expected at least 40"),
        ({"page_width_mm": "wide"}, "Row 3, column page_width_mm"),
        ({"id": "ours"}, "Row 3, column id: comes twice"),
    ],
)
def test_a_fault_is_told_by_row_and_column_and_nothing_changes(home, change, words):
    run("add", table(home / "good.csv", OURS), "--org", "acme")
    bad = table(home / "bad.csv", OURS, OURS | {"id": "next", **change})
    done = run("add", bad, "--org", "acme", exit_code=1)
    assert words in done.output
    assert done.exc_info[0] is SystemExit
    assert run("--org", "acme").stdout.splitlines()[-1].startswith("ours ")


def test_a_file_that_is_no_text(home):
    (home / "sheet.csv").write_bytes(b"id,description\n\xff")
    assert "not UTF-8" in run("add", home / "sheet.csv", "--org", "acme", exit_code=1).output


@pytest.mark.parametrize("arguments", [["--org", "nobody"], ["add", "FILE", "--org", "nobody"]])
def test_an_organisation_that_is_none(home, arguments):
    path = table(home / "a.csv", OURS)
    done = run(*(path if word == "FILE" else word for word in arguments), exit_code=1)
    assert "nobody" in done.output
    assert not (home / "storage" / "templates").exists()


def test_options_of_the_list_before_a_command_are_not_lost_in_silence(home):
    path = table(home / "a.csv", OURS)
    assert "behind 'add'" in run("--org", "acme", "add", path, "--org", "acme", exit_code=2).output


def test_a_calibration_page_of_any_sheet(home):
    run("add", table(home / "a.csv", OURS), "--org", "acme")
    for name, options, size in (
        ("63up_1in_letter", [], (612, 792)),
        ("ours", ["--org", "acme", "--offset-x-mm", "1.5", "--scale-percent", "99.5"], (283.46, 340.16)),
    ):
        out = home / f"{name}.pdf"
        assert run("calibration", name, "--out", out, *options).stdout.strip() == str(out)
        with pypdfium2.PdfDocument(out) as document:
            assert document[0].get_size() == pytest.approx(size, abs=0.01)
            text = document[0].get_textpage().get_text_range()
            assert name in text
            assert ("offset_x_mm = 1.5" in text) == ("--offset-x-mm" in options)


def test_a_sheet_that_is_unknown_gets_a_hint(home):
    done = run("calibration", "avery5160", "--out", home / "x.pdf", exit_code=1)
    assert "avery_5160" in done.output
    assert not (home / "x.pdf").exists()
    assert "ours" in run("calibration", "ours", "--out", home / "x.pdf", exit_code=1).output
