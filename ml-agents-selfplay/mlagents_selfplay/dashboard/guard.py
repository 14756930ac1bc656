"""Who may ask? Only pages that this dashboard served, under a name that nobody else can point at it."""

from __future__ import annotations

import ipaddress
import socket

from flask import Flask, Response, abort, request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def protect(server: Flask, host: str) -> None:
    """Makes a server refuse, with status 403, what a page of another origin asks for.

    A browser lets any page on the web send requests to 127.0.0.1; what gives it away is the `Origin` that it must name.
    And it lets a page of `evil.example` read answers if that name suddenly leads to 127.0.0.1; what gives that away is
    the `Host`. So whatever changes something must come with this server's own origin, and every request must name an
    address or a name that is the server's own.

    Args:
      server: gets the checks, and headers that keep other pages from showing this one in a frame.
      host: address or name that the server listens on.
    """

    @server.before_request
    def refuse_strangers() -> None:
        if not _is_own_name(_name(request.host), host):
            abort(403, f"This dashboard is not at {request.host!r}: open it under the address that it printed.")
        own = f"{request.scheme}://{request.host}"
        if request.method not in SAFE_METHODS and request.headers.get("Origin") != own:
            abort(403, f"Only pages of {own} may ask for this.")

    @server.after_request
    def keep_out_of_frames(response: Response) -> Response:
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach what listens on `host`."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_own_name(name: str, host: str) -> bool:
    if name in ("localhost", host):
        return True
    address = _address(name)
    if is_loopback(host):
        return address is not None and address.is_loopback
    return address is not None or name == socket.gethostname()  # nobody can make an address lead elsewhere


def _name(host_header: str) -> str:
    """Returns a Host header without its port."""
    if host_header.startswith("["):
        return host_header[1 : host_header.find("]")]
    return host_header.partition(":")[0]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
