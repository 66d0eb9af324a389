"""The client with the real façade, in memory: requests and responses fit each other."""

import dataclasses
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from accounts.identity import Role
from accounts.store import Accounts
from api.settings import ApiSettings
from catalogue.queries.selected import PrintCounts
from exports.errors import Unavailable
from exports.ports import JobStatus, Report
from exports.previews.preview import Preview, PreviewFailure, PreviewPicture
from exports.reads import PrintEvent
from labels_client import models
from labels_client.client import LabelsClient
from labels_client.errors import LabelExportFailed, LabelsApiError
from labels_client.retries import Retries
from renderers.sheets.templates import TEMPLATES
from tests.api.conftest import ARTEFACT, FakeExports, facade

ROOT = Path(__file__).parents[2]
REQUEST = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
AT_ONCE = Retries(sleep=lambda seconds: None)


class Facade(httpx.BaseTransport):
    """The network between the two: none."""

    def __init__(self, app) -> None:
        self._http = TestClient(app, raise_server_exceptions=False)

    def handle_request(self, request):
        answer = self._http.request(
            request.method,
            str(request.url),
            content=request.read(),
            headers=list(request.headers.multi_items()),
            follow_redirects=False,
        )
        # Unpacked already: the test client is a whole client.
        headers = [
            (name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"
        ]
        return httpx.Response(answer.status_code, headers=headers, stream=httpx.ByteStream(answer.content))


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    store = Accounts(f"sqlite:///{tmp_path_factory.mktemp('accounts')}/accounts.db")
    store.create_organisation("acme")
    yield store
    store.close()


@pytest.fixture
def exports(tmp_path):
    return FakeExports(tmp_path)


@pytest.fixture
def open_client(accounts, exports):
    """Return a function that opens a client with a key of that role, or with the key given."""
    settings = ApiSettings(secret_key="a secret of the tests", rate_per_minute=100_000)
    app = facade(exports, accounts, settings)

    def opened(role=Role.EDITOR, key=None):
        key = key or accounts.create_key("acme", role)
        return LabelsClient("http://testserver", key, retries=AT_ONCE, transport=Facade(app))

    return opened


@pytest.fixture
def client(open_client):
    with open_client() as made:
        yield made


def test_an_export_from_request_to_file(client, exports, tmp_path):
    exports.status = JobStatus.COMPLETED
    path = client.export(REQUEST, tmp_path / "out")
    assert path.read_bytes() == ARTEFACT
    assert path.name.startswith("datamatrix-lots-")


def test_the_same_key_is_the_same_export(client, exports):
    first, again = (client.submit(REQUEST, idempotency_key="order 7") for _ in range(2))
    assert first == again
    assert client.submit(REQUEST) != client.submit(REQUEST)
    assert len(exports.submitted) == 3


def test_cancel_twice_and_too_late(client, exports):
    receipt = client.submit(REQUEST)
    assert client.status(receipt.job_id).retry_after_seconds == 2
    for _ in range(2):
        job = client.cancel(receipt.job_id)
        assert (job.status, job.error, job.cancelled) == ("failed", "cancelled", True)
    exports.status = JobStatus.FAILED
    with pytest.raises(LabelExportFailed):
        client.export(REQUEST, ".")
    with pytest.raises(LabelsApiError) as caught:
        client.cancel(exports.add("acme", JobStatus.COMPLETED).job_id)
    assert caught.value.problem.status == 409


def test_reprint(client, exports):
    done = exports.add("acme", JobStatus.COMPLETED)
    assert client.reprint(done.job_id, "torn on line 3").job_id != done.job_id
    assert exports.submitted[-1][1] == "torn on line 3"
    client.reprint(done.job_id, "jam", rows="3-5,9")
    assert exports.submitted[-1][-1] == ((3, 5), (9, 9))


def test_jobs_over_several_pages(client, exports):
    made = [exports.add("acme", JobStatus.PENDING).job_id for _ in range(230)]
    done = exports.add("acme", JobStatus.COMPLETED)
    assert [job.job_id for job in client.jobs()] == [done.job_id, *reversed(made)]
    assert [job.job_id for job in client.jobs("completed")] == [done.job_id]
    assert exports.calls.count("jobs") == 4
    assert next(client.jobs()).created_at == done.created_at


def test_each_job_comes_once_while_others_are_added(client, exports):
    made = [exports.add("acme", JobStatus.PENDING).job_id for _ in range(230)]
    seen = []
    for job in client.jobs():
        seen.append(job.job_id)
        exports.add("acme", JobStatus.PENDING)
    assert seen == made[::-1]


def test_preview(client, exports):
    exports.found = Preview(
        500,
        900,
        2,
        [PreviewFailure("e1", "09506000134352", "L1", None, "too_long", "too long")],
        [PreviewPicture(b"png", "L2", "a symbol", 12.5, 12.5)],
        PrintCounts(never_printed=400, changed=7, unknown=3),
    )
    found = client.preview(REQUEST)
    assert (found.total_items, found.total_labels, found.tried_items) == (500, 900, 2)
    assert (found.never_printed_items, found.changed_items, found.unknown_items) == (400, 7, 3)
    assert found.failures == (
        models.PreviewFailure("e1", "09506000134352", "L1", None, "too_long", "too long"),
    )
    assert found.pictures[0].url.startswith("data:image/png;base64,")
    assert exports.submitted == []


def test_templates(client):
    found = {sheet.id: sheet for sheet in client.templates()}
    assert set(found) == set(TEMPLATES)
    assert found["63up_1in_letter"].labels_per_page == 63


def test_print_history(client, exports):
    at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    lots = [f"L{number}" for number in range(120)]
    exports.events = [
        ("acme", PrintEvent("PRINTED", "lot", lot, "09506000134352", lot, None, at, None, "key:1", None))
        for lot in lots
    ]
    assert [event.lot for event in client.print_history(gtin="9506000134352")] == lots
    (only,) = client.print_history(lot="L7")
    assert (only.occurred_at, only.actor) == (at, "key:1")
    assert (only.carried, only.resolver, only.lines) == (None, None, None)
    values = {"01": "09506000134352", "10": "L7"}
    told = replace(exports.events[7][1], carried=values, resolver="https://id.gs1.org", lines=["Tea", "L7"])
    exports.events[7] = ("acme", told)
    (only,) = client.print_history(lot="L7")
    assert (only.carried, only.resolver, only.lines) == (values, "https://id.gs1.org", ("Tea", "L7"))


def test_reports(client, exports, tmp_path):
    job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset(Report))
    state = client.status(job.job_id)
    assert client.download_manifest(state, tmp_path).read_bytes().startswith(b"\xef\xbb\xbfmanifest,")
    assert client.download_errors(state, tmp_path).read_bytes().startswith(b"\xef\xbb\xbferrors,")


