"""`labels print`: sends a file of labels to a label printer."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import os
import re
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import urlsplit

import click

#: The port on which label printers take what they print, and how long one may take to answer.
_PORT = 9100
_CONNECT_SECONDS = 10.0

#: How long a printer may take to close the connection after the last label. Some never do.
_CLOSE_SECONDS = 5.0

_END = b"^XZ"
_BLOCK = 1 << 16
#: The longest label is far shorter.
_MOST_LABEL_BYTES = 1 << 24

#: How our labels tell their number.
_NUMBER = re.compile(rb"\^FXlabel ([0-9]{1,12})\^FS")


#: Takes one label.
_Send: TypeAlias = Callable[[bytes], object]


@click.command(name="print")
@click.argument("file", metavar="FILE.zpl", type=click.File("rb"))
@click.option(
    "--printer", required=True, metavar="tcp://HOST[:PORT]", help="The printer; - is standard output."
)
@click.option(
    "--from",
    "first",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    help="Begin with label N of the manifest.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="How long the printer may take nothing, as when it is out of labels.",
)
def print_(file: BinaryIO, printer: str, first: int, timeout: float) -> None:
    """Send the labels of FILE.zpl to a label printer on this network.

    The printer is sent to as fast as it prints. If it stops, the last label that was sent is told. A printer holds some
    labels before it prints them, so look at the last one it printed, and go on behind it with --from.

    \b
    Examples:
      labels print roll-AbCd-1000.zpl --printer tcp://192.168.1.50
      labels print roll-AbCd-1000.zpl --printer tcp://192.168.1.50:9100 --from 412
      labels print roll-AbCd-1000.zpl --printer - | head
    """
    address = _address(printer)
    sent = 0
    last = ""
    try:
        with _connected(address, timeout) as send, _progress(file) as progress:
            for label in _labels(file):
                progress.update(len(label))
                number = _NUMBER.search(label)
                if number is None and first > 1:
                    raise click.ClickException(
                        "The labels of this file have no numbers: --from cannot find its label."
                    )
                if number is not None and int(number[1]) < first:
                    continue
                send(label)
                sent += 1
                last = f"label {number[1].decode()}" if number else f"the {sent}. label"
    except TimeoutError as error:
        msg = f"{printer} took nothing for {timeout:g} s: is it out of labels, open or paused?"
        raise click.ClickException(f"{msg} {_so_far(last)}") from error
    except OSError as error:
        raise click.ClickException(f"{printer}: {error.strerror or error}. {_so_far(last)}") from error
    if not sent:
        raise click.ClickException(f"The file has no label from {first} on.")
    click.echo(f"{sent:,} labels sent. The last is {last}.", err=True)


def _so_far(last: str) -> str:
    """Return what was sent before an error, and how to go on."""
    if not last:
        return "Nothing was sent."
    return f"The last that was sent is {last}. Go on behind the last that was printed, with --from."


def _address(printer: str) -> tuple[str, int] | None:
    """Return host and port of the printer, None for standard output."""
    if printer == "-":
        return None
    try:
        parts = urlsplit(printer)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, _PORT
    else:
        if parts.scheme != "tcp" or parts.path.strip("/") or parts.query:
            host = None
    if host is None:
        raise click.UsageError(
            f"{printer!r} is no printer: expected one like tcp://192.168.1.50:{_PORT}, or -."
        )
    return host, port


@contextmanager
def _connected(address: tuple[str, int] | None, timeout_seconds: float) -> Generator[_Send]:
    """Yield a function that sends bytes. Afterwards all of them have been taken.

    Raises TimeoutError where nothing was taken in time, and OSError.
    """
    if address is None:
        yield sys.stdout.buffer.write
        sys.stdout.flush()
        return
    try:
        connection = socket.create_connection(address, min(timeout_seconds, _CONNECT_SECONDS))
    except TimeoutError as error:
        host, port = address
        raise click.ClickException(f"No printer answers at {host}:{port}.") from error
    with connection:
        connection.settimeout(timeout_seconds)
        yield connection.sendall
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(min(timeout_seconds, _CLOSE_SECONDS))
        with suppress(TimeoutError):
            while connection.recv(_BLOCK):
                pass


def _progress(file: BinaryIO) -> AbstractContextManager[Any]:
    """Return a progress bar over the bytes of the file."""
    length = os.fstat(file.fileno()).st_size if file.seekable() else None
    return click.progressbar(length=length, label="Printing", file=sys.stderr)


def _labels(file: BinaryIO) -> Iterator[bytes]:
    """Yield the labels one by one."""
    held = b""
    while block := file.read(_BLOCK):
        *labels, held = (held + block).split(_END)
        yield from (label + _END for label in labels)
        if len(held) > _MOST_LABEL_BYTES:
            raise click.ClickException("This is no file of labels: a label has no end (^XZ).")
    if held.strip():
        raise click.ClickException("The file ends within a label: download it again.")
