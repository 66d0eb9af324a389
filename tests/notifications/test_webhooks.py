"""Webhook messages about ended jobs: content, retries, and forbidden addresses."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook as Verifier

from accounts.deliveries import Delivery
from accounts.store import Accounts
from accounts.vault import Vault, derived_keys
from exports.ports import ExportJob, JobStatus
from notifications import http_sender
from notifications.http_sender import AddressNotAllowed, HttpSender, is_public
from notifications.webhooks import RETRY_AFTER, Courier, Send, message, message_id

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def job(status: JobStatus = JobStatus.COMPLETED, **changes: object) -> ExportJob:
    values = {
        "job_id": "22222222222222222222Ab", "organisation": "acme", "status": status, "total_items": 3,
        "processed_items": 2, "failed_items": 1, "unmatched": 0, "error": None, "error_code": None,
        "output_filename": "qr_codes-lots-2222-2.zip", "file_size_bytes": 9, "sha256": "00",
        "created_at": NOW, "started_at": NOW, "finished_at": NOW,
    }  # fmt: skip
    return ExportJob(**(values | changes))


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    made = Accounts(
        f"sqlite:///{tmp_path / 'accounts.sqlite'}", Vault(derived_keys(["a secret of the tests"]))
    )
    made.create_organisation("acme")
    yield made
    made.close()


@dataclass
class Received:
    """A receiver on this machine: what it got, and how it answers."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def receiver() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.requests.append((self.path, dict(self.headers), body))
            self.send_response(received.status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"x" * 5000)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


def due(accounts: Accounts, url: str, body: str | None = None) -> Delivery:
    accounts.webhooks.add("acme", url, allow_http=True)
    accounts.deliveries.enqueue("acme", message_id("J"), body or message(job(), NOW), at=NOW)
    return accounts.deliveries.due(NOW, 1)[0]


def deliver_due(accounts: Accounts, send: Send, clock: Callable[[], datetime], until: datetime) -> int:
    """Deliver what is due, wait until it is done, and return how many attempts that took."""
    return sum(turn.result(30) for turn in Courier().start_due(accounts, send, clock, until))


def test_a_message_says_what_a_poll_says_without_links() -> None:
    failed = job(JobStatus.FAILED, error="cancelled", error_code="cancelled", output_filename=None)
    assert json.loads(message(failed, NOW)) == {
        "type": "label_export.failed",
        "timestamp": "2026-11-24T08:30:00+00:00",
        "data": {
            "job_id": "22222222222222222222Ab",
            "status": "failed",
            "total_items": 3,
            "processed_items": 2,
            "failed_items": 1,
            "unmatched": 0,
            "output_filename": None,
            "error": "cancelled",
            "error_code": "cancelled",
        },
    }
    assert json.loads(message(job(), NOW))["type"] == "label_export.completed"


def test_the_standard_library_of_receivers_verifies_what_arrives(
    accounts: Accounts, receiver: Received
) -> None:
    delivery = due(accounts, f"http://localhost:{receiver.port}/hook?a=1")
    assert HttpSender(allow_private=True)(delivery, datetime.now(UTC)) == 204
    ((path, headers, body),) = receiver.requests
    assert path == "/hook?a=1"
    assert headers["Host"] == f"localhost:{receiver.port}"
    assert Verifier(delivery.webhook.secret).verify(body, headers)["data"]["total_items"] == 3


def test_no_redirect_is_followed(accounts: Accounts, receiver: Received) -> None:
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    delivery = due(accounts, f"http://127.0.0.1:{receiver.port}/")
    assert HttpSender(allow_private=True)(delivery, NOW) == 302
    assert [path for path, *_ in receiver.requests] == ["/"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("0.0.0.0", False, id="this host"),
        pytest.param("10.1.2.3", False, id="private 10"),
        pytest.param("172.16.0.1", False, id="private 172.16"),
        pytest.param("192.168.1.1", False, id="private 192.168"),
        pytest.param("169.254.169.254", False, id="link-local: where clouds keep credentials"),
        pytest.param("100.64.0.1", False, id="shared by carriers"),
        pytest.param("192.0.2.1", False, id="documentation"),
        pytest.param("224.0.0.1", False, id="multicast"),
        pytest.param("255.255.255.255", False, id="broadcast"),
        pytest.param("::1", False, id="loopback 6"),
        pytest.param("::", False, id="unspecified 6"),
        pytest.param("fe80::1%1", False, id="link-local 6, with its zone"),
        pytest.param("fd00::1", False, id="unique local 6"),
        pytest.param("::ffff:127.0.0.1", False, id="IPv4 in IPv6"),
        pytest.param("64:ff9b::7f00:1", False, id="translated by NAT64"),
        pytest.param("2002:7f00:1::", False, id="tunnelled by 6to4"),
        pytest.param("2001:0:4136:e378:8000:63bf:3fff:fdd2", False, id="tunnelled by Teredo"),
        pytest.param("2001:db8::1", False, id="documentation 6"),
        pytest.param("ff02::1", False, id="multicast 6"),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]"])
