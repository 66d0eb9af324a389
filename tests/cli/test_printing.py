"""`labels print` against a socket server in place of a printer."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main

LABELS = [
    f"^XA^CI28^PW812^LL406^FXlabel {number}^FS^FO9,9^A0N,20,20^FDLot {number}^FS^PQ1,0,0,N^XZ\n".encode()
    for number in range(1, 6)
    if number != 3  # an entity that failed has no label
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "roll.zpl"
    path.write_bytes(b"".join(LABELS))
    return path


def run(path: Path, printer: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["print", str(path), "--printer", printer, *options])


@contextmanager
def printer(serve: Callable[[socket.socket], object]) -> Generator[str]:
    """Yield the address of a printer that does this with its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def received(path: Path, *options: str) -> tuple[Result, bytes]:
    taken = bytearray()

    def take(connection: socket.socket) -> None:
        while block := connection.recv(1 << 16):
            taken.extend(block)

    with printer(take) as address:
        result = run(path, address, *options)
    return result, bytes(taken)


def test_the_printer_gets_the_file(file: Path) -> None:
    result, taken = received(file)
    assert (result.exit_code, taken.strip()) == (0, file.read_bytes().strip())
    assert "4 labels sent. The last is label 5." in result.stderr


def test_it_goes_on_from_a_label(file: Path) -> None:
    """Label 3 is not there, so the next one is the first."""
    result, taken = received(file, "--from", "3")
    assert (result.exit_code, taken.strip()) == (0, b"".join(LABELS[2:]).strip())


def test_a_large_file_is_sent_label_by_label(tmp_path: Path) -> None:
    path = tmp_path / "roll.zpl"
    path.write_bytes(b"".join(LABELS) * 5_000)
    result, taken = received(path)
    assert (result.exit_code, taken.strip()) == (0, path.read_bytes().strip())
    assert "20,000 labels sent" in result.stderr


def test_standard_output_is_a_dry_run(file: Path) -> None:
    result = run(file, "-", "--from", "4")
    assert (result.exit_code, result.stdout_bytes.strip()) == (0, b"".join(LABELS[2:]).strip())


def test_a_printer_that_takes_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "roll.zpl"
    path.write_bytes(b"".join(LABELS) * 100_000)
    done = threading.Event()
    with printer(lambda _: done.wait()) as address:
        result = run(path, address, "--timeout", "0.2")
        done.set()
    assert result.exit_code == 1
    assert "took nothing for 0.2 s" in result.stderr
    assert "The last that was sent is label" in result.stderr
    assert "--from" in result.stderr


def test_a_printer_that_hangs_up_is_told(tmp_path: Path) -> None:
    path = tmp_path / "roll.zpl"
    path.write_bytes(b"".join(LABELS) * 100_000)
    with printer(lambda connection: connection.close()) as address:
        result = run(path, address)
    assert result.exit_code == 1
    assert address in result.stderr
    assert "Go on behind the last that was printed" in result.stderr


def test_a_printer_that_is_not_there_is_told(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = run(file, f"tcp://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "refused" in result.stderr
    assert "Nothing was sent." in result.stderr


def test_a_printer_that_does_not_answer_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", never)
    result = run(file, "tcp://192.0.2.1")
    assert result.exit_code == 1
    assert "No printer answers at 192.0.2.1:9100" in result.stderr


@pytest.mark.parametrize(
    "address", ["192.168.1.50", "http://host:9100", "tcp://", "tcp://host:port", "tcp://host/queue"]
)
def test_other_addresses_are_refused(file: Path, address: str) -> None:
    result = run(file, address)
    assert result.exit_code == 2
    assert "tcp://192.168.1.50:9100" in result.stderr


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (LABELS[0] + b"^XA^FO", (), "ends within a label"),
        (b"^XA^FDmade elsewhere^FS^XZ", ("--from", "2"), "have no numbers"),
        (LABELS[0], ("--from", "2"), "no label from 2 on"),
        (b"", (), "no label from 1 on"),
    ],
)
def test_a_file_that_cannot_be_sent_so(
    tmp_path: Path, content: bytes, options: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "roll.zpl"
    path.write_bytes(content)
    result = run(path, "-", *options)
    assert result.exit_code == 1
    assert message in result.stderr
