"""Uploads over HTTP: stored block by block within limits, and what is answered about their imports."""

import json
import tracemalloc
from contextlib import contextmanager

import anyio
import pytest
from starlette.testclient import TestClient

from api.routes import imports as routes
from api.routes import multipart, uploads
from exports.errors import ImportNotFound, StorageIsFull, TooManyOpenJobs
from tests.api.conftest import facade
from tests.api.imports_at_once import ImportsAtOnce
from tests.api.problem import is_problem, same_answer

URL = "/products/api/v1/imports/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"
PRODUCTS = b"EAN,Artikel,Preis\n9506000134352,Tee,3\n9506000134353,Falsch,3\n12345678905,Kurz,1\n"


@pytest.fixture
def imports(tmp_path):
    return ImportsAtOnce(tmp_path)


@pytest.fixture
def app(exports, accounts, settings, imports):
    small = settings.model_copy(update={"max_import_bytes": 100_000, "body_timeout_seconds": 0.2})
    return facade(exports, accounts, small, imports)


@pytest.fixture
def client(app):
    with TestClient(app, raise_server_exceptions=False) as http:
        yield http


def test_a_file_is_imported_and_reported(client, editor, viewer):
    query = {"name": "Artikel.csv", "kind": "products"}
    answer = client.post(URL, params=query, content=PRODUCTS, headers=editor)
    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt["poll_url"] == answer.headers["location"] == f"{URL}{receipt['job_id']}/"
    state = client.get(receipt["poll_url"], headers=viewer).json()
    assert (state["status"], state["name"], state["size_bytes"]) == (
        "completed",
        "Artikel.csv",
        len(PRODUCTS),
    )
    assert state["tables"] == [
        {"kind": "products", "read": 3, "added": 1, "updated": 0, "unchanged": 0, "held": 1, "refused": 1}
    ]
    assert state["file"]["columns"] == {"gtin": "EAN", "name": "Artikel"}
    assert state["file"]["ignored_columns"] == ["Preis"]
    held = client.get(state["held_url"], headers=viewer)
    assert "Kurz" in held.text
    assert held.headers["content-disposition"].endswith(f"{receipt['job_id']}-held.csv")
    assert "Falsch" in client.get(state["refused_url"], headers=viewer).text


def test_options_are_those_of_the_command(client, editor):
    query = {"mapping": json.dumps({"name": "Preis"}), "accept_warnings": "true", "dry_run": "true"}
    job = client.post(URL, params=query, content=PRODUCTS, headers=editor).json()
    state = client.get(job["poll_url"], headers=editor).json()
    assert state["dry_run"]
    assert state["file"]["columns"]["name"] == "Preis"
    assert (state["tables"][0]["added"], state["held_url"]) == (2, None)
    is_problem(client.get(f"{job['poll_url']}held/", headers=editor), 404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "prices"}, {"date_order": "ydm"}, {"dry_run": "1"}, {"mapping": "{"}, {"mapping": "[1]"},
        {"mapping": '{"gtin": 1}'}, {"mapping": "[" * 4000}, {"name": ""}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_before_the_body_is_read(client, editor, imports, query):
    is_problem(client.post(URL, params=query, content=PRODUCTS, headers=editor), 422, "validation_error")
    assert imports.stored() == set()


def test_nothing_is_no_file(client, editor, imports):
    is_problem(client.post(URL, headers=editor), 422, "validation_error")
    assert imports.stored() == set()


def test_a_viewer_looks_only(client, viewer, imports):
    is_problem(client.post(URL, content=PRODUCTS, headers=viewer), 403, "forbidden")
    is_problem(client.post(URL, content=PRODUCTS), 401, "unauthorized")
    assert imports.stored() == set()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(TooManyOpenJobs(10, what="imports"), 429, "rate_limited"), (StorageIsFull(2, 1), 409, "conflict")],
)
def test_limits_are_told_before_the_body_is_read(client, editor, imports, error, status, code):
    imports.error = error
    is_problem(client.post(URL, content=PRODUCTS, headers=editor), status, code)


def test_only_some_uploads_at_once(client, editor, imports, monkeypatch):
    monkeypatch.setattr(routes, "UPLOADS_AT_ONCE", 1)
    beside = []
    receive = imports.receive

    @contextmanager
    def receive_and_try_another(*arguments, **more):
        if not beside:
            beside.append(client.post(URL, content=PRODUCTS, headers=editor))
        with receive(*arguments, **more) as upload:
            yield upload

    monkeypatch.setattr(imports, "receive", receive_and_try_another)
    assert client.post(URL, content=b"", headers=editor).status_code == 422
    is_problem(beside[0], 429, "rate_limited")
    assert client.post(URL, content=PRODUCTS, headers=editor).status_code == 202


