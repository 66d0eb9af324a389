"""Checks of the running service: the code server and the façade. A process that is not started is no failure."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx

from cli.service.services import address_of_code
from cli.upkeep.findings import CONNECT_SECONDS, Check, Finding, Installation, Level

#: /readyz answers within five seconds.
_READY_SECONDS = 8.0


def code_server(installation: Installation) -> Iterator[Finding]:
    settings = installation.settings.model_copy(update={"home": installation.home})
    address = address_of_code(settings)
    is_socket = not settings.code_server
    if is_socket and not Path(address).exists():
        yield Finding(
            "code server", Level.WARN, "it does not run on this home", "Start the service: `labels serve`."
        )
        return
    with grpc.insecure_channel(f"unix:{address}" if is_socket else address) as channel:
        try:
            grpc.channel_ready_future(channel).result(CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            yield Finding(
                "code server",
                Level.WARN if is_socket else Level.FAIL,
                f"nothing answers at {address}",
                "Start the service."
                if is_socket
                else "Start `labels code-server` there, or correct LABELS_CODE_SERVER.",
            )
        else:
            yield Finding("code server", Level.OK, f"it answers at {address}")


def facade(installation: Installation) -> Iterator[Finding]:
    """Ask the façade whether it is ready and what is degraded."""
    url = installation.facade_url
    try:
        answer = httpx.get(f"{url.rstrip('/')}/readyz", timeout=_READY_SECONDS)
    except httpx.TransportError as error:
        yield Finding(
            "façade",
            Level.WARN,
            f"nothing answers at {url}: {error}",
            "Start the service, or name it with --url.",
        )
        return
    answered = answer.json() if answer.headers.get("content-type", "").startswith("application/") else {}
    if answer.status_code != 200:
        found = f"{url} is not ready: {answer.status_code} {answered.get('detail', '')}".rstrip()
        yield Finding("façade", Level.FAIL, found, "See the findings above and the façade's log.")
    elif degraded := answered.get("degraded"):
        yield Finding(
            "façade",
            Level.WARN,
            f"{url} is ready; degraded: {', '.join(degraded)}",
            "See the service's log.",
        )
    else:
        yield Finding("façade", Level.OK, f"{url} is ready")


CHECKS = (
    Check("code server", code_server, "Start the service."),
    Check("façade", facade, "Check that the address is the façade's: --url or LABELS_URL."),
)
