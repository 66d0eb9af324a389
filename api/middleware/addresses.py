"""The network address that a request counts against."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import Request


def address_of(request: Request) -> str:
    """Return the client's address. An IPv6 address is cut to its /64 network, which belongs to one customer.

    Behind a trusted proxy, the server or a middleware has replaced the proxy's address by the client's.
    """
    host = request.client.host if request.client else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return host