def test_a_compressed_body_is_refused(client, editor, imports):
    answer = client.post(URL, content=PRODUCTS, headers={**editor, "content-encoding": "gzip"})
    is_problem(answer, 415, "unsupported_media_type")
    assert imports.stored() == set()


def test_a_form_with_one_file(client, editor):
    answer = client.post(URL, files={"file": ("a.csv", PRODUCTS, "text/csv")}, headers=editor)
    assert answer.status_code == 202
    state = client.get(answer.json()["poll_url"], headers=editor).json()
    assert (state["size_bytes"], state["file"]["rows"]) == (len(PRODUCTS), 3)


PART = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n'


@pytest.mark.parametrize("content", [PRODUCTS, b"\r\n--\r\n--", b"a\r\n--xa\r"[:4]])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_form_may_be_cut_into_chunks_anywhere(content, size):
    body = PART + content + b"\r\n--x--\r\n"

    async def read():
        async def chunks():
            for start in range(0, len(body), size):
                yield body[start : start + size]

        return b"".join([part async for part in multipart.file_of(chunks(), "x")])

    assert anyio.run(read) == content


@pytest.mark.parametrize(
    "body",
    [
        b"", PRODUCTS, b"x" * 40_000, PART, PART + PRODUCTS, PART + PRODUCTS + b"\r\n--x",
        PART + PRODUCTS + b"\r\n" + PART + PRODUCTS + b"\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nlots\r\n--x--', PART + b"\r\n--x--",
    ],
)  # fmt: skip
def test_another_form_is_refused_and_leaves_nothing(client, editor, imports, body):
    headers = {**editor, "content-type": "multipart/form-data; boundary=x"}
    is_problem(client.post(URL, content=body, headers=headers), 422, "validation_error")
    assert imports.stored() == set()
    headers["content-type"] = "multipart/form-data"
    is_problem(client.post(URL, content=body, headers=headers), 422, "validation_error")


def test_an_import_of_another_organisation_is_unknown(client, editor, stranger):
    job = client.post(URL, content=PRODUCTS, headers=editor).json()["job_id"]
    for tail in ("", "held/", "refused/"):
        theirs = client.get(f"{URL}{job}/{tail}", headers=stranger)
        is_problem(theirs, 404, "not_found")
        assert same_answer(theirs, client.get(f"{URL}{UNKNOWN}/{tail}", headers=stranger))


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_is_413_whatever_it_declares(client, editor, imports, declared):
    blocks = iter([b"x" * 60_000, b"x" * 60_000])
    content = b"x" * 100_001 if declared else blocks
    is_problem(client.post(URL, content=content, headers=editor), 413, "payload_too_large")
    assert imports.stored() == set()


def send(app, headers, messages):
    """Send the body's messages, then wait for ever; return the status."""
    scope = {
        "type": "http", "method": "POST", "path": URL, "raw_path": URL.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "http_version": "1.1", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    answered = []

    async def run():
        left = iter(messages)

        async def receive():
            if (message := next(left, None)) is None:
                await anyio.sleep_forever()
            return message

        async def answer(message):
            answered.append(message)

        await app(scope, receive, answer)

    anyio.run(run)
    return answered[0]["status"]


CHUNK = {"type": "http.request", "body": b"gtin,name\n", "more_body": True}


@pytest.mark.parametrize(
    ("messages", "status"), [([CHUNK, {"type": "http.disconnect"}], 400), ([CHUNK], 408)]
)
def test_a_body_that_breaks_off_or_stalls_leaves_nothing(app, editor, imports, messages, status):
    assert send(app, editor, messages) == status
    assert imports.stored() == set()


def test_memory_does_not_grow_with_the_body(app, exports, accounts, settings, imports, editor, monkeypatch):
    taken = {}

    def submit(organisation, upload, request, **_):
        taken["peak"], taken["size"] = tracemalloc.get_traced_memory()[1], upload.size_bytes
        raise ImportNotFound(UNKNOWN)

    monkeypatch.setattr(imports, "submit", submit)
    app = facade(exports, accounts, settings, imports)
    body = b"x" * 65_536
    more = {"type": "http.request", "body": body, "more_body": True}
    tracemalloc.start()
    assert send(app, editor, [*[more] * 640, {"type": "http.request", "body": b""}]) == 404
    tracemalloc.stop()
    assert taken["size"] == 640 * 65_536
    assert taken["peak"] < 12 * uploads._BLOCK_BYTES < taken["size"] // 3
