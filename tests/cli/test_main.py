"""The commands that call the service, over a real socket: output, exit codes and advice."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from cli.main import _MODULES, main
from labels_client.client import LabelsClient

JOB = "AbCdEfGhJkLmNoPqRsTuVw"
EXPORTS = "/products/api/v1/labels/export/"
ARTEFACT = b"PK\x05\x06" + bytes(18)
REQUEST = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}


def job(status="completed", **members):
    done = status == "completed"
    return {
        "job_id": JOB,
        "status": status,
        "total_items": 2500,
        "processed_items": 2500 if done else 1000,
        "progress_percent": 100 if done else 40,
        "output_filename": "qr_codes-lots-AbCd-2500.zip" if done else None,
        "file_size_bytes": len(ARTEFACT) if done else None,
        "created_at": "2026-03-31T12:00:00+00:00",
    } | members


class Service(ThreadingHTTPServer):
    """Answers by table: method and path to status and body."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.bodies: list[bytes] = []
        self.table = {
            ("POST", EXPORTS): (202, {"job_id": JOB, "status": "pending", "poll_url": f"{EXPORTS}{JOB}/"}),
            ("GET", f"{EXPORTS}{JOB}/"): (200, job(download_url=f"{self.url}/file")),
            ("GET", "/file"): (200, ARTEFACT),
        }

    def answers(self, method, path, status, body):
        self.table[method, path] = status, body

    def refuses(self, method, path, status, **members):
        problem = {"title": "Refused", "detail": "No.", "error_code": "x"} | members
        self.answers(method, path, status, problem)


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        self.server.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
        status, body = self.server.table[self.command, self.path.partition("?")[0]]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, *_):
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(service, tmp_path, monkeypatch):
    """Return a function that runs one command against the service."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELS_URL", service.url)
    monkeypatch.setenv("LABELS_API_KEY", "csb_key")
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def test_export_prints_the_path_and_nothing_else_on_standard_output(run, service, tmp_path):
    (tmp_path / "request.json").write_text(json.dumps(REQUEST))
    done = run("export", "request.json", "--out", "new/folder")
    assert (done.exit_code, done.stdout) == (0, "new/folder/qr_codes-lots-AbCd-2500.zip\n")
    assert (tmp_path / "new/folder/qr_codes-lots-AbCd-2500.zip").read_bytes() == ARTEFACT
    assert JOB in done.stderr
    assert json.loads(service.bodies[0]) == REQUEST


def test_export_reads_standard_input(run, service):
    assert run("export", "-", input=json.dumps(REQUEST)).exit_code == 0
    assert json.loads(service.bodies[0]) == REQUEST


def test_a_saved_request_is_submitted_by_its_name(run, service):
    receipt = service.table["POST", EXPORTS]
    service.table["POST", "/products/api/v1/labels/requests/morning/submit/"] = receipt
    done = run("requests", "run", "morning")
    assert (done.exit_code, done.stdout) == (0, "qr_codes-lots-AbCd-2500.zip\n")
    assert (service.bodies[0], JOB in done.stderr) == (b"", True)
    service.refuses("POST", "/products/api/v1/labels/requests/none/submit/", 404)
    assert "`labels requests list`" in run("requests", "run", "none").stderr


def test_export_says_what_is_missing(run, service):
    service.answers(
        "GET", f"{EXPORTS}{JOB}/", 200, job(failed_items=3, unmatched=1, download_url=f"{service.url}/file")
    )
    done = run("export", "-", input=json.dumps(REQUEST))
    assert done.exit_code == 0
    assert "3 failed and 1 of the request matched nothing" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is not JSON"), ("[]", "not a JSON object"), ("\x00", "is not JSON")]
)
def test_a_request_that_is_not_one(run, service, text, told):
    done = run("export", "-", input=text)
    assert done.exit_code == 1
    assert told in done.stderr
    assert service.bodies == []


def test_an_export_that_failed(run, service):
    failed = job("failed", error="all 2500 entities failed", errors_url="http://x.example/errors")
    service.answers("GET", f"{EXPORTS}{JOB}/", 200, failed)
    done = run("export", "-", input=json.dumps(REQUEST))
    assert done.exit_code == 1
    assert f"label export {JOB} failed: all 2500 entities failed" in done.stderr
    assert "http://x.example/errors" in done.stderr


def test_ctrl_c_tells_how_to_go_on(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(LabelsClient, "wait", interrupted)
    done = run("export", "-", input=json.dumps(REQUEST))
    assert done.exit_code == 130
    assert f"labels download {JOB}" in done.stderr
    assert f"labels cancel {JOB}" in done.stderr


def test_download_a_report(run, service, tmp_path):
    link = f"{service.url}/file?token=t"
    service.answers("GET", f"{EXPORTS}{JOB}/", 200, job(manifest_url=link))
    done = run("download", JOB, "--report", "manifest", "--format", "xlsx")
    assert (done.exit_code, done.stdout) == (0, f"{JOB}-manifest.xlsx\n")
    assert (tmp_path / f"{JOB}-manifest.xlsx").read_bytes() == ARTEFACT
    missing = run("download", JOB, "--report", "errors")
    assert missing.exit_code == 1
    assert "has no errors.csv" in missing.stderr


def test_a_format_without_a_report(run):
    done = run("download", JOB, "--format", "xlsx")
    assert done.exit_code == 2
    assert "--report" in done.stderr


def test_download(run, tmp_path):
    done = run("download", JOB)
    assert (done.exit_code, done.stdout) == (0, "qr_codes-lots-AbCd-2500.zip\n")
    assert (tmp_path / "qr_codes-lots-AbCd-2500.zip").read_bytes() == ARTEFACT


def test_status_is_json(run, service):
    service.answers("GET", f"{EXPORTS}{JOB}/", 200, job("processing"))
    done = run("status", JOB)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["status"], told["processed_items"]) == ("processing", 1000)
    assert told["created_at"] == "2026-03-31 12:00:00+00:00"


def test_watching_a_failure_exits_1(run, service):
    assert run("status", JOB, "--watch").exit_code == 0
    service.answers("GET", f"{EXPORTS}{JOB}/", 200, job("failed", error="cancelled"))
    done = run("status", JOB, "--watch")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"] == "cancelled"


def test_cancel(run, service):
    service.answers("DELETE", f"{EXPORTS}{JOB}/", 202, job("failed", error="cancelled"))
    done = run("cancel", JOB)
    assert (done.exit_code, done.stdout) == (0, f"cancelled {JOB} after 1,000 of 2,500\n")


def test_jobs(run, service):
    page = {"data": [job(), job("failed", error="cancelled")], "pagination": {"next_after": None}}
    service.answers("GET", EXPORTS, 200, page)
    head, first, second = run("jobs").stdout.splitlines()
    assert head.split()[:2] == ["job", "id"]
    assert first.endswith("100%  qr_codes-lots-AbCd-2500.zip")
    assert second.endswith("40%  cancelled")
    assert len(run("jobs", "--limit", "1").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "labels keys create"),
        (403, "--role editor"),
        (404, "labels jobs"),
        (409, "labels status"),
        (500, "log"),
    ],
)
def test_a_problem_comes_with_advice_and_no_traceback(run, service, status, advice):
    service.refuses("DELETE", f"{EXPORTS}{JOB}/", status)
    done = run("cancel", JOB)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {status} Refused: No.")
    assert advice in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_each_fault_of_a_request_has_its_line(run, service):
    details = [
        {"loc": ["body", "filters", "gtins", 1], "msg": "wrong check digit", "type": "x"},
        {"loc": ["body", "file_format"], "msg": "qr_codes take svg or png", "type": "x"},
    ]
    service.refuses("POST", EXPORTS, 422, details=details)
    done = run("export", "-", input=json.dumps(REQUEST))
    assert done.exit_code == 1
    _, first, second, advice = done.stderr.splitlines()
    assert first == "  body.filters.gtins.1: wrong check digit"
    assert second == "  body.file_format: qr_codes take svg or png"
    assert "Nothing was started" in advice


def test_no_service_there(run, monkeypatch):
    monkeypatch.setattr("labels_client.retries.Retries.pauses", lambda _: iter(()))
    done = run("status", JOB, "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "No service answers at http://127.0.0.1:9" in done.stderr
    assert "labels serve" in done.stderr


def test_a_url_that_is_not_an_address(run):
    done = run("status", JOB, "--url", "labels.example")
    assert done.exit_code == 1
    assert "'labels.example' is not the address" in done.stderr


def test_no_key(run):
    done = run("jobs", env={"LABELS_API_KEY": ""})
    assert done.exit_code == 2
    assert "labels keys create --org ORG" in done.stderr


@pytest.mark.parametrize("name", [name for name, module in _MODULES.items() if module == "label_exports"])
def test_help_shows_examples_on_lines_of_their_own(run, name):
    shown = run(name, "--help").stdout
    assert f"\n    labels {name}" in shown or f"\n    labels {name} " in shown
    assert "\\b" not in shown
