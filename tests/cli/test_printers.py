"""`labels printers` and `labels requests` on the command line."""

import json
import uuid

import pytest
from click.testing import CliRunner

from accounts.store import Accounts
from cli.main import main
from exports.jobs.job_id import job_id_for
from pipelines.storage import instance


@pytest.fixture
def accounts(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    for name in ("LABELS_DATABASE_URL", "LABELS_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    store = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    store.create_organisation("acme")
    yield store
    store.close()


def run(*arguments, exit_code=0):
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == exit_code, done.output
    return done


def printers(command, *arguments, exit_code=0):
    return run("printers", command, "--org", "acme", *arguments, exit_code=exit_code).output


def test_a_printer_is_added_listed_shown_and_removed(accounts):
    added = printers("add", "desk", "--offset-x-mm", "0.5", "--dpi", 300, "--sheet-template", "avery_5160")
    assert added == "saved desk\toffset_x_mm 0.5, dpi 300\tavery_5160 from cell 1\n"
    printers("add", "belt")
    assert printers("list").splitlines() == [
        "belt\tno settings\tno sheet in its tray",
        "desk\toffset_x_mm 0.5, dpi 300\tavery_5160 from cell 1",
    ]
    assert json.loads(printers("show", "desk")) == {
        "offset_x_mm": 0.5,
        "dpi": 300,
        "sheet_template": "avery_5160",
        "next_position": 1,
        "taken_by": None,
    }
    assert printers("tray", "desk", "--next-position", 7).endswith("avery_5160 from cell 7\n")
    assert printers("remove", "desk") == "removed desk\n"
    assert "there is no printer 'desk'" in printers("show", "desk", exit_code=1)


def test_a_taken_tray_names_its_job_as_long_as_it_is_not_known_how_that_ended(accounts, tmp_path):
    printers("add", "desk", "--sheet-template", "avery_5160")
    instance.prepare(tmp_path, str(tmp_path / "unused.sock"))
    unknown = job_id_for(uuid.uuid4())
    accounts.printers.take("acme", "desk", unknown, "avery_5160", 1)
    assert printers("list").endswith(f"avery_5160 taken by {unknown}\n")
    assert json.loads(printers("show", "desk"))["taken_by"] == unknown
    assert printers("tray", "desk").endswith("avery_5160 from cell 1\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "Desk"], "name: 'Desk' cannot be the name of a printer"),
        (["add", "desk", "--dpi", 20], "dpi: "),
        (["add", "desk", "--sheet-template", "none_such"], "sheet_template: There is no sheet template"),
        (["tray", "desk"], "there is no printer 'desk'"),
        (["tray", "desk", "--next-position", 0], "next_position: "),
    ],
)
def test_a_mistake_is_told_with_its_field(accounts, arguments, told):
    command, *rest = arguments
    output = printers(command, *rest, exit_code=1)
    assert told in output
    assert "Traceback" not in output


def test_a_request_is_saved_listed_shown_and_removed(accounts, tmp_path):
    file = tmp_path / "request.json"
    body = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
    file.write_text(json.dumps(body), encoding="utf-8")

    def requests(command, *arguments, exit_code=0):
        return run("requests", command, "--org", "acme", *arguments, exit_code=exit_code).output

    assert requests("save", "morning", file) == "saved morning\n"
    assert requests("list") == "morning\tQR Codes as SVG in a ZIP, of all lots\n"
    assert json.loads(requests("show", "morning")) == body
    accounts.saved_requests.save("acme", "old", '{"scope": "pallets"}', changed_by="cli")
    assert requests("list").endswith("old\tthis release no longer takes it\n")
    file.write_text(json.dumps({**body, "scope": "pallets"}), encoding="utf-8")
    assert "request.json:\nscope: " in requests("save", "morning", file, exit_code=1)
    assert requests("remove", "morning") == "removed morning\n"
    assert "there is no saved request 'morning'" in requests("show", "morning", exit_code=1)
