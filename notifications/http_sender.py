"""Post signed messages to receivers that are on the public Internet.

A receiver's address is the organisation's own choice, so it must be an address of the public Internet. The name
is resolved once, every address it has is checked, and the connection goes to one of the checked addresses. A name
server that answers differently the second time is therefore never asked. Redirects and proxies are not followed.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import BoundedSemaphore, Thread, Timer
from typing import TypeAlias
from urllib.parse import urlsplit

from standardwebhooks import Webhook as Signer

from accounts.deliveries import Delivery
from exports import trace
from gs1.errors import LabelError

_RESOLVE_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0
_ADDRESSES_TRIED = 2
_ANSWER_BYTES = 1024

#: Look-ups of names that may go on at once, each in a thread: the system gives them no time limit.
_LOOK_UPS = BoundedSemaphore(64)

#: The only block that IANA has given out for global unicast; all others translate, tunnel or stay inside.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

#: (host, port) -> the addresses it has.
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]


class AddressNotAllowed(LabelError):
    """The receiver's name leads, or also leads, to an address that is not of the public Internet."""

    code = "address_not_allowed"

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} leads to {address}, which is not of the public Internet",
            value=address,
            expected="a public address",
            field="url",
        )


def is_public(address: str) -> bool:
    """Return whether the IP address is one of the public Internet, and no way round to another.

    >>> [is_public(address) for address in ("93.184.216.34", "127.0.0.1", "::ffff:10.0.0.1")]
    [True, False, False]
    """
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        # 6to4 and Teredo lie in the block and carry an IPv4 address to go on to.
        if ip not in _GLOBAL_UNICAST or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of the host, as the system resolves it.

    Raises OSError; TimeoutError, which is one, after 5 s, or at once if too many look-ups go on already.
    """
    if not _LOOK_UPS.acquire(blocking=False):
        raise TimeoutError("too many look-ups of names wait for an answer")
    answer = Future[list[str]]()
    Thread(target=_look_up, args=(host, port, answer), daemon=True).start()
    return answer.result(_RESOLVE_SECONDS)


def _look_up(host: str, port: int, answer: Future[list[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result(list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)))
    except Exception as error:  # noqa: BLE001 - raised by whoever waits
        answer.set_exception(error)
    finally:
        _LOOK_UPS.release()


@dataclass(frozen=True, slots=True)
class HttpSender:
    """Posts deliveries, each signed with its webhook's secret."""

    allow_private: bool = False
    resolve: Resolve = resolve
    tls: ssl.SSLContext | None = None

    def __call__(self, delivery: Delivery, now: datetime) -> int:
        """Return the status of the answer, whose body is not looked at.

        Raises AddressNotAllowed; OSError or HTTPException where there is no proper answer in time.
        """
        body = delivery.payload.encode()
        sent_at = now.astimezone(UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "gs1-label-exporter",
            "Connection": "close",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": Signer(delivery.webhook.secret).sign(
                delivery.message_id, sent_at, delivery.payload
            ),
        }
        if (here := trace.current()) is not None:
            headers[trace.HEADER] = str(here)
        url = urlsplit(delivery.webhook.url)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection = self._connection(url.scheme, url.hostname or "", url.port)
        # Each read has its timeout; a byte now and then would still hold us, so all of it has one too.
        watchdog = Timer(_ANSWER_SECONDS, _cut, [connection.sock])
        watchdog.daemon = True
        watchdog.start()
        try:
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            connection.request("POST", target, body, headers)
            with connection.getresponse() as response:
                response.read(_ANSWER_BYTES)
                return response.status
        finally:
            watchdog.cancel()
            connection.close()

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        """Return a connection that is open already, to an address that was judged, and never opens another."""
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        connection = kind(host, port, timeout=_CONNECT_SECONDS)
        connection.auto_open = 0
        plain = _connected(self._judged(host, connection.port), connection.port)
        if scheme == "https":
            tls = self.tls or ssl.create_default_context()
            connection.sock = tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        else:
            connection.sock = plain
        return connection

    def _judged(self, host: str, port: int) -> Sequence[str]:
        addresses = self.resolve(host, port)
        if not self.allow_private:
            for address in addresses:
                if not is_public(address):
                    raise AddressNotAllowed(host, address)
        return addresses


def _connected(addresses: Sequence[str], port: int) -> socket.socket:
    failure = OSError("the name has no address")
    for address in addresses[:_ADDRESSES_TRIED]:
        try:
            return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            failure = error
    raise failure


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