def test_this_machine_is_not_reached_by_any_spelling(
    accounts: Accounts, receiver: Received, host: str
) -> None:
    delivery = due(accounts, f"http://{host}:{receiver.port}/")
    with pytest.raises((AddressNotAllowed, OSError)):
        HttpSender()(delivery, NOW)
    assert receiver.requests == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(accounts: Accounts) -> None:
    sender = HttpSender(resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressNotAllowed, match=r"10\.0\.0\.1"):
        sender(due(accounts, "https://hooks.example/"), NOW)


def test_a_name_is_asked_for_once_and_the_judged_address_is_the_one_connected_to(
    accounts: Accounts, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["127.0.0.1"]])
    connected = []
    create = socket.create_connection

    def watched(address: tuple[str, int], **options: object) -> socket.socket:
        connected.append(address[0])
        return create(address, **options)

    monkeypatch.setattr(http_sender.socket, "create_connection", watched)
    sender = HttpSender(allow_private=True, resolve=lambda host, port: next(answers))
    delivery = due(accounts, f"http://rebound.example:{receiver.port}/")
    assert sender(delivery, NOW) == 204
    assert connected == ["127.0.0.1"]
    assert receiver.requests[0][1]["Host"] == f"rebound.example:{receiver.port}"


@pytest.fixture(scope="module")
def tls_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, ssl.SSLContext]]:
    """Yield the port of a receiver that is hooks.example to whom trusts the context, on this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path_factory.mktemp("tls")
    (files / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (files / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files / "certificate.pem", files / "key.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            connection, address = self.socket.accept()
            return theirs.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port, ssl.create_default_context(cafile=str(files / "certificate.pem"))
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("host", "trusted", "arrives"),
    [
        pytest.param("hooks.example", True, True, id="its name, not its address, is in the certificate"),
        pytest.param("other.example", True, False, id="another name is not its"),
        pytest.param("hooks.example", False, False, id="nobody vouches for it"),
    ],
)
def test_the_certificate_must_be_the_hosts(
    accounts: Accounts, tls_receiver: tuple[int, ssl.SSLContext], host: str, trusted: bool, arrives: bool
) -> None:
    port, context = tls_receiver
    sender = HttpSender(
        allow_private=True, resolve=lambda *_: ["127.0.0.1"], tls=context if trusted else None
    )
    delivery = due(accounts, f"https://{host}:{port}/")
    if arrives:
        assert sender(delivery, NOW) == 200
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            sender(delivery, NOW)


def test_a_receiver_that_speaks_no_http_is_an_error_and_not_an_accident(accounts: Accounts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        delivery = due(accounts, f"http://127.0.0.1:{server.getsockname()[1]}/")

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        attempts = deliver_due(accounts, HttpSender(allow_private=True), lambda: NOW, NOW + timedelta(1))
        thread.join()
    assert attempts == 1
    assert accounts.deliveries.due(NOW, 10) == []
    assert accounts.deliveries.due(NOW + timedelta(seconds=5), 10)[0].id == delivery.id


def test_a_name_server_that_does_not_answer_is_waited_for_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()
    look_ups = threading.BoundedSemaphore(1)

    def stuck(*_: object, **__: object) -> list[object]:
        answered.wait(30)
        return [(0, 0, 0, "", ("93.184.216.34", 443))]

    monkeypatch.setattr(http_sender.socket, "getaddrinfo", stuck)
    monkeypatch.setattr(http_sender, "_LOOK_UPS", look_ups)
    monkeypatch.setattr(http_sender, "_RESOLVE_SECONDS", 0)
    with pytest.raises(TimeoutError):
        http_sender.resolve("hooks.example", 443)
    with pytest.raises(TimeoutError, match="too many look-ups"):
        http_sender.resolve("other.example", 443)
    answered.set()
    assert look_ups.acquire(timeout=30), "a look-up that ends makes room"
    look_ups.release()
    monkeypatch.setattr(http_sender, "_RESOLVE_SECONDS", 30)
    assert http_sender.resolve("hooks.example", 443) == ["93.184.216.34"]


def test_a_name_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(http_sender.socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        http_sender.resolve("hooks.invalid", 443)


def test_a_receiver_that_never_answers_costs_only_its_own_organisation(accounts: Accounts) -> None:
    accounts.create_organisation("other")
    for _ in range(3):
        accounts.webhooks.add("acme", "https://silent.example/")
    accounts.webhooks.add("other", "https://hooks.example/")
    for number in range(4):
        for slug in ("acme", "other"):
            accounts.deliveries.enqueue(slug, f"msg_{number}", "{}", at=NOW)
    released = threading.Event()
    sent: list[tuple[str, int]] = []

    def send(delivery: Delivery, now: datetime) -> int:
        sent.append((delivery.webhook.organisation, delivery.id))
        if delivery.webhook.organisation == "acme":
            released.wait(30)
            raise TimeoutError
        return 200

    courier = Courier()
    first = courier.start_due(accounts, send, lambda: NOW, NOW + timedelta(1))
    assert len(first) == 3, "two threads of three webhooks, and the other organisation's"
    theirs, silent = wait(first, 30, FIRST_COMPLETED)
    assert [turn.result() for turn in theirs] == [4]
    accounts.deliveries.enqueue("other", "msg_4", "{}", at=NOW)
    (second,) = courier.start_due(accounts, send, lambda: NOW, NOW + timedelta(1))
    assert second.result(30) == 1, "what comes later does not wait either"
    released.set()
    assert [turn.result(30) for turn in silent] == [1, 1], "an attempt without an answer ends the turn"
    assert len(set(sent)) == len(sent) == 2 + 5


def test_what_is_on_its_way_is_not_sent_a_second_time(accounts: Accounts) -> None:
    due(accounts, "https://hooks.example/")
    released = threading.Event()

    def send(delivery: Delivery, now: datetime) -> int:
        released.wait(30)
        return 200

    courier = Courier()
    (turn,) = courier.start_due(accounts, send, lambda: NOW, NOW + timedelta(1))
    assert courier.start_due(accounts, send, lambda: NOW, NOW + timedelta(1)) == []
    released.set()
    assert turn.result(30) == 1
    assert courier.start_due(accounts, send, lambda: NOW, NOW + timedelta(1)) == []


def test_a_failure_of_ours_frees_the_webhook_and_is_logged(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    due(accounts, "https://hooks.example/")
    courier = Courier()
    (turn,) = courier.start_due(accounts, answering(RuntimeError()), lambda: NOW, NOW + timedelta(1))
    with pytest.raises(RuntimeError):
        turn.result(30)
    assert "cut short" in caplog.text


def answering(*answers: int | Exception) -> Callable[[Delivery, datetime], int]:
    left = iter(answers)

    def send(delivery: Delivery, now: datetime) -> int:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return send


def test_a_failing_receiver_is_tried_six_more_times_and_then_given_up(accounts: Accounts) -> None:
    due(accounts, "https://hooks.example/")
    send = answering(
        500, OSError("refused"), 302, 404, 503, AddressNotAllowed("hooks.example", "10.0.0.1"), 500
    )
    now, waits = NOW, []
    while deliver_due(accounts, send, partial(max, now, NOW), now + timedelta(seconds=20)):
        later = next((now + wait for wait in RETRY_AFTER if accounts.deliveries.due(now + wait, 1)), None)
        if later is None:
            break
        waits.append(later - now)
        now = later
    assert waits == list(RETRY_AFTER)
    assert accounts.deliveries.due(now + timedelta(days=3650), 1) == []


def test_gone_means_never_again(accounts: Accounts) -> None:
    due(accounts, "https://hooks.example/")
    deliver_due(accounts, answering(410), lambda: NOW, NOW + timedelta(1))
    assert [webhook.active for webhook in accounts.webhooks.list("acme")] == [False]
    assert accounts.deliveries.due(NOW + timedelta(days=3650), 1) == []


def test_what_arrived_is_not_sent_again(accounts: Accounts) -> None:
    due(accounts, "https://hooks.example/")
    assert deliver_due(accounts, answering(200), lambda: NOW, NOW + timedelta(1)) == 1
    assert deliver_due(accounts, answering(), lambda: NOW, NOW + timedelta(1)) == 0


def test_nothing_is_started_when_the_time_is_up(accounts: Accounts) -> None:
    due(accounts, "https://hooks.example/")
    assert deliver_due(accounts, answering(), lambda: NOW, NOW) == 0
    assert len(accounts.deliveries.due(NOW, 10)) == 1


def test_the_receiver_and_the_log_are_told_the_trace(
    accounts: Accounts, receiver: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "0af7651916cd43dd8448eb211c80319c"
    due(accounts, f"http://127.0.0.1:{receiver.port}/", message(job(), NOW, given))
    assert deliver_due(accounts, HttpSender(allow_private=True), lambda: NOW, NOW + timedelta(1)) == 1
    ((_, headers, body),) = receiver.requests
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    payload = json.loads(body)
    assert headers["traceparent"].split("-")[1] == payload["traceparent"].split("-")[1] == given
    assert (line["event"], line["trace_id"], line["outcome"]) == ("webhook", given, "HTTP 204")
    assert line["message_id"] == message_id("J")
