"""Doors of devices: what is kept of the one an application came from, and when it is forgotten.

Only the applicant's own device is told, by the partner or app that hands the application in: what staff type on is not the applicant's.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext_lazy as _

from credit.models import Application, ApplicationDevice
from crm.lib.errors import Invalid
from governance import rules, vault
from risk import lists
from risk.models import ListEntry

LABEL = "credit.applicationdevice.network"
KEPT = "credit.device.kept"
LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")
FAMILIES = (
    ("micromessenger", "wechat"), ("alipayclient", "alipay"), ("edg/", "edge"), ("firefox", "firefox"), ("fxios", "firefox"), ("crios", "chrome"),
    ("chrome", "chrome"), ("okhttp", "android_app"), ("dalvik", "android_app"), ("cfnetwork", "ios_app"), ("safari", "safari"),
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """What is told of a device: what it calls itself, and if known its browser's words, language, zone and address."""

    fingerprint: str
    user_agent: str = ""
    language: str = ""
    time_zone: str = ""
    ip: str = ""


def record(application: Application, told: Device, *, at: datetime) -> ApplicationDevice:
    """Keep what the policy may ask of a device; the fingerprint and the address themselves are kept nowhere.

    :raises Invalid: with a sentence per wrong field
    """
    problems = {}
    try:
        key = lists.key_of(ListEntry.What.DEVICE, lists.canonical(ListEntry.What.DEVICE, told.fingerprint, on=at.date()))
    except Invalid as refusal:
        problems["device"] = refusal.message
    if told.language and not LANGUAGE.match(told.language):
        problems["device"] = _("A language is written as zh or zh-CN.")
    if told.time_zone and told.time_zone not in available_timezones():
        problems["device"] = _("A time zone is written as Asia/Shanghai.")
    try:
        network = network_of(told.ip)
    except ValueError:
        problems["device"] = _("This is not an internet address.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    differs = None
    if told.time_zone:
        differs = at.astimezone(ZoneInfo(told.time_zone)).utcoffset() != at.astimezone(ZoneInfo(application.legal_entity.zone)).utcoffset()
    device = ApplicationDevice(
        application=application, device_key=key, family=family_of(told.user_agent), language=told.language, time_zone=told.time_zone,
        network_key=vault.fingerprint(network, label=LABEL) if network else "", zone_differs=differs, seen_at=at,
    )  # fmt: skip
    device.save(force_insert=True)
    return device


def family_of(user_agent: str) -> str:
    """Return the family of app or browser; "other" for one we do not know, "" where nothing was told."""
    words = user_agent.lower()
    return next((family for mark, family in FAMILIES if mark in words), "other") if words.strip() else ""


def network_of(ip: str) -> str:
    """Return the network of an address: the first 24 bits of version 4, 48 of version 6; "" where none was told.

    :raises ValueError: if it is no address
    """
    if not ip:
        return ""
    address = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def forget(*, at: datetime) -> int:
    """Delete what is older than the rule lets it be; return how much. May run twice."""
    days = int(rules.value(KEPT, on=at.date()))
    gone, _each = ApplicationDevice.objects.filter(seen_at__lt=at - timedelta(days=days)).delete()
    return gone


def forget_of(customer_id: int) -> int:
    """Delete the devices of one person's applications; return how many. May run twice."""
    gone, _each = ApplicationDevice.objects.filter(application__customer=customer_id).delete()
    return gone
