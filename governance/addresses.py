"""Where a request comes from, and how much of that is shown."""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address: the connection's own, or what the outermost of our proxies saw; empty if that is no address."""
    found = request.META.get("REMOTE_ADDR", "")
    if count := settings.TRUSTED_PROXIES:
        chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        found = chain[-count] if len(chain) >= count else found
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return ""


def within(address: str, networks: Iterable[str]) -> bool:
    """Return whether `address` lies in one of the `networks`; with none named, every address does."""
    wanted = [ipaddress.ip_network(network) for network in networks]
    if not wanted:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in wanted)


def masked(address: str) -> str:
    """Return the part that tells a network and no house: `203.0.*.*`, `2001:db8:*`."""
    if ":" in address:
        return ":".join(address.split(":")[:2]) + ":*"
    parts = address.split(".")
    return ".".join([*parts[:2], "*", "*"]) if len(parts) == 4 else ""


def device(agent: str) -> str:
    """Return what a browser calls itself, in two words: `Chrome, Linux`."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part) or _("Unknown device")
