"""The client's imports with the real façade, in memory."""

import dataclasses

import pytest

from accounts.identity import Role
from accounts.store import Accounts
from api.settings import ApiSettings
from api.wire import imports as wire
from labels_client import imports as models
from labels_client.client import LabelsClient
from labels_client.errors import LabelsApiError
from labels_client.imports import ReadAs
from labels_client.retries import Retries
from tests.api.conftest import FakeExports, facade
from tests.api.imports_at_once import ImportsAtOnce
from tests.labels_client.test_against_the_facade import Facade

LOTS = "gtin;Partie;expiration_date\n9506000134352;L1;3/4/2027\n9506000134353;L2;2027-01-01\n"


@pytest.fixture
def client(tmp_path):
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.db")
    accounts.create_organisation("acme")
    key = accounts.create_key("acme", Role.EDITOR)
    settings = ApiSettings(secret_key="a secret of the tests", max_import_bytes=1000)
    app = facade(FakeExports(tmp_path), accounts, settings, ImportsAtOnce(tmp_path))
    retries = Retries(sleep=lambda seconds: None)
    with LabelsClient("http://testserver", key, retries=retries, transport=Facade(app)) as opened:
        yield opened
    accounts.close()


def test_a_file_is_imported_and_what_was_not_is_saved(client, tmp_path):
    file = tmp_path / "lots.csv"
    file.write_text(LOTS)
    sent = []
    read_as = ReadAs("lots", mapping={"lot_number": "Partie"}, dry_run=True)
    receipt = client.imports.submit(file, read_as, on_progress=sent.append)
    job = client.imports.wait(receipt.job_id)
    assert sent == [file.stat().st_size]
    assert (job.status, job.name, job.dry_run, job.error) == ("completed", "lots.csv", True, None)
    (lots,) = job.tables
    assert (lots.kind, lots.read, lots.held, lots.refused) == ("lots", 2, 1, 1)
    assert job.file is not None
    assert job.file.columns["lot_number"] == "Partie"
    held = client.imports.download(job, "held", tmp_path / "rows")
    assert (held.name, "3/4/2027" in held.read_text("utf-8-sig")) == ("lots-held.csv", True)
    assert "9506000134353" in client.imports.download(job, "refused", tmp_path / "rows").read_text()


def test_what_is_refused(client, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("price\n1\n")
    job = client.imports.wait(client.imports.submit(file).job_id)
    assert (job.status, job.error_code, job.tables, job.file) == ("failed", "import_file_error", (), None)
    with pytest.raises(ValueError, match="no held rows"):
        client.imports.download(job, "held", tmp_path)
    file.write_text("x" * 1001)
    with pytest.raises(LabelsApiError, match="413"):
        client.imports.submit(file)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (models.ImportReceipt, wire.ImportAcceptedOut),
        (models.ImportJob, wire.ImportJobOut),
        (models.ImportedTable, wire.ImportedTableOut),
        (models.ImportedFile, wire.ImportedFileOut),
    ],
)
def test_the_types_have_the_members_of_the_answers(ours, theirs):
    assert {field.name for field in dataclasses.fields(ours)} == set(theirs.model_fields)


def test_every_option_is_a_parameter_of_the_request():
    every = ReadAs("lots", "S", {"gtin": "EAN"}, "dmy", "day", accept_warnings=True, dry_run=True)
    asked = wire.ImportQuery.model_validate(every.query()).to_request()
    assert {*every.query(), "name"} == set(wire.ImportQuery.model_fields)
    assert (asked.kind, asked.options.mapping, asked.options.dry_run) == ("lots", {"gtin": "EAN"}, True)