@pytest.mark.parametrize(
    "job_id", ["../../../../metrics", "a/b", "x?status=completed", "#", "22222222222222222222 2"]
)
def test_an_id_is_no_path(client, exports, job_id):
    with pytest.raises(LabelsApiError) as caught:
        client.status(job_id)
    assert caught.value.problem.status in {404, 422}
    assert exports.calls == []


def test_problems_come_as_they_are(open_client, exports):
    with open_client(Role.VIEWER) as viewer, pytest.raises(LabelsApiError) as caught:
        viewer.submit(REQUEST)
    assert caught.value.problem.error_code == "forbidden"
    with open_client(key="csb_no_key") as stranger, pytest.raises(LabelsApiError) as caught:
        stranger.status("2" * 22)
    assert caught.value.problem.error_code == "unauthorized"
    exports.error = Unavailable()
    with open_client() as client, pytest.raises(LabelsApiError) as caught:
        client.submit(REQUEST)
    assert caught.value.problem.retryable
    assert exports.calls.count("submit") == AT_ONCE.attempts


SCHEMAS = {
    "LabelExportAcceptedOut": models.Receipt,
    "LabelExportJobOut": models.LabelExportJob,
    "LabelExportPreviewOut": models.LabelExportPreview,
    "PreviewFailureOut": models.PreviewFailure,
    "PreviewPictureOut": models.PreviewPicture,
    "PrintEventOut": models.PrintEvent,
    "SheetTemplateOut": models.SheetTemplate,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_values_have_the_members_of_their_schemas(name):
    document = json.loads((ROOT / "docs" / "openapi.json").read_bytes())
    described = set(document["components"]["schemas"][name]["properties"])
    held = {member.name for member in dataclasses.fields(SCHEMAS[name])}
    assert held - {"retry_after_seconds"} == described, "the one that is a header's"


def test_members_of_a_later_version_are_left_aside():
    receipt = models.Receipt.from_document(
        {"job_id": "a", "status": "pending", "poll_url": "/", "colour": "green"}
    )
    assert receipt == models.Receipt("a", "pending", "/")


_BARE = """
import importlib.abc, sys
from pathlib import Path

class Refusing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED | sys.stdlib_module_names:
            raise ModuleNotFoundError(name)

ALLOWED = {"labels_client", "httpx", "httpcore", "h11", "certifi", "anyio", "idna", "sniffio", "typing_extensions"}
sys.meta_path.insert(0, Refusing())
import labels_client.client
labels_client.client.LabelsClient("http://127.0.0.1:1", "key").close()
"""


def test_it_works_where_only_httpx_is_installed():
    done = subprocess.run(
        [sys.executable, "-c", _BARE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
